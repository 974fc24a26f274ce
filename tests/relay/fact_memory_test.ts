import { assertEquals } from "@std/assert";
import { FactMemory } from "../../relay/fact_memory.ts";

Deno.test("fact memory: a fact is fresh, then remembered, then gone; use does not make it younger", () => {
  const clock = { now: 0 };
  const memory = new FactMemory<string>({ freshMs: 2, rememberedMs: 10, maxEntries: 5 }, () => clock.now);
  memory.learn("a", "fact");
  const seen = [0, 1, 2, 9, 10].map((now) => {
    clock.now = now;
    return [memory.fresh("a"), memory.remembered("a")];
  });
  const fresh = ["fact", "fact"], old = [undefined, "fact"];
  assertEquals(seen, [fresh, fresh, old, old, [undefined, undefined]]);
});

Deno.test("fact memory: null is a fact, one learned again counts anew, and what is forgotten is gone", () => {
  const clock = { now: 0 };
  const memory = new FactMemory<string | null>({ freshMs: 2, rememberedMs: 10, maxEntries: 5 }, () => clock.now);
  memory.learn("a", "fact");
  clock.now = 9;
  memory.learn("a", null);
  clock.now = 18;
  assertEquals(memory.remembered("a"), null);
  memory.forget("a");
  assertEquals(memory.remembered("a"), undefined);
});

Deno.test("fact memory: beyond its bound what was learned first is forgotten", () => {
  const memory = new FactMemory<number>({ freshMs: 1, rememberedMs: 10, maxEntries: 2 }, () => 0);
  for (const key of ["a", "b", "a", "c"]) memory.learn(key, 1);
  assertEquals(["a", "b", "c"].filter((key) => memory.remembered(key) !== undefined), ["a", "c"]);
});
