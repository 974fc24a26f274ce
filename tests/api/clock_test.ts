/** Midnight, and a clock that is set: each relay counts on one day, once, whatever the clock does. */
import { assertEquals } from "@std/assert";
import { MINUTE_MS, NOON, startControlPlane, type TestControlPlane } from "./control_plane.ts";

const HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS;
const MIDNIGHT = Date.parse("2026-11-24T00:00:00Z");
const BEFORE = "2026-11-23", AFTER = "2026-11-24";

const item = (id: string, relays: number) => ({ id, username: "alice", relays, ndr: false });

const reserve = async (api: TestControlPlane, id: string, relays: number) =>
  (await api.nodeCall("reservations", { items: [item(id, relays)] })).body.items[0];
const settle = (api: TestControlPlane, id: string, relays: number, day: string) =>
  api.nodeCall("settlements", { items: [{ ...item(id, relays), day }] });
const refund = (api: TestControlPlane, id: string, relays: number, day: string) =>
  api.nodeCall("refunds", { items: [{ id, username: "alice", day, relays }] });
const quota = async (api: TestControlPlane) => (await api.request("GET", "/v1/accounts/alice/quota")).body;
const dayAndUsed = async (api: TestControlPlane) => {
  const { day, used } = await quota(api);
  return [day, used];
};

/** Alice with a block that counts. */
const withBlock = async (now: number): Promise<TestControlPlane> => {
  const api = await startControlPlane({ now: now - 15 * MINUTE_MS });
  await api.account("alice");
  await api.blocks("alice", 1);
  return api;
};

Deno.test("midnight: what was reserved before it is settled, refunded and asked for again on its own day", async () => {
  await using api = await withBlock(MIDNIGHT - 1);
  for (const id of ["settled", "refunded", "lost"]) assertEquals((await reserve(api, id, 50)).day, BEFORE);
  assertEquals((await reserve(api, "over", 1)).granted, false);
  api.clock.now = MIDNIGHT;
  // The whole of the new day is there, though nothing of the old one is settled yet.
  assertEquals((await reserve(api, "new", 150)).day, AFTER);
  assertEquals((await reserve(api, "lost", 50)).day, BEFORE);
  await settle(api, "settled", 50, BEFORE);
  await refund(api, "refunded", 50, BEFORE);
  assertEquals(await dayAndUsed(api), [AFTER, 150]);
  assertEquals((await reserve(api, "more", 1)).granted, false);
  api.clock.now = MIDNIGHT - 1;
  assertEquals(await dayAndUsed(api), [BEFORE, 100]);
});

Deno.test("midnight: a block bought before it activates after it, to the second, and not for the old day", async () => {
  await using api = await startControlPlane({ now: MIDNIGHT - 5 * MINUTE_MS });
  await api.account("alice");
  await api.request("POST", "/v1/accounts/alice/blocks", { quantity: 1 });
  api.clock.now = MIDNIGHT - 1;
  const refused = await reserve(api, "r1", 1);
  assertEquals([refused.granted, refused.day, (await quota(api)).limit], [false, BEFORE, 0]);
  api.clock.now = MIDNIGHT + 10 * MINUTE_MS - 1;
  assertEquals([(await quota(api)).pending.length, (await reserve(api, "r1", 1)).granted], [1, false]);
  api.clock.now += 1;
  const granted = await reserve(api, "r1", 1);
  assertEquals([granted.granted, granted.day, (await quota(api)).pending], [true, AFTER, []]);
});

Deno.test("clock set back over midnight: the old day goes on where it was, and the new one keeps what it has", async () => {
  await using api = await withBlock(MIDNIGHT - 30 * MINUTE_MS);
  await reserve(api, "old", 100);
  api.clock.now = MIDNIGHT + 30 * MINUTE_MS;
  await reserve(api, "new", 120);
  api.clock.now -= HOUR_MS;
  assertEquals(await dayAndUsed(api), [BEFORE, 100]);
  assertEquals([(await reserve(api, "over", 51)).granted, (await reserve(api, "fits", 50)).granted], [false, true]);
  // Its answer was lost: it stays on the day on which it was granted.
  assertEquals((await reserve(api, "new", 120)).day, AFTER);
  await settle(api, "new", 120, AFTER);
  assertEquals(await dayAndUsed(api), [BEFORE, 150]);
  api.clock.now = MIDNIGHT;
  assertEquals(await dayAndUsed(api), [AFTER, 120]);
  assertEquals([(await reserve(api, "r1", 31)).granted, (await reserve(api, "r2", 30)).granted], [false, true]);
});

Deno.test("clock set forward by a day and back: each day has its own count, and nothing is charged twice", async () => {
  await using api = await withBlock(NOON);
  await reserve(api, "r1", 60);
  api.clock.now += DAY_MS;
  assertEquals(await dayAndUsed(api), [AFTER, 0]);
  await reserve(api, "r2", 150);
  for (const [id, day] of [["r1", BEFORE], ["r2", AFTER]] as const) {
    await settle(api, id, id === "r1" ? 60 : 150, day);
    await settle(api, id, id === "r1" ? 60 : 150, day);
  }
  api.clock.now -= DAY_MS;
  assertEquals(await dayAndUsed(api), [BEFORE, 60]);
  // The day that the clock was in is no gift, once it comes.
  api.clock.now = MIDNIGHT + HOUR_MS;
  assertEquals([...await dayAndUsed(api), (await reserve(api, "r3", 1)).granted], [AFTER, 150, false]);
});

Deno.test("clock set back behind a block's activation: it waits again, and nothing is less than zero", async () => {
  await using api = await withBlock(NOON);
  await reserve(api, "r1", 100);
  api.clock.now -= HOUR_MS;
  const { limit, used, remaining, pending } = await quota(api);
  assertEquals([limit, used, remaining], [0, 100, 0]);
  assertEquals(pending, [{ quantity: 1, activatesAt: "2026-11-23T12:00:00Z" }]);
  assertEquals((await reserve(api, "r2", 1)).granted, false);
  api.clock.now = NOON;
  assertEquals((await reserve(api, "r2", 50)).granted, true);
});

Deno.test("cancelled blocks: gone at once for what comes, on whichever day; a clock set back brings none back", async () => {
  await using api = await withBlock(MIDNIGHT - 1);
  const [{ id }] = (await api.request("GET", "/v1/accounts/alice/blocks")).body.items;
  await reserve(api, "r1", 100);
  await api.request("DELETE", `/v1/accounts/alice/blocks/${id}`);
  assertEquals([(await quota(api)).limit, (await quota(api)).remaining], [0, 0]);
  // What was accepted before stays charged, and a lost answer stands.
  assertEquals([(await reserve(api, "r1", 100)).granted, (await reserve(api, "r2", 1)).granted], [true, false]);
  for (const now of [MIDNIGHT, MIDNIGHT - HOUR_MS]) {
    api.clock.now = now;
    assertEquals((await reserve(api, `r${now}`, 1)).granted, false);
    const [block] = (await api.request("GET", "/v1/accounts/alice/blocks")).body.items;
    assertEquals(block.cancelledAt, "2026-11-23T23:59:59.999Z");
  }
});

const accepted = (id: string, at: number) => ({
  ...{ id, messageId: id, account: "alice", at, type: "accepted", sender: "a@example.com", relays: 1, sizeBytes: 1 },
  ...{ recipients: [`${id}@example.net`], messageIdField: null, origin: null, policy: null },
});
const ended = (id: string, at: number) => ({
  ...{ id: `${id} ended`, messageId: id, account: "alice", at, type: "delivered", recipients: [`${id}@example.net`] },
  ...{ host: null, address: null, tls: null, reply: "250 ok", attempt: 1, nextAttemptAt: null },
});
const facts = async (api: TestControlPlane) =>
  (await api.request("GET", "/v1/node/accounts/alice", undefined, "relay-token")).body.account;

Deno.test("clock set back: what the day saw before stays the day's, and is no habit of an earlier one", async () => {
  await using api = await withBlock(MIDNIGHT + HOUR_MS);
  await api.nodeCall("events", { items: [accepted("m1", api.clock.now), ended("m1", api.clock.now)] });
  assertEquals((await facts(api)).today.recipients, 1);
  api.clock.now -= 2 * HOUR_MS;
  const { today, habit } = await facts(api);
  assertEquals([today.recipients, habit.days], [0, 0]);
  api.clock.now = MIDNIGHT + DAY_MS;
  assertEquals((await facts(api)).habit.recipients, 1);
});
