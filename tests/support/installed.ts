/**
 * Says whether the programs a test needs are installed. A test without them is ignored and says so in its name; with
 * MAILHOP_TEST_REQUIRE=all it runs all the same, and fails.
 */

/** Where Debian puts servers that are not on everybody's PATH. */
const FOLDERS = [
  ...(Deno.env.get("PATH") ?? "").split(":"),
  ...["/usr/sbin", "/usr/local/sbin", "/sbin"],
  ...versions("/usr/lib/postgresql").map((version) => `/usr/lib/postgresql/${version}/bin`),
];

/** Of a package that Debian keeps in several, the newest first. */
function versions(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort((one, other) => Number(other) - Number(one));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The path of a program, or undefined. */
export function find(program: string): string | undefined {
  for (const folder of FOLDERS) {
    try {
      const path = `${folder}/${program}`;
      if (Deno.statSync(path).isFile) return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) throw error;
    }
  }
  return undefined;
}

/** The part of a test's definition that depends on what is installed. */
export function needing(name: string, ...programs: string[]): { name: string; ignore: boolean } {
  return unless(name, programs.filter((program) => find(program) === undefined));
}

/** The same for what is installed into folders of its own. */
export function needingFolders(name: string, ...folders: string[]): { name: string; ignore: boolean } {
  return unless(name, folders.filter((folder) => !isDirectory(folder)));
}

function unless(name: string, missing: readonly string[]): { name: string; ignore: boolean } {
  if (missing.length === 0 || Deno.env.get("MAILHOP_TEST_REQUIRE") === "all") return { name, ignore: false };
  return { name: `${name} (not installed: ${missing.join(", ")})`, ignore: true };
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
