/** Which messages are left where they are while their destination is suspended, and until when. */
import { assert, assertEquals } from "@std/assert";
import { LeftAlone } from "../../../relay/delivery/left_alone.ts";
import type { RecipientState } from "../../../relay/envelope.ts";
import { freePort } from "../../support/free_port.ts";
import { NextHopServer } from "../../support/next_hop_server.ts";
import { DAY, MINUTE, START, told, World } from "./world.ts";

const HOUR = 60 * MINUTE;
const SCHEDULE = { delayWarningMs: 4 * HOUR, expiryMs: 5 * DAY };
const deferred: RecipientState = {
  status: "queued",
  attempts: 1,
  dueAt: START,
  lastReply: "no answer",
  delayReported: false,
};

const notTried = { ...deferred, lastReply: "not tried, as the last attempts at this next hop failed: no answer" };

/** The mail of dead.test and gone.test goes to a destination that is suspended, until told otherwise. */
function leftAlone(suspended = new Set(["dead"]), probed = new Set<string>()) {
  const back: string[][] = [];
  const left = new LeftAlone({
    isClosed: (key) => suspended.has(key) && !probed.has(key),
    isFailing: (key) => suspended.has(key),
    schedule: SCHEDULE,
    onBack: (domains) => back.push([...domains]),
  });
  left.note("dead.test", "dead");
  left.note("gone.test", "dead");
  return Object.assign(left, { back });
}

const message = (recipients: RecipientState[], domains = recipients.map(() => "dead.test"), receivedAt = START) => ({
  receivedAt,
  domains,
  recipients,
});

Deno.test("left alone: a message that was deferred before, until it is looked at again half a minute later", () => {
  assertEquals(leftAlone().until(message([deferred]), START), START + MINUTE / 2);
});

Deno.test("left alone: not one whose sender could not read yet why it waits", () => {
  assertEquals(leftAlone().until(message([{ ...deferred, attempts: 0 }]), START), undefined);
});

Deno.test("left alone: however many there are, a hundred a second are looked at again, in their order", () => {
  const left = leftAlone();
  const times = Array.from({ length: 10_000 }, () => left.until(message([deferred]), START)!);
  assertEquals(times, times.toSorted((one, other) => one - other));
  const together = Map.groupBy(times.slice(1), (time) => time);
  assert([...together.values()].every(({ length }) => length <= 100));
  assertEquals(together.size, 100);
});

Deno.test("left alone: until the warning's time, and then until the message's time is up, and no longer", () => {
  const warnsAt = START + 4 * HOUR, expiresAt = START + 5 * DAY;
  const before = leftAlone().until(message([{ ...deferred, dueAt: warnsAt - 2 }]), warnsAt - 1);
  assertEquals([before, leftAlone().until(message([{ ...deferred, dueAt: warnsAt }]), warnsAt)], [warnsAt, undefined]);
  for (const warned of [{ ...deferred, delayReported: true }, { ...deferred, dueAt: warnsAt + 8 * MINUTE }]) {
    const now = warnsAt + HOUR;
    assertEquals(leftAlone().until(message([warned]), now), now + MINUTE / 2);
    assertEquals(leftAlone().until(message([warned]), expiresAt - 1), expiresAt);
    assertEquals(leftAlone().until(message([warned]), expiresAt), undefined);
  }
});

Deno.test("left alone: not where another recipient can be tried, nor beyond the time when one can", () => {
  const domains = ["dead.test", "live.test"];
  assertEquals(leftAlone().until(message([deferred, deferred], domains), START), undefined);
  const later = { ...deferred, dueAt: START + 5000 };
  assertEquals(leftAlone().until(message([deferred, later], domains), START), later.dueAt);
  const ended = { ...deferred, status: "delivered" as const };
  assertEquals(leftAlone().until(message([deferred, ended], domains), START), START + MINUTE / 2);
});

Deno.test("left alone: no longer when the destination is to be probed", () => {
  assertEquals(leftAlone(undefined, new Set(["dead"])).until(message([deferred]), START), undefined);
});

Deno.test("left alone: when the destination is back, or mail goes elsewhere, its domains are told, once", () => {
  const suspended = new Set(["dead"]);
  for (const [key, way] of [["dead", "back"], ["other", "elsewhere"]] as const) {
    const left = leftAlone(suspended);
    for (let n = 0; n < 1000; n++) left.until(message([deferred]), START);
    left.attempted("dead.test", "dead", deferred);
    assertEquals(left.back, [], "a probe that has failed");
    if (way === "back") suspended.clear();
    left.attempted("dead.test", key, notTried);
    left.attempted("gone.test", key, notTried);
    assertEquals(left.back, [["dead.test", "gone.test"]]);
    assertEquals(left.until(message([deferred]), START), undefined);
    suspended.add("dead");
  }
});

Deno.test("left alone: what an earlier process left alone tells it, when its destination is back", () => {
  const suspended = new Set(["dead"]);
  const left = leftAlone(suspended);
  left.attempted("earlier.test", "dead", notTried);
  left.attempted("earlier.test", "live", deferred);
  assertEquals(left.back, []);
  left.attempted("earlier.test", "live", notTried);
  left.attempted("earlier.test", "live", notTried);
  assertEquals(left.back, [["earlier.test"]]);
});

Deno.test("suspended destination: what is new is deferred with the reason, what was deferred waits without a word", async () => {
  await using world = new World({ "*": [{ port: freePort() }] });
  for (const id of [1, 2, 3].map(() => world.send(["a@dead.test"]))) await world.queue.round(id);
  const before = world.queue.events.length;
  await world.queue.round(world.send(["new@dead.test"]));
  assertEquals(told(world.queue.events.slice(before)).map((line) => line.replace(/: not tried.*/, "")), [
    "deferred new@dead.test by null, attempt 1, next in 5 min",
  ]);
  const waiting = world.send(["old@dead.test"], {}, 1);
  await world.queue.round(waiting);
  assertEquals(world.queue.events.length, before + 1);
  const { attempts, dueAt } = world.queue.messages.get(waiting)!.recipients[0]!;
  assertEquals([attempts, dueAt], [1, START + 31_000]);
});

Deno.test("suspended destination: when a probe succeeds, what waits for it is due at once", async () => {
  const server = { port: freePort() };
  await using world = new World({ "*": [server] });
  for (const id of [1, 2, 3].map(() => world.send(["a@dead.test"]))) await world.queue.round(id);
  const waiting = Array.from({ length: 200 }, (_, n) => world.send([`w${n}@dead.test`], {}, 1));
  for (const id of waiting) await world.queue.round(id);
  await using hop = await NextHopServer.start();
  server.port = hop.port;
  world.pass(MINUTE / 2);
  await world.queue.until(() => waiting.every((id) => world.queue.statuses(id)[0] === "delivered"));
});
