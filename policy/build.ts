/**
 * Compiles policy/assembly to policy/policy.wasm: no imports, a fixed amount of memory, nothing else in it.
 *
 * The file takes its place at once, so that a process that starts meanwhile never reads half a module. What it was made
 * of is noted beside it: each start comes by here, and the compiler takes seconds for what is there already.
 */
import { hash } from "node:crypto";
import { MEMORY_BASE, MEMORY_PAGES } from "./assembly/layout.ts";

const folder = import.meta.dirname;
if (folder === undefined) throw new Error("the policy is built from a checkout");
const target = `${folder}/policy.wasm`;
const note = `${target}.made-of`;

const made = () => `${ingredients(folder)} ${hashOf(octetsOf(target))}`;
if (new TextDecoder().decode(octetsOf(note)) !== made()) {
  await compile(folder, `${target}.${Deno.pid}`);
  Deno.writeTextFileSync(note, made());
}

/** A hash of the sources, of this file with the compiler's options, and of the file that names its version. */
function ingredients(folder: string): string {
  const sources = [...Deno.readDirSync(`${folder}/assembly`)].map(({ name }) => `assembly/${name}`).sort();
  const files = [...sources, "build.ts", "../import_map.json"];
  return hashOf(files.map((file) => `${file} ${hashOf(octetsOf(`${folder}/${file}`))}`).join("\n"));
}

async function compile(folder: string, draft: string): Promise<void> {
  const { main } = await import("assemblyscript/asc");
  const { error, stderr } = await main([
    "assembly/index.ts",
    ...["--baseDir", folder, "--outFile", draft.slice(folder.length + 1)],
    "-O3",
    ...["--runtime", "stub"], // no collector: nothing is allocated
    ...["--noAssert", "--use", "abort="], // abort would be an import
    ...["--memoryBase", `${MEMORY_BASE}`],
    ...["--initialMemory", `${MEMORY_PAGES}`, "--maximumMemory", `${MEMORY_PAGES}`],
  ]);
  if (error) {
    console.error(stderr.toString());
    Deno.exit(1);
  }
  Deno.renameSync(draft, target);
}

/** None where there is no such file. */
function octetsOf(file: string): Uint8Array {
  try {
    return Deno.readFileSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Uint8Array();
    throw error;
  }
}

function hashOf(content: string | Uint8Array): string {
  return hash("sha256", content, "hex");
}
