import { assert, assertEquals } from "@std/assert";
import { ADMIN, NOON, PASSWORD, startControlPlane, type TestControlPlane } from "./control_plane.ts";

/** Of a hash that takes ten times as long as one of the service. */
const SLOW = { ln: 17, r: 8, p: 1 };

const entries = async (api: TestControlPlane, query = "") => (await api.request("GET", `/v1/audit${query}`)).body.items;

const shown = (items: { method: string; path: string; account: string | null; status: number | null }[]) =>
  items.map(({ method, path, account, status }) => [method, path, account, status]);

Deno.test("audit: each request that could change something, the newest first, with who, when and what came of it", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const { id, key } = (await api.request("POST", "/v1/accounts/alice/keys", { label: "website", scopes: ["manage"] }))
    .body;
  api.clock.now += 1000;
  await api.request("PATCH", "/v1/accounts/alice", { ndr: { choice: "refuse" } }, key);
  const before = await entries(api);
  const { id: entry, requestId, ...newest } = before[0];
  assertEquals([typeof entry, requestId.length], ["string", 32]);
  assertEquals(newest, {
    at: "2026-11-23T12:00:01Z",
    who: "key",
    key: { id, label: "website" },
    method: "PATCH",
    path: "/v1/accounts/alice",
    account: "alice",
    status: 200,
  });
  assertEquals(shown(before.slice(1)), [
    ["POST", "/v1/accounts/alice/keys", "alice", 201],
    ["POST", "/v1/accounts", null, 201],
  ]);
  assertEquals([before[1].who, before[1].key], ["operator", null]);
  assertEquals(await entries(api), before, "looking is not recorded");
});

Deno.test("audit: its request id is that of the answer", async () => {
  await using api = await startControlPlane();
  const { headers } = await api.account("alice");
  assertEquals((await entries(api))[0].requestId, headers.get("x-request-id"));
});

Deno.test("audit: what is refused or fails is recorded as well; what has no valid token is not", async () => {
  await using api = await startControlPlane();
  for (const name of ["alice", "bob"]) await api.account(name);
  const { key } = (await api.request("POST", "/v1/accounts/alice/keys", { label: "x" })).body;
  const since = (await entries(api)).length;
  await api.request("DELETE", "/v1/accounts/bob/domains/example.com", undefined, key);
  await api.request("POST", "/v1/accounts/alice/blocks", { quantity: 1 }, key);
  await api.request("POST", "/v1/accounts/alice/domains", { nonsense: 1 });
  await api.request("PATCH", "/v1/policy", { active: "0".repeat(64) });
  await api.request("POST", "/v1/accounts", { username: "eve" }, "nonsense");
  const items = await entries(api);
  assertEquals(shown(items.slice(0, items.length - since)), [
    ["PATCH", "/v1/policy", null, 404],
    ["POST", "/v1/accounts/alice/domains", "alice", 400],
    ["POST", "/v1/accounts/alice/blocks", "alice", 403],
    ["DELETE", "/v1/accounts/bob/domains/example.com", "bob", 404],
  ]);
});

Deno.test("audit: the entry is there before the change is made", async () => {
  await using api = await startControlPlane({ passwordCost: SLOW });
  await api.account("alice");
  const path = "/v1/accounts/alice/password";
  // Its hash takes longer than the looks at the log.
  const change = api.request("PUT", path, { password: "new horse" });
  let [newest] = await entries(api);
  while (newest.path !== path) [newest] = await entries(api);
  assertEquals(newest.status, null);
  await change;
  assertEquals(shown(await entries(api))[0], ["PUT", path, "alice", 204]);
});

Deno.test("audit: no password, key or query is in it", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const { key } = (await api.request("POST", "/v1/accounts/alice/keys", { label: "x" })).body;
  await api.request("DELETE", "/v1/accounts/alice/suppressions?address=friend@example.net");
  const all = JSON.stringify(await entries(api));
  for (const secret of [PASSWORD, key, ADMIN, "friend"]) assert(!all.includes(secret), secret);
});

Deno.test("audit: by account and time, page by page", async () => {
  await using api = await startControlPlane();
  for (const name of ["alice", "bob"]) {
    await api.account(name);
    await api.request("PATCH", `/v1/accounts/${name}`, { status: "suspended" });
    api.clock.now += 1000;
  }
  assertEquals(shown(await entries(api, "?account=bob")), [["PATCH", "/v1/accounts/bob", "bob", 200]]);
  assertEquals((await entries(api, "?since=2026-11-23T12:00:01Z")).length, 2);
  assertEquals((await entries(api, "?until=2026-11-23T12:00:01Z")).length, 2);
  const first = (await api.request("GET", "/v1/audit?limit=3")).body;
  const second = (await api.request("GET", `/v1/audit?limit=3&cursor=${first.next}`)).body;
  assertEquals([first.items.length, second.items.length, second.next], [3, 1, null]);
});

Deno.test("audit: entries are kept for 400 days", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  api.clock.now = NOON + 400 * 86_400_000;
  await api.account("bob");
  const open = new AbortController().signal;
  await api.prune(open);
  assertEquals((await entries(api)).length, 2);
  api.clock.now += 1;
  await api.prune(open);
  assertEquals(shown(await entries(api)).length, 1);
});
