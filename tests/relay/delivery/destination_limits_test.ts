import { assertEquals } from "@std/assert";
import { type DestinationRule, ruleFor } from "../../../relay/delivery/destination_limits.ts";
import { Rate } from "../../../relay/delivery/rate.ts";

const RULES = new Map<string, DestinationRule>([
  ["*", { connections: 1 }],
  ["example.net", { connections: 2 }],
  ["mx.example.net", { connections: 3 }],
  ["0.2.1", { connections: 4 }],
  ["2001:db8::1", { connections: 5 }],
]);

for (
  const [hosts, expected] of [
    [["other.test"], 1],
    [["a.b.example.net"], 2],
    [["EXAMPLE.net"], 2],
    [["notexample.net"], 1],
    [["mx.example.net"], 3],
    [["mx2.mx.example.net", "a.example.net"], 3],
    [["other.test", "a.example.net"], 2],
    [["192.0.2.1"], 1],
    [["2001:db8::1"], 5],
  ] as const
) {
  Deno.test(`destination limits: for ${hosts.join(" and ")} the longest name that fits counts`, () => {
    assertEquals(ruleFor(hosts.map((name) => ({ name })), RULES).connections, expected);
  });
}

Deno.test("destination limits: without a rule nothing is set", () => {
  assertEquals(ruleFor([{ name: "mx.example.net" }], new Map()), {});
});

Deno.test("rate: even intervals, nothing saved up", () => {
  const rate = new Rate(100);
  assertEquals(rate.waitMs(0), 0);
  rate.take(0);
  assertEquals([rate.waitMs(0), rate.waitMs(60), rate.waitMs(5000)], [100, 40, 0]);
  rate.take(5000);
  assertEquals(rate.waitMs(5001), 99);
});
