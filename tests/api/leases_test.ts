/** Leases: slices of a day, which nodes spend on messages. */
import { assertEquals } from "@std/assert";
import { startControlPlane, type TestControlPlane } from "./control_plane.ts";

const DAY = "2026-11-23";

const withBlock = async (): Promise<TestControlPlane> => {
  const api = await startControlPlane();
  await api.account("alice");
  await api.blocks("alice", 1);
  return api;
};

const item = (id: string, relays = 1) => ({ id, username: "alice", relays, ndr: false });
const lease = (id: string, relays: number) => ({ ...item(id, relays), lease: true });
const paid = (id: string, by: string, relays = 1) => ({ ...item(id, relays), day: DAY, lease: by });
const trim = (id: string, relays: number) => ({ id, username: "alice", day: DAY, relays });
const take = async (api: TestControlPlane, ...items: readonly unknown[]) =>
  (await api.nodeCall("reservations", { items })).body.items;
const leases = async (api: TestControlPlane, items: readonly unknown[], held: readonly string[] = []) =>
  (await api.nodeCall("leases", { items, held })).body;
/** What is left for others: the whole day less what was used and what is leased. */
const left = async (api: TestControlPlane): Promise<number> => {
  const [{ used, limit, granted }] = await take(api, item(crypto.randomUUID(), 1000));
  assertEquals(granted, false);
  return limit - used;
};

Deno.test("lease: it is a debit from the moment it is granted, and not spent", async () => {
  await using api = await withBlock();
  const [granted] = await take(api, lease("l1", 100));
  assertEquals([granted.granted, granted.used, granted.leased, granted.account.used], [true, 0, 0, 0]);
  assertEquals([await left(api), await api.used("alice")], [50, 0]);
  const [other] = await take(api, item("r1", 51));
  assertEquals([other.granted, other.used, other.leased, other.account.used], [false, 100, 100, 0]);
});

Deno.test("lease: asked for again, the answer is the same, and it counts once", async () => {
  await using api = await withBlock();
  const [first, again] = await take(api, lease("l1", 100), lease("l1", 100));
  assertEquals(first, again);
  assertEquals(await left(api), 50);
});

Deno.test("lease: messages are settled with it, each once, and the day is charged no more than the lease", async () => {
  await using api = await withBlock();
  await take(api, lease("l1", 100));
  for (let n = 0; n < 2; n++) {
    await api.nodeCall("settlements", { items: [paid("m1", "l1", 30), paid("m2", "l1", 5), paid("m1", "l1", 30)] });
  }
  assertEquals([await left(api), await api.used("alice")], [50, 35]);
});

Deno.test("lease: trimmed, the rest goes back to the day, once, and never what was settled", async () => {
  await using api = await withBlock();
  await take(api, lease("l1", 100));
  await api.nodeCall("settlements", { items: [paid("m1", "l1", 30)] });
  for (let n = 0; n < 2; n++) await leases(api, [trim("l1", 40)]);
  assertEquals([await left(api), await api.used("alice")], [110, 30]);
  await leases(api, [trim("l1", 60)]);
  assertEquals(await left(api), 110);
  await leases(api, [trim("l1", 10), trim("unknown", 0)]);
  assertEquals([await left(api), await api.used("alice")], [120, 30]);
});

Deno.test("lease: what is spent beyond it, or with one that has ended or is another's, is charged by itself", async () => {
  await using api = await withBlock();
  await take(api, lease("l1", 10));
  await api.nodeCall("settlements", { items: [paid("m1", "l1", 8), paid("m2", "l1", 3), paid("m3", "l1", 2)] });
  assertEquals([await left(api), await api.used("alice")], [150 - 13, 13]);
  await api.nodeCall("settlements", { items: [paid("m4", "unknown", 7)] });
  assertEquals(await api.used("alice"), 20);
  await api.account("bob");
  await api.nodeCall("settlements", { items: [{ ...paid("m5", "l1", 1), username: "bob" }] });
  assertEquals([await api.used("alice"), await api.used("bob")], [20, 1]);
});

Deno.test("lease: refunded, it gives back what was not settled, and covers nothing any more", async () => {
  await using api = await withBlock();
  await take(api, lease("l1", 100));
  await api.nodeCall("settlements", { items: [paid("m1", "l1", 30)] });
  for (let n = 0; n < 2; n++) await api.nodeCall("refunds", { items: [{ ...trim("l1", 100) }] });
  assertEquals([await left(api), await api.used("alice")], [120, 30]);
  await api.nodeCall("settlements", { items: [paid("m2", "l1", 5)] });
  assertEquals([await left(api), await api.used("alice")], [115, 35]);
});

Deno.test("lease: another node's is not trimmed, and no message is paid from it", async () => {
  await using api = await withBlock();
  await take(api, lease("l1", 100));
  await api.nodeCall("leases", { node: "n2", items: [trim("l1", 0)], held: [] });
  assertEquals([await left(api), await api.used("alice")], [50, 0]);
  await api.nodeCall("settlements", { node: "n2", items: [paid("m1", "l1", 10)] });
  assertEquals([await left(api), await api.used("alice")], [40, 10]);
  // It is whole: all of it can be settled, or given back in another boot.
  await api.nodeCall("settlements", { items: [paid("m2", "l1", 95)] });
  await api.nodeCall("leases", { boot: "b2", items: [trim("l1", 0)], held: [] });
  assertEquals([await left(api), await api.used("alice")], [45, 105]);
});

Deno.test("lease: of a node that has started anew, what was not settled is given back", async () => {
  await using api = await withBlock();
  await take(api, lease("l1", 100), item("r1", 10));
  await api.nodeCall("settlements", { items: [paid("m1", "l1", 30)] });
  assertEquals((await api.nodeCall("recover", { boot: "b2" })).body, { refunded: 2 });
  assertEquals([await left(api), await api.used("alice")], [120, 30]);
});

Deno.test("lease: whoever holds one hears that somebody was refused for it, for a while", async () => {
  await using api = await withBlock();
  await take(api, lease("l1", 100));
  assertEquals(await leases(api, [], ["alice", "bob"]), { wanted: [] });
  await take(api, item("r1", 60));
  assertEquals(await leases(api, [], ["bob", "alice"]), { wanted: ["alice"] });
  api.clock.now += 10_000;
  assertEquals(await leases(api, [], ["alice"]), { wanted: [] });
});

Deno.test("lease: nobody is asked for one where the day is used up", async () => {
  await using api = await withBlock();
  await take(api, item("r1", 150), item("r2", 1));
  assertEquals(await leases(api, [], ["alice"]), { wanted: [] });
});

Deno.test("lease: it is of its day: the next one begins with nothing leased", async () => {
  await using api = await withBlock();
  await take(api, lease("l1", 100));
  api.clock.now = Date.parse("2026-11-24T00:00:01Z");
  assertEquals(await left(api), 150);
  await api.nodeCall("settlements", { items: [paid("m1", "l1", 5)] });
  await leases(api, [trim("l1", 5)]);
  assertEquals([await left(api), await api.used("alice")], [150, 0]);
});

Deno.test("lease: what is settled with it three days late is spent on its own day, for the list of days and the habit", async () => {
  await using api = await withBlock();
  await take(api, lease("l1", 100));
  const days = async () => {
    await api.prune(new AbortController().signal);
    const { items } = (await api.request("GET", "/v1/accounts/alice/usage")).body;
    return items.map(({ day, used }: { day: string; used: number }) => [day, used]);
  };
  assertEquals(await days(), [[DAY, 0]]);
  api.clock.now += 3 * 86_400_000;
  for (let n = 0; n < 2; n++) await api.nodeCall("settlements", { items: [paid("m1", "l1", 30)] });
  assertEquals(await days(), [[DAY, 30]]);
  const [{ account }] = await take(api, item("r1"));
  assertEquals([account.habit.days, account.habit.relays], [1, 30]);
});

Deno.test("lease: trimmed twice in one batch, it gives back once", async () => {
  await using api = await withBlock();
  await take(api, lease("l1", 100));
  await leases(api, [trim("l1", 40), trim("l1", 30), trim("l1", 40)]);
  assertEquals([await left(api), await api.used("alice")], [120, 0]);
});

Deno.test("lease: of a later boot, a recovery that comes late takes nothing", async () => {
  await using api = await withBlock();
  await api.nodeCall("reservations", { boot: "b3", items: [lease("l1", 100), item("r1", 10)] });
  assertEquals((await api.nodeCall("recover", { boot: "b2" })).body, { refunded: 0 });
  assertEquals(await left(api), 40);
});

Deno.test("lease: one of which all is settled has ended, and nothing is left to recover", async () => {
  await using api = await withBlock();
  await take(api, lease("l1", 10), lease("l2", 10));
  await api.nodeCall("settlements", { items: [paid("m1", "l1", 10), paid("m2", "l2", 4)] });
  await leases(api, [trim("l2", 4)]);
  assertEquals((await api.nodeCall("recover", { boot: "b2" })).body, { refunded: 0 });
  assertEquals([await left(api), await api.used("alice")], [136, 14]);
});
