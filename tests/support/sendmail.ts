/**
 * A real Sendmail for tests, in a root directory of its own, where it knows no DNS: it hands a message on while the one
 * who submits it waits.
 */
import { join } from "@std/path";
import { type ProgramRun, runProgram } from "./program.ts";
import { unpacked, type UnpackedRoot, unpackedRoot } from "./unpacked.ts";

const FOLDER = "/usr/libexec/sendmail";
const SASL = `/usr/lib/${Deno.build.arch}-linux-gnu/sasl2`;
const MACROS = "usr/share/sendmail/cf/";

export interface SendmailMessage {
  readonly sender: string;
  readonly recipient: string;
  readonly text: string;
}

/**
 * @param files by their whole names: sendmail.mc without the lines that each has, and the maps' sources.
 * @returns its dialogue with the smart host.
 */
export async function sendBySendmail(
  files: Readonly<Record<string, string>>,
  authorityFile: string,
  { sender, recipient, text }: SendmailMessage,
): Promise<ProgramRun> {
  await using root = await unpackedRoot("sendmail", {
    take: [FOLDER.slice(1)],
    plugins: ["libplain.so", "libplain.so.2"].map((name) => join(SASL, name)),
    users: { mail: 8, smmta: 901, smmsp: 902 },
    directories: { "var/spool/mqueue": 0o700, "var/lib/sendmail": 0o755, "etc/mail": 0o755 },
  });
  for (const [name, content] of Object.entries(files)) await root.write(name, content, 0o600);
  await root.write("etc/ssl/certs/ca-certificates.crt", await Deno.readTextFile(authorityFile));
  await root.write("etc/mail/aliases", "");
  await root.write("etc/mail/service.switch", "hosts files\naliases files\n");
  await root.write("etc/mail/sendmail.cf", await configuration(files["/etc/mail/sendmail.mc"] ?? ""));
  for (const map of Object.keys(files).filter((name) => !name.endsWith(".mc"))) await makeMap(root, map);
  return await root.run(`${FOLDER}/sendmail`, ["-v", "-Am", "-odi", "-oi", "-f", sender, recipient], text);
}

/** sendmail.cf from the page's lines, with what every sendmail.mc has around them. */
async function configuration(lines: string): Promise<string> {
  const macros = join(unpacked("sendmail"), MACROS);
  const mc = await Deno.makeTempFile({ prefix: "mailhop-sendmail-", suffix: ".mc" });
  try {
    await Deno.writeTextFile(
      mc,
      `OSTYPE(\`linux')dnl\n${lines}` +
        "define(`confDOMAIN_NAME', `mail.your-domain.example')dnl\n" +
        "define(`confSERVICE_SWITCH_FILE', `/etc/mail/service.switch')dnl\n" +
        "FEATURE(`nocanonify')dnl\nMAILER(`local')dnl\nMAILER(`smtp')dnl\n",
    );
    const { code, output } = await runProgram("m4", [`-D_CF_DIR_=${macros}`, join(macros, "m4/cf.m4"), mc]);
    if (code !== 0 || /\*\*\* (ERROR|WARNING)/.test(output)) throw new Error(`sendmail.mc is not right:\n${output}`);
    return output;
  } finally {
    await Deno.remove(mc);
  }
}

async function makeMap(root: UnpackedRoot, name: string): Promise<void> {
  const source = await Deno.readTextFile(root.path(name));
  const made = await root.run(`${FOLDER}/makemap`, ["hash", `${name}.db`], source);
  if (made.code !== 0) throw new Error(`makemap: ${made.output}`);
}
