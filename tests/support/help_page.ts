/**
 * A help page as a reader follows it: its files written where it says and its commands given, in a home directory of
 * the test. Nothing is changed in the page's text but the password, and the file of the authorities that are trusted.
 */
import { dirname, join } from "@std/path";
import { codeBlocks } from "./html.ts";
import { type ProgramRun, runProgram } from "./program.ts";

/** Where Debian has all trusted authorities, as the pages name it. */
export const TRUSTED = "/etc/ssl/certs/ca-certificates.crt";
/** What names that file to OpenSSL, curl and Node.js where a page leaves it to the system. */
const TRUST = ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];
const PASSWORD = "your-password";

export interface Reader {
  /** Of the relay's HTTP server. */
  readonly httpPort: number;
  readonly username: string;
  readonly password: string;
  /** PEM: the only authority that the reader's machine trusts. */
  readonly authorityFile: string;
}

export interface HelpPage {
  /** The text of the block that is to be written to this file. */
  file(name: string): string;
  /** The files of the reader's home directory. */
  readonly homeFiles: readonly { readonly name: string; readonly text: string }[];
  /** The commands that are marked to be given, all of them in order. */
  readonly commands: string;
}

/** @param authorityFile by which name the page's reader knows the trusted authority. */
export async function readHelpPage(
  name: string,
  { httpPort, username, password, authorityFile }: Reader,
): Promise<HelpPage> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/help/${name}?user=${username}`);
  const page = await response.text();
  if (!response.ok) throw new Error(`/help/${name}: ${response.status}`);
  const blocks = codeBlocks(page).map((block) => ({
    ...block,
    text: block.text.replaceAll(PASSWORD, password).replaceAll(TRUSTED, authorityFile),
  }));
  const files = blocks.flatMap(({ file, text }) => file === undefined ? [] : [{ name: file, text }]);
  return {
    file(name) {
      const found = files.find((file) => file.name === name);
      if (found === undefined) throw new Error(`the page has no file ${name}`);
      return found.text;
    },
    homeFiles: files.filter(({ name }) => !name.startsWith("/")),
    commands: blocks.filter(({ run }) => run).map(({ text }) => text).join(""),
  };
}

export interface Follow {
  /** What the page has installed before: folders by the name that they have in the home directory. */
  readonly installed?: Readonly<Record<string, string>>;
}

/** Writes the page's files to a fresh home directory and gives its commands there, as `sh -e` does. */
export async function follow(page: HelpPage, reader: Reader, { installed = {} }: Follow = {}): Promise<ProgramRun> {
  const home = await Deno.makeTempDir({ prefix: "mailhop-reader-" });
  try {
    for (const { name, text } of page.homeFiles) {
      const path = join(home, name.replace(/^~\//, ""));
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    for (const [name, folder] of Object.entries(installed)) await Deno.symlink(folder, join(home, name));
    const trust = Object.fromEntries(TRUST.map((variable) => [variable, reader.authorityFile]));
    return await runProgram("sh", ["-ec", `cd ~\n${page.commands}`], "", { HOME: home, ...trust });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

/** main.cf's lines by name, with the files beside it where this instance has them. */
export function postfixParameters(text: string): Record<string, string> {
  const lines = text.trim().split("\n").map((line) => line.split(" = ") as [string, string]);
  return Object.fromEntries(lines.map(([name, value]) => [name, value.replace("/etc/postfix", "$config_directory")]));
}
