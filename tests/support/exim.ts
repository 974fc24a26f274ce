/**
 * A real Exim for tests, as the mail system of a machine that hands all its mail to a smart host: configuration, spool
 * and log are in a temporary directory, and nothing of it runs but what delivers the message that is handed in.
 *
 * Debian's package cannot stand beside Postfix, so the program may also be where the cache has it, unpacked.
 */
import { join } from "@std/path";
import { find, needing } from "./installed.ts";
import { type ProgramRun, runProgram } from "./program.ts";
import { systemUser } from "./system_user.ts";

const PROGRAM = "exim4";
/** Debian's Exim does not start without the user that it is built for. */
const USER = "Debian-exim";

export interface SmartHost {
  readonly address: string;
  readonly port: number;
  /** Whether TLS begins with the connection; STARTTLS otherwise. */
  readonly tlsOnConnect: boolean;
  /** PEM: whom to believe about the smart host's name. */
  readonly authorityFile: string;
  readonly username: string;
  readonly password: string;
}

/** The part of a test's definition that depends on whether an Exim can be started here, as `needing` has it. */
export function needingExim(name: string): { name: string; ignore: boolean } {
  if (program() !== undefined && systemUser(USER) !== undefined && Deno.uid() === 0) return { name, ignore: false };
  const needs = needing(name, PROGRAM);
  const why = `only root can start an ${PROGRAM}, which has to have its user ${USER}`;
  return Deno.env.get("MAILHOP_TEST_REQUIRE") === "all" || needs.ignore
    ? needs
    : { name: `${name} (${why})`, ignore: true };
}

/** The parts of a configuration that make a satellite. */
export interface EximSections {
  readonly routers: string;
  readonly transports: string;
  readonly authenticators: string;
}

/** A message as a program of the machine hands it in; `text` has LF line ends. */
export interface EximMessage {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly text: string;
}

/** Where one Exim runs: its directory has "spool" and "log", and it may read the copy of the authority's file. */
export interface EximPlace {
  readonly directory: string;
  readonly authorityFile: string;
  readonly program: string;
}

export type EximRun = ProgramRun & {
  /** Exim's main log. */
  readonly log: string;
};

/** Submits a message and has it delivered at once, by a configuration of these sections. */
export function sendByExim(
  authority: string,
  sections: (authorityFile: string) => EximSections | Promise<EximSections>,
  hostname: string,
  message: EximMessage,
): Promise<EximRun> {
  const configure = async ({ directory, authorityFile }: EximPlace) =>
    configuration(directory, hostname, await sections(authorityFile));
  return runExim(authority, configure, message);
}

/** The same by a whole configuration. */
export async function runExim(
  authority: string,
  configure: (place: EximPlace) => Promise<string>,
  { sender, recipients, text }: EximMessage,
): Promise<EximRun> {
  const directory = await Deno.makeTempDir({ prefix: "mailhop-exim-" });
  try {
    await Deno.chmod(directory, 0o755);
    const { uid, gid } = systemUser(USER)!;
    for (const name of ["spool", "log"]) {
      await Deno.mkdir(join(directory, name));
      await Deno.chown(join(directory, name), uid, gid);
    }
    const authorityFile = join(directory, "ca.pem");
    await Deno.copyFile(authority, authorityFile);
    const config = join(directory, "exim.conf");
    const place = { directory, authorityFile, program: program() ?? PROGRAM };
    await Deno.writeTextFile(config, await configure(place), { mode: 0o640 });
    await Deno.chown(config, 0, gid);
    const args = ["-C", config, "-odf", "-i", "-f", sender, "--", ...recipients];
    const run = await runProgram(place.program, args, text);
    return { ...run, log: await Deno.readTextFile(join(directory, "log", "main")) };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/**
 * Plays the commands of a client from elsewhere to an Exim that takes mail for your-domain.example, without delivering.
 *
 * @param acl what stands in the ACL for RCPT before the line that accepts.
 * @returns what it answered.
 */
export async function askExim(acl: string, commands: readonly string[]): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "mailhop-exim-" });
  try {
    const config = join(directory, "exim.conf");
    await Deno.writeTextFile(
      config,
      `
exim_path = ${program()}
primary_hostname = mx.your-domain.example
spool_directory = ${directory}
log_file_path = ${directory}/%s
keep_environment =
domainlist local_domains = your-domain.example
domainlist relay_to_domains =
host_lookup =
acl_smtp_rcpt = acl_check_rcpt
begin acl
acl_check_rcpt:
${acl}
  accept domains = +local_domains
`,
      { mode: 0o640 },
    );
    const { output } = await runProgram(
      program() ?? PROGRAM,
      ["-C", config, "-bh", "192.0.2.1"],
      commands.map((command) => `${command}\n`).join(""),
    );
    return output;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function configuration(directory: string, hostname: string, sections: EximSections): string {
  return `
exim_path = ${program()}
primary_hostname = ${hostname}
spool_directory = ${directory}/spool
log_file_path = ${directory}/log/%s
log_selector = +tls_certificate_verified +smtp_confirmation
keep_environment =
# One process from submission to delivery, which needs no rights of root.
deliver_drop_privilege
# A smart host on loopback is another one.
local_interfaces = 127.0.0.2
domainlist local_domains = @

begin routers
${sections.routers}
begin transports
${sections.transports}
begin retry
* * F,1h,5m

begin authenticators
${sections.authenticators}
`.trimStart();
}

/** Certificate verified, AUTH, nothing in clear. */
export function satellite(smartHost: SmartHost): EximSections {
  const { address, port, tlsOnConnect, authorityFile, username, password } = smartHost;
  return {
    routers: `
satellite:
  driver = manualroute
  transport = smart_host
  route_list = * ${address}::${port} byname
`,
    transports: `
smart_host:
  driver = smtp
  protocol = ${tlsOnConnect ? "smtps" : "smtp"}
  hosts_require_tls = *
  hosts_require_auth = *
  tls_verify_certificates = ${authorityFile}
  tls_verify_hosts = *
  tls_verify_cert_hostnames = *
`,
    authenticators: `
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^${username}^${password}
`,
  };
}

function program(): string | undefined {
  return find(PROGRAM) ?? unpacked();
}

function unpacked(): string | undefined {
  const path = join(Deno.env.get("HOME") ?? "/root", ".cache", "mailhop-tests", PROGRAM, "usr", "sbin", PROGRAM);
  try {
    return Deno.statSync(path).isFile ? path : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
