/** Libraries of the tests that are preloaded into other programs. They need gcc. */
import { join } from "@std/path";

/** Compiles a source of this folder into `directory`; resolves to the library's path. */
export async function compiled(source: string, directory: string): Promise<string> {
  const library = join(directory, source.replace(/\.c$/, ".so"));
  const { success, stderr } = await new Deno.Command("gcc", {
    args: [
      "-O1",
      "-Wall",
      "-Werror",
      "-shared",
      "-fPIC",
      "-o",
      library,
      join(import.meta.dirname!, source),
      "-lpthread",
    ],
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return library;
}
