/** The build as each start runs it, on a copy of the sources. */
import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

const ROOT = join(import.meta.dirname!, "..", "..");

/** @param before what its shell does first. */
async function run(checkout: string, before: string): Promise<{ success: boolean; said: string }> {
  const script = join(checkout, "policy", "build.ts");
  const deno = [Deno.execPath(), "run", "--cached-only", "--config", join(ROOT, "deno.json"), "--allow-all", script];
  const command = new Deno.Command("sh", { args: ["-c", `${before}; exec "$@"`, "sh", ...deno] });
  const { success, stderr } = await command.output();
  return { success, said: new TextDecoder().decode(stderr) };
}

async function build(checkout: string): Promise<void> {
  const { success, said } = await run(checkout, ":");
  assert(success, said);
}

Deno.test("build: compiles what is not there, was changed or is damaged, and nothing else", async (t) => {
  const checkout = await Deno.makeTempDir({ prefix: "mailhop-build-" });
  const module = join(checkout, "policy", "policy.wasm");
  // A module that is built takes the place of the one before: it is another file.
  const file = async () => (await Deno.stat(module)).ino;
  try {
    await Deno.mkdir(join(checkout, "policy", "assembly"), { recursive: true });
    const sources = [...Deno.readDirSync(join(ROOT, "policy", "assembly"))].map(({ name }) =>
      `policy/assembly/${name}`
    );
    for (const name of ["import_map.json", "policy/build.ts", ...sources]) {
      await Deno.copyFile(join(ROOT, name), join(checkout, name));
    }

    await build(checkout);
    const octets = await Deno.readFile(module), first = await file();
    assertEquals(octets, await Deno.readFile(join(ROOT, "policy", "policy.wasm")));

    await t.step("not again", async () => {
      await build(checkout);
      assertEquals(await file(), first);
    });

    await t.step("a module that is not the one that was built", async () => {
      await Deno.writeFile(module, octets.subarray(1));
      await build(checkout);
      assertEquals(await Deno.readFile(module), octets);
    });

    const source = join(checkout, "policy", "assembly", "limits.ts");
    const change = async () =>
      await Deno.writeTextFile(source, `${await Deno.readTextFile(source)}\n// another version\n`);

    await t.step("where it cannot be stored, the one before stays, and the next try stores it", async () => {
      await change();
      const before = await file();
      // In blocks of 512 octets: less than a module.
      const { success, said } = await run(checkout, "trap '' XFSZ; ulimit -f 2");
      assert(!success);
      assertStringIncludes(said, "The policy could not be stored");
      assertEquals([await file(), await Deno.readFile(module)], [before, octets]);
      await build(checkout);
      assertNotEquals(await file(), before);
    });

    await t.step("other sources", async () => {
      await change();
      const before = await file();
      await build(checkout);
      assertNotEquals(await file(), before);
    });
  } finally {
    await Deno.remove(checkout, { recursive: true });
  }
});
