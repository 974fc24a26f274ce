import { assertEquals } from "@std/assert";
import type { Experience } from "../../../relay/delivery/destination.ts";
import { Destinations } from "../../../relay/delivery/destinations.ts";

const MANY = 10_000;

/** One message for a destination, which is then left. */
function pass(destinations: Destinations, key: string, experience: Experience): void {
  const destination = destinations.use(key, [], 0);
  destination.learn(experience, 0);
  destinations.leave(destination, 0);
}

function make(): Destinations {
  return new Destinations({ connectionsPerDestination: 20, messagesPerConnection: 500, rules: new Map() });
}

Deno.test("destinations: what failed is remembered when nobody uses it, ten thousand at most, the newest", () => {
  const destinations = make();
  for (let at = 0; at <= MANY; at++) pass(destinations, `${at}`, { kind: "unreachable", why: "nobody there" });
  assertEquals([destinations.get("0"), [...destinations.all()].length], [undefined, MANY]);
  assertEquals(destinations.get("1")?.suspension.hasFailures, true);
});

Deno.test("destinations: of one that took mail that is remembered, and no more, of ten thousand at most", () => {
  const destinations = make();
  for (let at = 0; at <= MANY; at++) pass(destinations, `${at}`, { kind: "served" });
  assertEquals([...destinations.all()], []);
  assertEquals([destinations.use("0", [], 0).proven, destinations.use("1", [], 0).proven], [false, true]);
  pass(destinations, "1", { kind: "strained" });
  assertEquals(destinations.use("1", [], 0).proven, false);
});
