import { assertEquals } from "@std/assert";
import { chunkToJson, encodeChunk } from "../../policy/mod.ts";
import { brakedDecision } from "../support/decisions.ts";
import { ACTIVATION_DELAY_MS, MINUTE_MS, NOON, startControlPlane } from "./control_plane.ts";

Deno.test("blocks: bought, listed, cancelled", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const bought = await api.request("POST", "/v1/accounts/alice/blocks", { quantity: 2 });
  assertEquals(bought.status, 201);
  const { id } = bought.body;
  assertEquals(bought.body, {
    id,
    quantity: 2,
    purchasedAt: "2026-11-23T12:00:00Z",
    activatesAt: "2026-11-23T12:15:00Z",
    cancelledAt: null,
  });
  assertEquals((await api.request("GET", "/v1/accounts/alice/blocks")).body, { items: [bought.body], next: null });

  api.clock.now += ACTIVATION_DELAY_MS;
  assertEquals((await api.request("DELETE", `/v1/accounts/alice/blocks/${id}`)).status, 204);
  assertEquals((await api.request("GET", "/v1/accounts/alice/quota")).body.limit, 0);
  const [cancelled] = (await api.request("GET", "/v1/accounts/alice/blocks")).body.items;
  assertEquals(cancelled.cancelledAt, "2026-11-23T12:15:00Z");
});

Deno.test("blocks: one that is cancelled from before it counts is not announced", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const { id } = (await api.request("POST", "/v1/accounts/alice/blocks", { quantity: 2 })).body;
  const later = (await api.request("POST", "/v1/accounts/alice/blocks", { quantity: 1 })).body;
  const cancel = (id: string, at: string) => api.request("DELETE", `/v1/accounts/alice/blocks/${id}?at=${at}`);
  assertEquals((await cancel(id, "2026-11-23T12:10:00Z")).status, 204);
  assertEquals((await cancel(later.id, "2026-11-23T12:20:00Z")).status, 204);
  const pending = async () => (await api.request("GET", "/v1/accounts/alice/quota")).body.pending;
  assertEquals(await pending(), [{ quantity: 1, activatesAt: "2026-11-23T12:15:00Z" }]);
});

Deno.test("blocks: of nobody, or somebody else's, are not found", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  await api.account("bob");
  const { body } = await api.request("POST", "/v1/accounts/alice/blocks", { quantity: 1 });
  assertEquals((await api.request("DELETE", `/v1/accounts/bob/blocks/${body.id}`)).status, 404);
  assertEquals((await api.request("POST", "/v1/accounts/carol/blocks", { quantity: 1 })).status, 404);
  assertEquals((await api.request("GET", "/v1/accounts/carol/blocks")).status, 404);
  assertEquals((await api.request("GET", "/v1/accounts/carol/quota")).status, 404);
});

Deno.test("blocks: a purchase is of 1 to 1,000,000", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const buy = async (quantity: unknown) =>
    (await api.request("POST", "/v1/accounts/alice/blocks", { quantity })).status;
  assertEquals(await buy(1_000_000), 201);
  for (const quantity of [0, -1, 1.5, 1_000_001, "2", null]) assertEquals(await buy(quantity), 400);
});

Deno.test("quota: two blocks give 300", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  await api.blocks("alice", 2);
  assertEquals((await api.request("GET", "/v1/accounts/alice/quota")).body, {
    day: "2026-11-23",
    limit: 300,
    used: 0,
    remaining: 300,
    ndr: 0,
    ndrLimit: null,
    resetsAt: "2026-11-24T00:00:00Z",
    pending: [],
    brake: { recipients: 0, outcomes: 0, refused: 0, releasedUntil: null, held: null },
    advice: [],
  });
});

Deno.test("quota: a block does not count at 14:59 minutes and does at 15:00", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  await api.request("POST", "/v1/accounts/alice/blocks", { quantity: 1 });
  api.clock.now = NOON + 15 * MINUTE_MS - 1000;
  const before = (await api.request("GET", "/v1/accounts/alice/quota")).body;
  assertEquals([before.limit, before.pending], [0, [{ quantity: 1, activatesAt: "2026-11-23T12:15:00Z" }]]);
  api.clock.now = NOON + 15 * MINUTE_MS;
  const after = (await api.request("GET", "/v1/accounts/alice/quota")).body;
  assertEquals([after.limit, after.pending], [150, []]);
});

Deno.test("quota: used is zero after midnight UTC", async () => {
  await using api = await startControlPlane({ now: Date.parse("2026-11-23T23:40:00Z") });
  await api.account("alice");
  await api.blocks("alice", 1);
  await api.nodeCall("reservations", { items: [{ id: "r1", username: "alice", relays: 17, ndr: false }] });
  assertEquals(await api.used("alice"), 17);
  api.clock.now = Date.parse("2026-11-23T23:59:59.999Z");
  assertEquals(await api.used("alice"), 17);
  api.clock.now += 1;
  const quota = (await api.request("GET", "/v1/accounts/alice/quota")).body;
  assertEquals([quota.day, quota.used, quota.resetsAt], ["2026-11-24", 0, "2026-11-25T00:00:00Z"]);
});

Deno.test("quota: purchases that have counted for long reach the node as one entry, newer ones apart", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  await api.blocks("alice", 1);
  await api.blocks("alice", 2);
  api.clock.now += 2 * 60 * MINUTE_MS;
  await api.request("POST", "/v1/accounts/alice/blocks", { quantity: 4 });
  const answer = await api.nodeCall("reservations", {
    items: [{ id: "r1", username: "alice", relays: 1, ndr: false }],
  });
  assertEquals(answer.body.items[0].account.blocks, [
    { quantity: 3, activatesAt: NOON + 30 * MINUTE_MS },
    { quantity: 4, activatesAt: NOON + 165 * MINUTE_MS },
  ]);
  assertEquals(answer.body.items[0].limit, 450);
});

Deno.test("quota: what is true of the day is said in words, each with its help page", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  await api.blocks("alice", 1);
  const quota = async () => (await api.request("GET", "/v1/accounts/alice/quota")).body;
  const advice = async () => (await quota()).advice.map(({ type, help }: Record<string, string>) => [type, help]);
  const reserve = (id: string, relays: number, ndr: boolean) =>
    api.nodeCall("reservations", { items: [{ id, username: "alice", relays, ndr }] });
  assertEquals(await advice(), []);
  await reserve("r1", 1, true);
  assertEquals(await advice(), [["ndr-share", "/help/recipient-filtering"]]);
  await reserve("r2", 119, false);
  const braked = encodeChunk([brakedDecision("alice", api.clock.now)]);
  await api.nodeCall("decisions", { chunks: [{ id: "c1", ...chunkToJson(braked) }] });
  const brake = ["brake", "/help/acceptable-use"];
  const others = [["quota-80", "/help/quota"], ["ndr-share", "/help/recipient-filtering"]];
  assertEquals(await advice(), [...others, brake]);
  const { held } = (await quota()).brake;
  assertEquals(held, { at: "2026-11-23T12:15:00Z", measure: "relays", used: 451, limit: 450 });
  await api.request("POST", "/v1/accounts/alice/brake/release", { hours: 1 });
  assertEquals(await advice(), others);
  assertEquals((await quota()).brake.releasedUntil, "2026-11-23T13:15:00Z");
});

Deno.test("usage: the days, the newest first and page by page, with reports and what became of recipients", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  await api.blocks("alice", 1);
  for (const [day, ndr] of [[0, true], [1, false], [2, true]] as const) {
    const items = [{ id: `r${day}`, username: "alice", relays: 2 + day, ndr }];
    await api.nodeCall("reservations", { items });
    api.clock.now += 24 * 60 * MINUTE_MS;
    // Wherever they were counted, the database keeps them.
    await api.prune(new AbortController().signal);
  }
  const event = { messageId: "m1", account: "alice", at: NOON, sender: "a@example.com" };
  await api.nodeCall("events", {
    items: [
      {
        ...{ ...event, id: "m1", type: "accepted", recipients: ["x@example.net", "y@example.net"], sizeBytes: 1 },
        ...{ relays: 2, ndr: true, messageIdField: null, origin: null, policy: null },
      },
      {
        ...{ ...event, id: "e2", type: "bounced", recipients: ["x@example.net"], host: null, address: null, tls: null },
        ...{ reply: "550 5.1.1 no", attempt: 1, nextAttemptAt: null },
      },
    ],
  });
  const page = (query: string) => api.request("GET", `/v1/accounts/alice/usage${query}`);
  const first = (await page("?limit=2")).body;
  const none = { recipients: 0, outcomes: 0, refused: 0 };
  assertEquals(first.items, [
    { day: "2026-11-25", used: 4, ndr: 4, ...none },
    { day: "2026-11-24", used: 3, ndr: 0, ...none },
  ]);
  const second = (await page(`?limit=2&cursor=${first.next}`)).body;
  assertEquals(second, {
    items: [{ day: "2026-11-23", used: 2, ndr: 2, recipients: 2, outcomes: 1, refused: 1 }],
    next: null,
  });
  const { events } = (await api.request("GET", "/v1/messages/m1")).body;
  assertEquals(events.find(({ type }: { type: string }) => type === "accepted").ndr, true);
  assertEquals((await api.request("GET", "/v1/accounts/nobody/usage")).status, 404);
});
