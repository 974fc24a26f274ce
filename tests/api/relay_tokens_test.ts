import { assertEquals, assertMatch } from "@std/assert";
import { ADMIN, MINUTE_MS, RELAY, startControlPlane, type TestControlPlane } from "./control_plane.ts";

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
