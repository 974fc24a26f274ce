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
/** As the compiler is told; what it writes there is taken from its hands. */
const OUT_FILE = "policy.wasm";

// Before it is compiled: what changes meanwhile is compiled by the next start.
const ingredients = hashOfIngredients(folder);
const noteFor = (module: Uint8Array) => `${ingredients} ${hashOf(module)}`;
if (new TextDecoder().decode(octetsOf(note)) !== noteFor(octetsOf(target))) {
  const module = await compile(folder);
  const draft = `${target}.${Deno.pid}`;
  try {
    Deno.writeFileSync(draft, module);
    Deno.renameSync(draft, target);
    Deno.writeTextFileSync(note, noteFor(module));
  } catch (error) {
    leave(`The policy could not be stored in ${folder}: ${(error as Error).message}`);
  }
}

/** A hash of the sources, of this file with the compiler's options, and of the file that names its version. */
function hashOfIngredients(folder: string): string {
  const sources = [...Deno.readDirSync(`${folder}/assembly`)].map(({ name }) => `assembly/${name}`).sort();
  const files = [...sources, "build.ts", "../import_map.json"];
  return hashOf(files.map((file) => `${file} ${hashOf(octetsOf(`${folder}/${file}`))}`).join("\n"));
}

async function compile(folder: string): Promise<Uint8Array> {
  const { main } = await import("assemblyscript/asc");
  let module: Uint8Array | undefined;
  const options = [
    "assembly/index.ts",
    ...["--baseDir", folder, "--outFile", OUT_FILE],
    "-O3",
    ...["--runtime", "stub"], // no collector: nothing is allocated
    ...["--noAssert", "--use", "abort="], // abort would be an import
    ...["--memoryBase", `${MEMORY_BASE}`],
    ...["--initialMemory", `${MEMORY_PAGES}`, "--maximumMemory", `${MEMORY_PAGES}`],
  ];
  const { error, stderr } = await main(options, {
    // The compiler does not say where a file could not be written.
    writeFile(name, contents) {
      if (name === OUT_FILE && typeof contents !== "string") module = contents;
    },
  });
  if (error) leave(stderr.toString());
  if (module === undefined) leave("The policy was not compiled");
  return module;
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

function leave(why: string): never {
  console.error(why);
  Deno.exit(1);
}
