import { assertEquals } from "@std/assert";
import { startControlPlane, type TestControlPlane } from "./control_plane.ts";

const withBlock = async (): Promise<TestControlPlane> => {
  const api = await startControlPlane();
  await api.account("alice");
  await api.blocks("alice", 1);
  return api;
};

const item = (id: string, relays = 1, username = "alice") => ({ id, username, relays, ndr: false });
const charge = (id: string, relays = 1) => ({ ...item(id, relays), day: "2026-11-23" });

Deno.test("reserve: the answer tells day, clock, used without this one, and the limit", async () => {
  await using api = await withBlock();
  const { body } = await api.nodeCall("reservations", { items: [item("r1", 10), item("r2", 5)] });
  const account = {
    ...{ username: "alice", status: "active", day: "2026-11-23", blocks: body.items[0].account.blocks },
    ...{ ndr: { choice: "count", sharePercent: null }, brakeReleasedUntil: null, suppresses: false },
    today: { recipients: 0, outcomes: 0, refused: 0 },
    habit: { days: 0, relays: 0, recipients: 0, refusedPercent: 0 },
  };
  const common = { granted: true, day: "2026-11-23", now: api.clock.now, leased: 0, limit: 150, ndr: null };
  assertEquals(body.items, [
    { id: "r1", ...common, used: 0, relays: 10, account: { ...account, used: 10 } },
    { id: "r2", ...common, used: 10, relays: 5, account: { ...account, used: 15 } },
  ]);
});

Deno.test("reserve: what would go over the limit is refused whole, and what fits behind it is granted", async () => {
  await using api = await withBlock();
  const { body } = await api.nodeCall("reservations", { items: [item("r1", 148), item("r2", 3), item("r3", 2)] });
  assertEquals(
    body.items.map(({ granted, used }: { granted: boolean; used: number }) => [granted, used]),
    [[true, 0], [false, 148], [true, 148]],
  );
  assertEquals(await api.used("alice"), 150);
});

Deno.test("reserve: the same id again has the same answer and counts once, in one batch or in two", async () => {
  await using api = await withBlock();
  const once = await api.nodeCall("reservations", { items: [item("r1", 10), item("r1", 10)] });
  assertEquals(once.body.items[0], once.body.items[1]);
  const again = await api.nodeCall("reservations", { items: [item("r1", 10)] });
  assertEquals(again.body.items[0], once.body.items[0]);
  assertEquals(await api.used("alice"), 10);
});

Deno.test("reserve: a repeated id keeps its day over midnight", async () => {
  await using api = await withBlock();
  await api.nodeCall("reservations", { items: [item("r1", 10)] });
  api.clock.now = Date.parse("2026-11-24T00:00:01Z");
  const { body } = await api.nodeCall("reservations", { items: [item("r1", 10)] });
  assertEquals([body.items[0].granted, body.items[0].day, body.items[0].used], [true, "2026-11-23", 0]);
  assertEquals(await api.used("alice"), 0);
});

Deno.test("reserve: unknown and suspended accounts are refused, without being charged", async () => {
  await using api = await withBlock();
  await api.nodeCall("reservations", { items: [item("before", 10)] });
  await api.request("PATCH", "/v1/accounts/alice", { status: "suspended" });
  const { body } = await api.nodeCall("reservations", {
    items: [item("r1"), item("r2", 1, "nobody"), item("before", 10)],
  });
  assertEquals(body.items[0].granted, false);
  assertEquals(body.items[0].account.status, "suspended");
  assertEquals([body.items[1].granted, body.items[1].account], [false, null]);
  // Granted before the suspension, and asked again because its answer was lost.
  assertEquals(body.items[2].granted, true);
  assertEquals(await api.used("alice"), 10);
});

Deno.test("reserve: 1,000 at once never overshoot, and reach the limit", async () => {
  await using api = await withBlock();
  const answers = await Promise.all(
    Array.from({ length: 1000 }, async (_, n) => {
      // As a node does, by the same id: on a busy machine some may wait too long for a connection to the database.
      for (;;) {
        const answer = await api.nodeCall("reservations", { items: [item(`r${n}`, 1 + n % 3)] });
        if (answer.status !== 503) return answer;
      }
    }),
  );
  const granted = answers.flatMap(({ body }) => body.items).filter((answer) => answer.granted);
  assertEquals(granted.reduce((sum, answer) => sum + answer.relays, 0), 150);
  assertEquals(await api.used("alice"), 150);
});

Deno.test("settle: keeps the charge, and counts once", async () => {
  await using api = await withBlock();
  await api.nodeCall("reservations", { items: [item("r1", 10)] });
  for (let n = 0; n < 2; n++) {
    const settled = await api.nodeCall("settlements", { items: [charge("r1", 10), charge("r1", 10)] });
    assertEquals([settled.status, settled.body], [200, {}]);
  }
  assertEquals(await api.used("alice"), 10);
});

Deno.test("settle: an unknown id is charged to its day, once, even over the limit", async () => {
  await using api = await withBlock();
  for (let n = 0; n < 2; n++) await api.nodeCall("settlements", { items: [charge("r1", 200)] });
  assertEquals(await api.used("alice"), 200);
  const quota = (await api.request("GET", "/v1/accounts/alice/quota")).body;
  assertEquals([quota.limit, quota.remaining], [150, 0]);
  assertEquals((await api.nodeCall("reservations", { items: [item("r2")] })).body.items[0].granted, false);
});

Deno.test("settle: a refunded id is charged again, for the message was accepted", async () => {
  await using api = await withBlock();
  await api.nodeCall("reservations", { items: [item("r1", 10)] });
  await api.nodeCall("refunds", { items: [charge("r1", 10)] });
  assertEquals(await api.used("alice"), 0);
  await api.nodeCall("settlements", { items: [charge("r1", 10)] });
  assertEquals(await api.used("alice"), 10);
});

Deno.test("refund: gives back once; of a settled id nothing", async () => {
  await using api = await withBlock();
  await api.nodeCall("reservations", { items: [item("r1", 10), item("r2", 5)] });
  await api.nodeCall("settlements", { items: [charge("r2", 5)] });
  for (let n = 0; n < 2; n++) {
    await api.nodeCall("refunds", { items: [charge("r1", 10), charge("r2", 5), charge("r1", 10)] });
  }
  assertEquals(await api.used("alice"), 5);
});

Deno.test("refund: goes to the day of the reservation", async () => {
  await using api = await withBlock();
  await api.nodeCall("reservations", { items: [item("r1", 10)] });
  api.clock.now = Date.parse("2026-11-24T00:00:01Z");
  await api.nodeCall("reservations", { items: [item("r2", 3)] });
  await api.nodeCall("refunds", { items: [charge("r1", 10)] });
  assertEquals(await api.used("alice"), 3);
});

Deno.test("refund: of an unknown id leaves a tombstone, and that id is never granted", async () => {
  await using api = await withBlock();
  await api.nodeCall("refunds", { items: [{ ...item("r1", 10), day: null }] });
  assertEquals(await api.used("alice"), 0);
  const late = await api.nodeCall("reservations", { items: [item("r1", 10)] });
  assertEquals(late.body.items[0].granted, false);
  assertEquals(await api.used("alice"), 0);
});

Deno.test("settle, refund: what is another node's is left alone, and the limit holds", async () => {
  await using api = await withBlock();
  await api.nodeCall("reservations", { items: [item("r1", 100)] });
  await api.nodeCall("refunds", { node: "n2", items: [charge("r1", 100), { ...charge("r1", 100), day: null }] });
  const more = await api.nodeCall("reservations", { node: "n2", items: [item("r2", 51)] });
  assertEquals([more.body.items[0].granted, more.body.items[0].used], [false, 100]);
  await api.nodeCall("settlements", { node: "n2", items: [charge("r1", 100)] });
  // Not settled: its own node's refund gives it back.
  await api.nodeCall("refunds", { boot: "b2", items: [charge("r1", 100)] });
  assertEquals(await api.used("alice"), 0);
  await api.nodeCall("settlements", { node: "n2", items: [charge("r1", 100)] });
  assertEquals(await api.used("alice"), 0);
});

Deno.test("settle: a message is charged, though another node has refunded its id before", async () => {
  await using api = await withBlock();
  await api.nodeCall("refunds", { node: "n2", items: [charge("r1", 10)] });
  for (let n = 0; n < 2; n++) await api.nodeCall("settlements", { items: [charge("r1", 10)] });
  assertEquals(await api.used("alice"), 10);
});

Deno.test("settle, refund: of a day after tomorrow nothing is kept", async () => {
  await using api = await withBlock();
  const items = (id: string) => [
    { ...charge(`${id}1`, 10), day: "2026-11-24" },
    { ...charge(`${id}2`, 20), day: "2026-11-25" },
    { ...charge(`${id}3`, 20), day: "9999-12-31" },
  ];
  assertEquals((await api.nodeCall("settlements", { items: items("s") })).status, 200);
  assertEquals((await api.nodeCall("refunds", { items: items("r") })).status, 200);
  const { body } = await api.nodeCall("reservations", { items: [item("r1"), item("r2"), item("r3")] });
  assertEquals(body.items.map(({ granted }: { granted: boolean }) => granted), [false, true, true]);
  api.clock.now = Date.parse("2026-11-24T12:00:00Z");
  assertEquals(await api.used("alice"), 10);
  api.clock.now = Date.parse("2026-11-25T12:00:00Z");
  assertEquals(await api.used("alice"), 0);
});

Deno.test("recover: refunds what the node's earlier boots left open, and nothing else", async () => {
  await using api = await withBlock();
  await api.nodeCall("reservations", { items: [item("r1", 10), item("r2", 20)] });
  await api.nodeCall("settlements", { items: [charge("r2", 20)] });
  await api.nodeCall("reservations", { node: "n2", items: [item("r3", 30)] });
  await api.nodeCall("reservations", { boot: "b2", items: [item("r4", 40)] });
  assertEquals((await api.nodeCall("recover", { boot: "b2" })).body, { refunded: 1 });
  assertEquals(await api.used("alice"), 90);
  assertEquals((await api.nodeCall("recover", { boot: "b2" })).body, { refunded: 0 });
});

Deno.test("recover: more than one transaction's worth", async () => {
  await using api = await withBlock();
  await api.blocks("alice", 10);
  for (let batch = 0; batch < 3; batch++) {
    const items = Array.from({ length: 400 }, (_, n) => item(`r${batch}-${n}`));
    await api.nodeCall("reservations", { items });
  }
  assertEquals((await api.nodeCall("recover", { boot: "b2" })).body, { refunded: 1200 });
  assertEquals(await api.used("alice"), 0);
});

Deno.test("reserve: whom the policy fails for has no answer, and the others in the batch have theirs", async () => {
  await using api = await withBlock();
  await api.account("bob");
  for (let purchases = 0; purchases < 10; purchases++) await api.blocks("bob", 1_000_000);
  const batch = () =>
    api.nodeCall("reservations", {
      items: [item("a1", 10), item("b1", 1, "bob"), { ...item("b2", 1, "bob"), ndr: true }, item("a2", 5)],
    });
  // More than can be counted exactly.
  await api.request("PATCH", "/v1/policy/parameters", { relaysPerBlock: 1_000_000_000 });
  const { status, body } = await batch();
  assertEquals([status, body.items.length, body.items[1], body.items[2]], [200, 4, null, null]);
  assertEquals([body.items[0], body.items[3]].map(({ id, granted, used }) => [id, granted, used]), [
    ["a1", true, 0],
    ["a2", true, 10],
  ]);
  assertEquals((await api.nodeCall("reservations", { items: [item("b1", 1, "bob")] })).body.items, [null]);
  assertEquals(api.logged.filter((message) => message === "the policy fails for an account").length, 2);
  // Nothing was decided of them, so the same ids may be granted.
  await api.request("PATCH", "/v1/policy/parameters", { relaysPerBlock: 150 });
  assertEquals((await batch()).body.items.map(({ granted }: { granted: boolean }) => granted), [
    true,
    true,
    true,
    true,
  ]);
  assertEquals([await api.used("alice"), await api.used("bob")], [15, 2]);
});

Deno.test("counters: a bad item refuses its batch and names the field", async () => {
  await using api = await withBlock();
  const refused = await api.nodeCall("reservations", { items: [item("r1"), item("r2", 0)] });
  assertEquals(refused.status, 400);
  assertEquals(refused.body.errors[0].field, "items.1.relays");
  assertEquals(await api.used("alice"), 0);
});

Deno.test("counters: days that no calendar has, and more relays than can be counted, are refused", async () => {
  await using api = await withBlock();
  const bad = [
    ...["2026-99-99", "2026-02-29", "2026-11-31", "tomorrow"].map((day) => ({ ...charge("r1"), day })),
    ...[2 ** 31, Number.MAX_SAFE_INTEGER].map((relays) => charge("r1", relays)),
  ];
  for (const call of ["settlements", "refunds"]) {
    for (const item of bad) {
      const { status, body } = await api.nodeCall(call, { items: [charge("r2"), item] });
      assertEquals([status, body.type], [400, "/problems/invalid-request"], `${call} ${JSON.stringify(item)}`);
    }
  }
  assertEquals(await api.used("alice"), 0);
  await api.nodeCall("settlements", { items: [charge("r1", 2 ** 31 - 1)] });
  assertEquals(await api.used("alice"), 2 ** 31 - 1);
});
