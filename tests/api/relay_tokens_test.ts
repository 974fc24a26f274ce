import { assert, assertEquals, assertMatch } from "@std/assert";
import { Hono } from "hono";
import type { Kysely } from "kysely";
import { jsonBody } from "../../api/routes/json_body.ts";
import { recoverBody } from "../../api/routes/node_schema.ts";
import { requireRelayToken } from "../../api/relay_access.ts";
import { openDatabase } from "../../api/store/database.ts";
import { nodesOfSharedToken } from "../../api/store/migrations/0013_nodes_of_shared_token.ts";
import type { Database } from "../../api/store/schema.ts";
import { accepted, attempt } from "./history_events.ts";
import { ADMIN, MINUTE_MS, RELAY, startControlPlane, type TestControlPlane } from "./control_plane.ts";
import { keptDatabase, newDatabase } from "./database.ts";

const make = async (api: TestControlPlane, label: string) =>
  (await api.request("POST", "/v1/relay-tokens", { label })).body;

const asNode = async (api: TestControlPlane, token: string) =>
  (await api.request("POST", "/v1/node/domain-owners", { domains: ["example.com"] }, token)).status;

Deno.test("relay tokens: one is shown once, listed without itself, and opens the nodes' door alone", async () => {
  await using api = await startControlPlane();
  const { token, ...shown } = await make(api, "relay-fra-1");
  assertMatch(token, /^mhr_[0-9a-f]{32}$/);
  assertEquals(shown, {
    id: shown.id,
    label: "relay-fra-1",
    createdAt: "2026-11-23T12:00:00Z",
    lastUsedAt: null,
  });
  assertEquals((await api.request("GET", "/v1/relay-tokens")).body, { items: [shown], next: null });
  assertEquals(await asNode(api, token), 200);
  assertEquals((await api.request("GET", "/v1/accounts", undefined, token)).status, 401);
  for (const other of ["mhr_00000000000000000000000000000000", token.slice(0, -1), ADMIN]) {
    assertEquals(await asNode(api, other), 401, other);
  }
});

Deno.test("relay tokens: a revoked one is refused at once; the others and the shared one go on", async () => {
  await using api = await startControlPlane();
  const [first, second] = [await make(api, "one"), await make(api, "two")];
  assertEquals((await api.request("DELETE", `/v1/relay-tokens/${first.id}`)).status, 204);
  assertEquals([await asNode(api, first.token), await asNode(api, second.token)], [401, 200]);
  assertEquals(await asNode(api, RELAY), 200);
  assertEquals((await api.request("DELETE", `/v1/relay-tokens/${first.id}`)).status, 404);
});

Deno.test("relay tokens: the last use is known to the minute", async () => {
  await using api = await startControlPlane();
  const { token } = await make(api, "one");
  const use = async () => {
    await asNode(api, token);
    return (await api.request("GET", "/v1/relay-tokens")).body.items[0].lastUsedAt;
  };
  assertEquals(await use(), "2026-11-23T12:00:00Z");
  api.clock.now += MINUTE_MS - 1;
  assertEquals(await use(), "2026-11-23T12:00:00Z");
  api.clock.now += 1;
  assertEquals(await use(), "2026-11-23T12:01:00Z");
});

Deno.test("relay tokens: a node belongs to the label that spoke for it first, whichever of its tokens it has", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const [first, second] = [await make(api, "fra"), await make(api, "nyc")];
  const recover = async (token: string, node: string) =>
    (await api.request("POST", "/v1/node/recover", { node, boot: "b1" }, token)).status;
  assertEquals([await recover(first.token, "n1"), await recover(second.token, "n2")], [200, 200]);
  assertEquals([await recover(first.token, "n2"), await recover(second.token, "n1")], [403, 403]);
  const settlement = { id: "r1", username: "alice", day: "2026-11-23", relays: 3, ndr: false };
  const forged = { node: "n1", boot: "b1", items: [settlement] };
  assertEquals(
    (await api.request("POST", "/v1/node/settlements", forged, second.token)).body.type,
    "/problems/not-its-node",
  );
  assertEquals(await api.used("alice"), 0);
  const renewed = await make(api, "fra");
  await api.request("DELETE", `/v1/relay-tokens/${first.id}`);
  assertEquals([await recover(first.token, "n1"), await recover(renewed.token, "n1")], [401, 200]);
  assertEquals(await recover(RELAY, "n1"), 200);
});

const recover = async (api: TestControlPlane, token: string, node: string, boot = "b2") =>
  (await api.request("POST", "/v1/node/recover", { node, boot }, token)).status;

Deno.test("relay tokens: a machine's cannot speak for a node of the shared token, nor have its lease refunded", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  await api.blocks("alice", 1);
  const { token } = await make(api, "edge");
  const lease = { id: "l1", username: "alice", relays: 100, ndr: false, lease: true };
  await api.nodeCall("reservations", { items: [lease] });
  assertEquals(await recover(api, token, "n1"), 403);
  const [{ used }] = (await api.nodeCall("reservations", { items: [{ ...lease, id: "l2" }] })).body.items;
  assertEquals(used, 100, "the lease stands");
});

/** A node "n1" of one machine, which has reserved and told of "m1"; and the token of another machine. */
const withTwoMachines = async () => {
  const api = await startControlPlane();
  await api.account("alice");
  await api.blocks("alice", 1);
  const [own, stolen] = [(await make(api, "fra")).token, (await make(api, "nyc")).token];
  const call = async (token: string, node: string, name: string, items: readonly unknown[]) => {
    const { status, body } = await api.request("POST", `/v1/node/${name}`, { node, boot: "b1", items }, token);
    assertEquals(status, 200);
    return body;
  };
  const message = async () => {
    const { status, node, recipients, events } = (await api.request("GET", "/v1/messages/m1")).body;
    return [status, node, recipients.length, events.map(({ type }: { type: string }) => type).join(" ")];
  };
  return {
    api,
    message,
    asOwn: (name: string, ...items: unknown[]) => call(own, "n1", name, items),
    asOwnOther: (name: string, ...items: unknown[]) => call(own, "n3", name, items),
    asThief: (name: string, ...items: unknown[]) => call(stolen, "n2", name, items),
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
};

Deno.test("relay tokens: a stolen one sells no relay twice: another machine's reservations stand", async () => {
  await using two = await withTwoMachines();
  const item = (id: string, relays: number) => ({ id, username: "alice", relays, ndr: false });
  const charge = { ...item("m1", 100), day: "2026-11-23" };
  await two.asOwn("reservations", item("m1", 100));
  await two.asThief("refunds", charge);
  const { items: [{ granted, used }] } = await two.asThief("reservations", item("m2", 150));
  assertEquals([granted, used], [false, 100]);
  await two.asOwn("settlements", charge);
  assertEquals(await two.api.used("alice"), 100);
});

const BOB = ["bob@example.net"];
const badAddress = { ...attempt("m1", "bounced", BOB), badAddress: true };

Deno.test("relay tokens: a stolen one falsifies no history, and suppresses nobody's address", async () => {
  await using two = await withTwoMachines();
  // Of a message that its node has not told of yet.
  await two.asThief("events", badAddress);
  await two.asOwn("events", accepted("m1", BOB));
  await two.asThief("events", badAddress, accepted("m1", ["eve@example.net", ...BOB], { id: "m1-again" }));
  assertEquals(two.api.logged.filter((line) => line.includes("left out")).length, 2);
  assertEquals(await two.message(), ["queued", "n1", 1, "accepted"]);
  await two.asOwn("events", attempt("m1", "delivered", BOB));
  await two.asOwn("settlements", { id: "m1", username: "alice", day: "2026-11-23", relays: 1, ndr: false });
  assertEquals(await two.message(), ["delivered", "n1", 1, "accepted delivered"]);
  assertEquals((await two.api.request("GET", "/v1/accounts/alice/suppressions")).body.items, []);
  const [{ outcomes, refused }] = (await two.api.request("GET", "/v1/accounts/alice/usage")).body.items;
  assertEquals([outcomes, refused], [1, 0]);
});

Deno.test("relay tokens: what else a thief tells in the same call of its own messages is taken", async () => {
  await using two = await withTwoMachines();
  await two.asOwn("events", accepted("m1", BOB));
  await two.asThief("events", badAddress, accepted("m2", BOB), attempt("m2", "delivered", BOB));
  assertEquals((await two.message())[0], "queued");
  assertEquals((await two.api.request("GET", "/v1/messages/m2")).body.status, "delivered");
});

Deno.test("relay tokens: a machine's node that got another name tells what became of its messages", async () => {
  await using two = await withTwoMachines();
  await two.asOwn("events", accepted("m1", BOB));
  await two.asOwnOther("events", accepted("m1", BOB), badAddress);
  assertEquals(await two.message(), ["bounced", "n1", 1, "accepted bounced"]);
  const { items } = (await two.api.request("GET", "/v1/accounts/alice/suppressions")).body;
  assertEquals(items.map(({ address }: { address: string }) => address), BOB);
});

Deno.test("relay tokens: the shared one tells of whatever node's messages", async () => {
  await using two = await withTwoMachines();
  await two.asOwn("events", accepted("m1", BOB));
  const json = { node: "n4", boot: "b1", items: [attempt("m1", "delivered", BOB)] };
  assertEquals((await two.api.request("POST", "/v1/node/events", json, RELAY)).status, 200);
  assertEquals((await two.message())[0], "delivered");
});

Deno.test("relay tokens: a node that goes to the shared one goes on at once, and may come back", async () => {
  await using api = await startControlPlane();
  const { token } = await make(api, "edge");
  assertEquals([await recover(api, token, "n1"), await recover(api, RELAY, "n1")], [200, 200]);
  assertEquals(await recover(api, token, "n1"), 200);
});

Deno.test("relay tokens: a node that leaves the shared one has to be handed over by the operator", async () => {
  await using api = await startControlPlane();
  assertEquals([await recover(api, RELAY, "n1"), await recover(api, RELAY, "n2")], [200, 200]);
  const [edge, other] = [await make(api, "edge"), await make(api, "other")];
  assertEquals(await recover(api, edge.token, "n1"), 403);
  const handOver = (label: string, nodes: string[]) => api.request("POST", "/v1/relay-tokens", { label, nodes });
  const unknown = await handOver("edge", ["n1", "n3"]);
  assertEquals([unknown.status, unknown.body.detail], [404, "No node n3 was ever heard of"]);
  assertEquals(await recover(api, edge.token, "n1"), 403, "nothing was handed over");
  const { status, body } = await handOver("edge", ["n1"]);
  assertEquals(status, 201);
  for (const token of [edge.token, body.token]) {
    assertEquals([await recover(api, token, "n1"), await recover(api, token, "n2")], [200, 403]);
  }
  assertEquals([await recover(api, other.token, "n1"), await recover(api, RELAY, "n1")], [403, 200]);
});

Deno.test("relay tokens: nodes that were there before the shared one claimed any are its own", async () => {
  await using kept = await keptDatabase();
  {
    await using api = await startControlPlane({ database: kept.location });
    await api.account("alice");
    await api.blocks("alice", 1);
    const { token } = await make(api, "edge");
    const items = [{ id: "r1", username: "alice", relays: 1, ndr: false }];
    assertEquals((await api.nodeCall("reservations", { items })).status, 200);
    assertEquals(await recover(api, token, "n2"), 200);
  }
  {
    await using database = await openDatabase(kept.location);
    const { db } = database;
    // As an older version left it.
    await db.deleteFrom("relay_node").where("node", "=", "n1").execute();
    await db.insertInto("node").values([node("n2"), node("n3")]).execute();
    await nodesOfSharedToken.up(db);
  }
  await using api = await startControlPlane({ database: kept.location });
  const { token } = await make(api, "edge");
  // By its open reservation, as the label's, by what it said of itself, not at all.
  const seen = await Promise.all(["n1", "n2", "n3", "n4"].map((node) => recover(api, token, node)));
  assertEquals(seen, [403, 200, 403, 200]);
});

/** As one told of itself. */
const node = (name: string) => ({
  ...{ node: name, region: "", number: 0, version: "0.1.0", draining: 0, drain_wanted: 0, queued: 0 },
  ...{ connections: 0, in_delivery: 0, accepted_per_minute: 0, loop_delay_ms: 0 },
  ...{ leases_held: 0, leases_accounts: 0, leases_relays_left: 0 },
  ...{ clock_ahead_ms: null, clocks_apart: 0, seen_at: 0 },
});

Deno.test("relay tokens: the shared one asks the database for each node once", async () => {
  await using place = await newDatabase();
  await using database = await openDatabase(place.location);
  let statements = 0;
  const db: Kysely<Database> = database.db.withPlugin({
    transformQuery: ({ node }) => {
      statements++;
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  });
  const app = new Hono().use(requireRelayToken({ db, relayToken: RELAY, now: () => 0 }))
    .post("/", jsonBody(recoverBody), (c) => c.text("heard"));
  const headers = { authorization: `Bearer ${RELAY}`, "content-type": "application/json" };
  const call = async (node: string) =>
    await (await app.request("/", { method: "POST", headers, body: JSON.stringify({ node, boot: "b1" }) })).text();
  assertEquals(await call("n1"), "heard");
  assert(statements > 0);
  statements = 0;
  for (let n = 0; n < 10; n++) assertEquals(await call("n1"), "heard");
  assertEquals(statements, 0);
});
