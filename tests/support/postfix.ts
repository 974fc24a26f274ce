/**
 * A real Postfix for tests: an instance of its own with configuration, queue, data and log in a temporary directory.
 *
 * The system's Postfix is neither used nor touched. As every Postfix it is started by root. It listens on a loopback
 * address, asks no DNS, and hands nothing to anybody unless `parameters` say so; files of its configuration are named
 * as "$config_directory/NAME" in them. `await using postfix = await startPostfix({...})`.
 */
import { join } from "@std/path";
import { freePort } from "./free_port.ts";
import { needing } from "./installed.ts";
import { runProgram } from "./program.ts";
import { systemUser } from "./system_user.ts";

export interface PostfixOptions {
  /** main.cf beyond, or in place of, what every instance here has. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Files in the configuration directory by name, such as look-up tables; readable by Postfix only. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface Postfix extends AsyncDisposable {
  /** Of its SMTP server, on 127.0.0.1. */
  readonly port: number;
  /** What it logged so far. */
  log(): Promise<string>;
  /** Submits a message as a user of its machine does; `text` has LF line ends. */
  sendmail(sender: string, recipients: readonly string[], text: string): Promise<void>;
  /** The messages in a maildir beneath `virtual_mailbox_base`, the oldest first; they have LF line ends. */
  maildir(name: string): Promise<Uint8Array[]>;
}

/** Everybody's: no account of this machine owns what is delivered. */
const NOBODY = 65534;

/** The part of a test's definition that depends on whether a Postfix can be started here, as `needing` has it. */
export function needingPostfix(name: string): { name: string; ignore: boolean } {
  const needs = needing(name, "postfix");
  if (needs.ignore || Deno.uid() === 0 || Deno.env.get("MAILHOP_TEST_REQUIRE") === "all") return needs;
  return { name: `${name} (only root can start a Postfix)`, ignore: true };
}

export async function startPostfix(options: PostfixOptions): Promise<Postfix> {
  const directory = await Deno.makeTempDir({ prefix: "mailhop-postfix-" });
  const config = join(directory, "etc"), mail = join(directory, "mail"), logFile = join(directory, "log");
  const port = freePort();
  const log = () => Deno.readTextFile(logFile).catch((error) => `no log: ${error}`);
  const stop = async () => {
    // It ends its own processes only: those whose master is named in this instance's queue directory.
    const stopped = await runProgram("postfix", ["-c", config, "stop"]);
    if (stopped.code !== 0) await runProgram("postfix", ["-c", config, "abort"]);
    await Deno.remove(directory, { recursive: true });
  };

  await Deno.chmod(directory, 0o755);
  for (const name of ["etc", "mail", "queue", "data"]) await Deno.mkdir(join(directory, name), { mode: 0o755 });
  await Deno.chown(mail, NOBODY, NOBODY);
  const postfixUser = systemUser("postfix");
  if (postfixUser === undefined) throw new Error("there is no user postfix on this machine");
  await Deno.chown(join(directory, "data"), postfixUser.uid, null);
  for (const [name, text] of Object.entries(options.files ?? {})) {
    await Deno.writeTextFile(join(config, name), text, { mode: 0o600 });
    await Deno.chown(join(config, name), postfixUser.uid, null);
  }
  await Deno.writeTextFile(join(config, "master.cf"), services(port));
  const parameters = { ...everyInstance(directory, logFile), ...options.parameters };
  await Deno.writeTextFile(
    join(config, "main.cf"),
    Object.entries(parameters).map(([name, value]) => `${name} = ${value}\n`).join(""),
  );

  const started = await runProgram("postfix", ["-c", config, "start"]);
  if (started.code !== 0) {
    const story = `${started.output}\n${await log()}`;
    await stop();
    throw new Error(`Postfix did not start:\n${story}`);
  }
  return {
    port,
    log,
    [Symbol.asyncDispose]: stop,
    async sendmail(sender, recipients, text) {
      const sent = await runProgram("sendmail", ["-C", config, "-i", "-f", sender, "--", ...recipients], text);
      if (sent.code !== 0) throw new Error(`sendmail: ${sent.output}`);
    },
    async maildir(name) {
      const folder = join(mail, name, "new");
      const files: { path: string; at: number }[] = [];
      try {
        for await (const { name: file } of Deno.readDir(folder)) {
          const path = join(folder, file);
          files.push({ path, at: (await Deno.stat(path)).mtime!.getTime() });
        }
      } catch (error) {
        // Made with the first message.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
      files.sort((one, other) => one.at - other.at);
      return await Promise.all(files.map(({ path }) => Deno.readFile(path)));
    },
  };
}

function everyInstance(directory: string, logFile: string): Record<string, string> {
  return {
    compatibility_level: "3.6",
    queue_directory: join(directory, "queue"),
    data_directory: join(directory, "data"),
    maillog_file: logFile,
    maillog_file_prefixes: directory,
    inet_interfaces: "127.0.0.1",
    inet_protocols: "ipv4",
    disable_dns_lookups: "yes",
    smtpd_peername_lookup: "no",
    mynetworks: "127.0.0.0/8",
    mydestination: "",
    smtpd_relay_restrictions: "permit_mynetworks, reject",
    default_transport: "error:nowhere to go",
    local_transport: "error:nobody lives here",
    alias_maps: "",
    alias_database: "",
    biff: "no",
    // What a client hands in stays as it is.
    local_header_rewrite_clients: "",
    // The relay takes 50 MB.
    message_size_limit: "104857600",
    mailbox_size_limit: "0",
    virtual_mailbox_limit: "0",
    virtual_mailbox_base: join(directory, "mail"),
    virtual_uid_maps: `static:${NOBODY}`,
    virtual_gid_maps: `static:${NOBODY}`,
  };
}

/** master.cf: Debian's services, none of them in a chroot, with the SMTP server on this port. */
function services(port: number): string {
  return `
127.0.0.1:${port} inet n - n - - smtpd
pickup     unix n - n 60 1 pickup
cleanup    unix n - n - 0 cleanup
qmgr       unix n - n 300 1 qmgr
tlsmgr     unix - - n 1000? 1 tlsmgr
rewrite    unix - - n - - trivial-rewrite
bounce     unix - - n - 0 bounce
defer      unix - - n - 0 bounce
trace      unix - - n - 0 bounce
verify     unix - - n - 1 verify
flush      unix n - n 1000? 0 flush
proxymap   unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp       unix - - n - - smtp
relay      unix - - n - - smtp
showq      unix n - n - - showq
error      unix - - n - - error
retry      unix - - n - - error
discard    unix - - n - - discard
virtual    unix - n n - - virtual
anvil      unix - - n - 1 anvil
scache     unix - - n - 1 scache
postlog    unix-dgram n - n - 1 postlogd
`.trimStart();
}
