/** The build as each start runs it, on a copy of the sources. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { join } from "@std/path";

const ROOT = join(import.meta.dirname!, "..", "..");

async function build(checkout: string): Promise<void> {
  const script = join(checkout, "policy", "build.ts");
  const args = ["run", "--cached-only", "--config", join(ROOT, "deno.json"), "--allow-all", script];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assert(success, new TextDecoder().decode(stderr));
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

    await t.step("other sources", async () => {
      const source = join(checkout, "policy", "assembly", "limits.ts");
      await Deno.writeTextFile(source, `${await Deno.readTextFile(source)}\n// another version\n`);
      const before = await file();
      await build(checkout);
      assertNotEquals(await file(), before);
    });
  } finally {
    await Deno.remove(checkout, { recursive: true });
  }
});
