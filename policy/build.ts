/**
 * Compiles policy/assembly to policy/policy.wasm: no imports, a fixed amount of memory, nothing else in it.
 *
 * The file takes its place at once, so that a process that starts meanwhile never reads half a module.
 */
import { main } from "assemblyscript/asc";
import { MEMORY_BASE, MEMORY_PAGES } from "./assembly/layout.ts";

const folder = import.meta.dirname;
if (folder === undefined) throw new Error("the policy is built from a checkout");
const target = `${folder}/policy.wasm`;
const draft = `${target}.${Deno.pid}`;

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
await Deno.rename(draft, target);
