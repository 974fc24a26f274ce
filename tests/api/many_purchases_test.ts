/** Accounts that buy so often that the policy could not take it all: they are told, and nobody else feels it. */
import { assertEquals, assertMatch } from "@std/assert";
import { chunks } from "../../api/store/chunks.ts";
import { type DatabaseLocation, openDatabase } from "../../api/store/database.ts";
import { postAtOnce } from "./at_once.ts";
import { ACTIVATION_DELAY_MS, ADMIN, NOON, startControlPlane, type TestControlPlane } from "./control_plane.ts";
import { keptDatabase } from "./database.ts";

const MOST = 4000;
const HOUR_MS = 3_600_000;

/** So many purchases of alice's of one block each, a millisecond apart; the last one was made just now. */
const bought = async (location: DatabaseLocation, count: number): Promise<void> => {
  await using database = await openDatabase(location);
  const rows = Array.from({ length: count }, (_, n) => ({
    id: `block${String(n).padStart(4, "0")}`,
    username: "alice",
    quantity: 1,
    purchased_at: NOON - count + 1 + n,
    activates_at: NOON - count + 1 + n + ACTIVATION_DELAY_MS,
    cancelled_at: null,
    idempotency_key: `order-${n}`,
  }));
  for (const chunk of chunks(rows)) await database.db.insertInto("block").values(chunk).execute();
};

const buy = async (api: TestControlPlane, key?: string) => {
  const headers: Record<string, string> = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };
  if (key !== undefined) headers["idempotency-key"] = key;
  const options = { method: "POST", headers, body: JSON.stringify({ quantity: 1 }) };
  const response = await api.app.request("/v1/accounts/alice/blocks", options);
  return { status: response.status, body: await response.json() };
};

const reserve = async (api: TestControlPlane, ...usernames: string[]) => {
  const items = usernames.map((username) => ({ id: crypto.randomUUID(), username, relays: 1, ndr: false }));
  const { status, body } = await api.nodeCall("reservations", { items });
  return [status, ...body.items.map((facts: { granted: boolean; limit: number } | null) => facts?.limit ?? null)];
};

Deno.test("purchases: of as many as the policy takes one more is 409, until some have counted for two hours", async () => {
  await using place = await keptDatabase();
  await using api = await startControlPlane({ database: place.location });
  for (const name of ["alice", "bob"]) await api.account(name);
  await bought(place.location, MOST);
  const refused = await buy(api);
  assertEquals([refused.status, refused.body.type], [409, "/problems/limit-reached"]);
  assertMatch(refused.body.detail, /at most 4000 purchases .*: buy more blocks in one, or try again later$/);
  assertEquals((await buy(api, "order-7")).body.id, "block0007", "one that was made before is answered as ever");
  // One that never counts takes no room.
  await api.request("DELETE", "/v1/accounts/alice/blocks/block0007");
  assertEquals([(await buy(api)).status, (await buy(api)).status], [201, 409]);
  api.clock.now += ACTIVATION_DELAY_MS;
  assertEquals(await reserve(api, "alice", "bob"), [200, MOST * 150, 0]);
  api.clock.now += 2 * HOUR_MS;
  assertEquals([(await buy(api)).status, await reserve(api, "alice")], [201, [200, MOST * 150]]);
});

Deno.test("purchases: of many at once so many are made as there is room for", async () => {
  await using place = await keptDatabase();
  await using api = await startControlPlane({ database: place.location });
  await api.account("alice");
  await bought(place.location, MOST - 3);
  const purchases = Array.from({ length: 20 }, () => ({ quantity: 1 }));
  assertEquals(await postAtOnce(api, "/v1/accounts/alice/blocks", purchases), { 201: 3, 409: 17 });
});

Deno.test("purchases: more than the policy takes, from before, are that account's trouble alone, and pass", async () => {
  await using place = await keptDatabase();
  await using api = await startControlPlane({ database: place.location });
  for (const name of ["alice", "bob"]) await api.account(name);
  await bought(place.location, 5000);
  api.clock.now += ACTIVATION_DELAY_MS;
  assertEquals(await reserve(api, "alice", "bob"), [200, null, 0]);
  assertMatch(String(api.errors), /5000 blocks: at most 4096 entries were expected/);
  api.clock.now += HOUR_MS + 1;
  assertEquals(await reserve(api, "alice", "bob"), [200, 5000 * 150, 0]);
});
