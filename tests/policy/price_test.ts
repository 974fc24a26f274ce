import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { defaultParameters, ModulePolicy, ownModule, PARAMETERS, PolicyFault } from "../../policy/mod.ts";
import { policy } from "./facts.ts";

const boundaries: [sizeBytes: number, relays: number][] = [
  [0, 1],
  [1, 1],
  [10_485_759, 1],
  [10_485_760, 2],
  [20_971_519, 2],
  [20_971_520, 3],
  [31_457_280, 4],
  [41_943_040, 5],
  [52_428_799, 5],
  [52_428_800, 6],
];

for (const [sizeBytes, relays] of boundaries) {
  Deno.test(`price: ${sizeBytes} octets to one recipient cost ${relays}`, () => {
    assertEquals(policy.price(sizeBytes, 1), relays);
  });
}

Deno.test("price: each recipient costs the same", () => {
  assertEquals(policy.price(1000, 10), 10);
  assertEquals(policy.price(10_485_760, 100), 200);
  assertEquals(policy.price(1000, 0), 0);
});

Deno.test("price: a counting oracle agrees", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 60_000_000 }),
      fc.integer({ min: 0, max: 1000 }),
      fc.integer({ min: 1_000_000, max: 60_000_000 }),
      (sizeBytes, recipients, priceStepBytes) => {
        let each = 1;
        for (let rest = sizeBytes; rest >= priceStepBytes; rest -= priceStepBytes) each++;
        assertEquals(
          new ModulePolicy(ownModule(), { ...defaultParameters, priceStepBytes }).price(sizeBytes, recipients),
          each * recipients,
        );
      },
    ),
    { numRuns: 2000 },
  );
});

Deno.test("price: what is no whole number in range is thrown, and so is a price beyond exact arithmetic", () => {
  for (const bad of [NaN, -1, 0.5, Infinity, Number.MAX_SAFE_INTEGER + 1]) {
    assertThrows(() => policy.price(bad, 1), RangeError, "sizeBytes");
    assertThrows(() => policy.price(1, bad), RangeError, "recipients");
  }
  assertThrows(() => policy.price(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER), PolicyFault, "price");
});

Deno.test("parameters: each must be a whole number within its bounds", () => {
  for (const [name, { least, most }] of Object.entries(PARAMETERS)) {
    for (const good of [least, most]) new ModulePolicy(ownModule(), { ...defaultParameters, [name]: good });
    for (const bad of [least - 1, most + 1, -1, 1.5, NaN, Infinity]) {
      assertThrows(() => new ModulePolicy(ownModule(), { ...defaultParameters, [name]: bad }), RangeError, name);
    }
  }
});

Deno.test("parameters: policies with different figures do not disturb each other", () => {
  const cheap = new ModulePolicy(ownModule(), { ...defaultParameters, priceStepBytes: 52_428_801 });
  assertEquals([policy.price(52_428_800, 1), cheap.price(52_428_800, 1), policy.price(52_428_800, 1)], [6, 1, 6]);
});
