/** The file of policies: written and read again, damaged, not there, not to be written. */
import { assertEquals, assertInstanceOf } from "@std/assert";
import { join } from "@std/path";
import { type KnownPolicies, PolicyFile, readPolicies } from "../../../relay/mta_sts/policy_file.ts";

const POLICY = { mode: "enforce" as const, maxAgeSeconds: 86_400, mx: ["mx.example.com", "*.example.net"] };
const known = (id: string): KnownPolicies =>
  new Map([["example.com", { policy: POLICY, id, expiresAt: 1_795_435_200_000, refreshAt: 1_795_400_000_000 }]]);

async function inDirectory(test: (path: string, troubles: unknown[]) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "mailhop-policies-" });
  try {
    await test(join(directory, "mta-sts.json"), []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("policy file: what was saved last is read again", async () => {
  await inDirectory(async (path, troubles) => {
    const report = (error: unknown) => troubles.push(error);
    assertEquals(await readPolicies(path, report), new Map());
    const file = new PolicyFile(path, report);
    for (let id = 0; id < 100; id++) file.save(() => known(`${id}`));
    await file.written();
    assertEquals(await readPolicies(path, report), known("99"));
    assertEquals(troubles, []);
  });
});

Deno.test("policy file: a damaged one is reported, and begun anew", async () => {
  const damages = ["", "[", "{}", `[["example.com"]]`, JSON.stringify([...known("1")]).replace("enforce", "enforced")];
  await inDirectory(async (path, troubles) => {
    for (const damage of damages) {
      await Deno.writeTextFile(path, damage);
      assertEquals(await readPolicies(path, (error) => troubles.push(error)), new Map(), damage);
    }
    assertEquals(troubles.length, damages.length);
  });
});

Deno.test("policy file: trouble in writing it is reported, and the next state is tried", async () => {
  await inDirectory(async (path, troubles) => {
    const file = new PolicyFile(path, (error) => troubles.push(error));
    await Deno.mkdir(`${path}.new`);
    file.save(() => known("1"));
    await file.written();
    assertEquals(troubles.length, 1);
    assertInstanceOf(troubles[0], Error);
    await Deno.remove(`${path}.new`);
    file.save(() => known("2"));
    await file.written();
    assertEquals(await readPolicies(path, (error) => troubles.push(error)), known("2"));
  });
});
