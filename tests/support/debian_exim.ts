/** Exim's configuration as Debian makes it: of its template and a few files, by its own program. */
import { join } from "@std/path";
import type { EximPlace } from "./exim.ts";
import { runProgram } from "./program.ts";
import { unpacked } from "./unpacked.ts";

/** Where Debian has all of it. */
const FOLDER = "/etc/exim4";

/** What this machine adds to the page's answers: it is itself on an address that is not the smart host's. */
const OWN_SETTINGS = "dc_local_interfaces='127.0.0.2'\ndc_use_split_config='false'\nCFILEMODE='644'\n";

/** @param files by their whole names in that folder; those that Debian makes itself are there already. */
export async function debianConfiguration(
  { directory, program }: EximPlace,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = join(directory, "etc"), made = join(directory, "made.conf"), script = join(directory, "update");
  const from = unpacked("exim4-config");
  await Deno.mkdir(folder, { mode: 0o755 });
  await Deno.copyFile(join(from, FOLDER, "exim4.conf.template"), join(folder, "exim4.conf.template"));
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(name.replace(FOLDER, folder), text + (name.endsWith(".conf.conf") ? OWN_SETTINGS : ""));
  }
  await Deno.writeTextFile(join(directory, "mailname"), "mail.your-domain.example\n");
  await Deno.writeTextFile(join(directory, "email-addresses"), "");
  const here = (text: string) =>
    text.replaceAll(FOLDER, folder).replaceAll("/etc/mailname", join(directory, "mailname"))
      .replaceAll("/etc/email-addresses", join(directory, "email-addresses"));
  await Deno.writeTextFile(script, here(await Deno.readTextFile(join(from, "usr/sbin/update-exim4.conf"))));
  const { code, output } = await runProgram("sh", [script, "-d", folder, "-o", made]);
  if (code !== 0) throw new Error(`update-exim4.conf: ${output}`);
  const text = here(await Deno.readTextFile(made))
    .replace(/^(LOGFILEPATH|log_file_path|spool_directory|log_selector|exim_path) *=.*$/gm, "")
    .replaceAll("/var/spool/exim4", join(directory, "spool"));
  return `exim_path = ${program}\nspool_directory = ${join(directory, "spool")}\n` +
    `log_file_path = ${join(directory, "log")}/%s\nlog_selector = +tls_certificate_verified +smtp_confirmation\n` +
    `deliver_drop_privilege\n${text}`;
}
