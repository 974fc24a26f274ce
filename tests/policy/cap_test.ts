import { assertEquals, assertThrows } from "@std/assert";
import { defaultParameters, ModulePolicy, ownModule, PolicyFault } from "../../policy/mod.ts";
import { MINUTE, NOON, policy } from "./facts.ts";

const activatesAt = NOON + 15 * MINUTE;

Deno.test("cap: a block gives 150 relays a day, two give 300", () => {
  assertEquals(policy.cap([], NOON), 0);
  assertEquals(policy.cap([{ quantity: 1, activatesAt: NOON }], NOON), 150);
  assertEquals(policy.cap([{ quantity: 2, activatesAt: NOON }], NOON), 300);
  assertEquals(policy.cap([{ quantity: 1, activatesAt: NOON }, { quantity: 1, activatesAt: 0 }], NOON), 300);
});

Deno.test("cap: a block does not count at 14:59.999 minutes after its purchase, and does at 15:00", () => {
  const blocks = [{ quantity: 1, activatesAt: 0 }, { quantity: 3, activatesAt }];
  assertEquals(policy.cap(blocks, activatesAt - 1), 150);
  assertEquals(policy.cap(blocks, activatesAt), 600);
});

Deno.test("cap: relays in a block are a parameter", () => {
  const generous = new ModulePolicy(ownModule(), { ...defaultParameters, relaysPerBlock: 1000 });
  assertEquals(generous.cap([{ quantity: 2, activatesAt }], activatesAt), 2000);
});

Deno.test("cap: 4096 entries are counted, one more is thrown", () => {
  const blocks = Array.from({ length: 4096 }, () => ({ quantity: 1, activatesAt }));
  assertEquals(policy.cap(blocks, activatesAt), 4096 * 150);
  assertThrows(() => policy.cap([...blocks, { quantity: 1, activatesAt }], NOON), RangeError, "4097 blocks");
});

Deno.test("cap: what is no whole number in range is thrown, and so is a cap beyond exact arithmetic", () => {
  for (const bad of [NaN, -1, 0, 0.5]) {
    assertThrows(() => policy.cap([{ quantity: bad, activatesAt }], NOON), RangeError, "quantity");
  }
  for (const bad of [NaN, -1, 0.5, Infinity]) {
    assertThrows(() => policy.cap([{ quantity: 1, activatesAt: bad }], NOON), RangeError, "activatesAt");
    assertThrows(() => policy.cap([], bad), RangeError, "now");
  }
  const quantity = Number.MAX_SAFE_INTEGER;
  assertThrows(() => policy.cap([{ quantity, activatesAt: 0 }], NOON), PolicyFault, "cap");
});
