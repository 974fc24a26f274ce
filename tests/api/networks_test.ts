import { assertEquals } from "@std/assert";
import { keysAround, parseNetwork } from "../../api/cidr.ts";
import { RELAY, startControlPlane, type TestControlPlane } from "./control_plane.ts";

const add = (api: TestControlPlane, username: string, cidr: string, force?: boolean) =>
  api.request("POST", `/v1/accounts/${username}/networks`, { cidr, force });

const ownerOf = async (api: TestControlPlane, address: string): Promise<string | null> =>
  (await api.request("GET", `/v1/node/networks/${encodeURIComponent(address)}`, undefined, RELAY)).body.account
    ?.username ?? null;

Deno.test("networks: added, listed, removed", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const added = await add(api, "alice", "192.0.2.7/32");
  assertEquals([added.status, added.body], [201, { cidr: "192.0.2.7/32", createdAt: "2026-11-23T12:00:00Z" }]);
  assertEquals((await api.request("GET", "/v1/accounts/alice/networks")).body.items, [added.body]);
  assertEquals(await ownerOf(api, "192.0.2.7"), "alice");
  const remove = async () => (await api.request("DELETE", "/v1/accounts/alice/networks?cidr=192.0.2.7/32")).status;
  assertEquals(await remove(), 204);
  assertEquals(await remove(), 404);
  assertEquals(await ownerOf(api, "192.0.2.7"), null);
});

Deno.test("networks: the longest match wins, and the same network twice is 409 whoever asks", async () => {
  await using api = await startControlPlane();
  for (const name of ["alice", "bob"]) await api.account(name);
  assertEquals((await add(api, "alice", "192.0.2.0/24")).status, 201);
  assertEquals((await add(api, "bob", "192.0.2.128/25")).status, 201);
  const taken = await add(api, "bob", "192.0.2.0/24");
  assertEquals([taken.status, taken.body.detail.split(":")[0]], [409, "alice has 192.0.2.0/24"]);
  const own = await add(api, "alice", "192.0.2.0/24");
  assertEquals([own.status, own.body.detail], [409, "alice has 192.0.2.0/24 already"]);
  assertEquals(await ownerOf(api, "192.0.2.127"), "alice");
  assertEquals(await ownerOf(api, "192.0.2.128"), "bob");
  assertEquals(await ownerOf(api, "192.0.3.1"), null);
});

Deno.test("networks: wider than /24, or /48 for IPv6, needs force", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  for (const cidr of ["10.0.0.0/23", "0.0.0.0/0", "2001:db8::/47", "::/0"]) {
    const refused = await add(api, "alice", cidr);
    assertEquals([refused.status, refused.body.type], [422, "/problems/network-too-wide"]);
    assertEquals((await add(api, "alice", cidr, true)).status, 201);
  }
  assertEquals((await add(api, "alice", "2001:db8::/48")).status, 201);
});

Deno.test("networks: an IPv4-mapped address is the IPv4 address", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  assertEquals((await add(api, "alice", "::ffff:192.0.2.7/128")).body.cidr, "192.0.2.7/32");
  assertEquals((await add(api, "alice", "192.0.2.7")).status, 409);
  assertEquals(await ownerOf(api, "::ffff:192.0.2.7"), "alice");
  assertEquals(await ownerOf(api, "::ffff:c000:207"), "alice");
});

Deno.test("networks: IPv6 in any writing", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  assertEquals((await add(api, "alice", "2001:DB8:0:0::/64")).body.cidr, "2001:db8::/64");
  assertEquals(await ownerOf(api, "2001:0db8:0000:0000:1::1"), "alice");
  assertEquals(await ownerOf(api, "2001:db8:0:1::1"), null);
  assertEquals((await api.request("GET", "/v1/node/networks/nowhere", undefined, RELAY)).status, 400);
});

Deno.test("networks: of nobody are not found", async () => {
  await using api = await startControlPlane();
  assertEquals((await add(api, "alice", "192.0.2.7/32")).status, 404);
  assertEquals((await api.request("GET", "/v1/accounts/alice/networks")).status, 404);
});

Deno.test("parseNetwork: says what was expected", () => {
  const words = (text: string) => {
    const parsed = parseNetwork(text);
    return typeof parsed === "string" ? parsed : null;
  };
  assertEquals(words("192.0.2.7/33"), "expected a prefix length of 0 to 32");
  assertEquals(words("192.0.2.7/24"), "expected the network's first address: 192.0.2.0/24");
  assertEquals(words("2001:db8::1/64"), "expected the network's first address: 2001:db8::/64");
  const form = "expected an IPv4 or IPv6 network such as 192.0.2.7/32 or 2001:db8::/48";
  for (const text of ["", "example.com", "192.0.2", "fe80::1%eth0", "192.0.2.7/32/1"]) assertEquals(words(text), form);
  for (const text of ["192.0.2.7/", "192.0.2.7/-1", "::/129"]) assertEquals(typeof words(text), "string");
});

Deno.test("keysAround: from the address itself to the widest network, IPv4 apart from IPv6", () => {
  const keys = keysAround("192.0.2.7") ?? [];
  assertEquals([keys.length, keys[0], keys.at(-1)], [
    33,
    "00000000000000000000ffffc0000207/128",
    "00000000000000000000ffff00000000/96",
  ]);
  assertEquals(keysAround("2001:db8::1")?.length, 129);
  assertEquals(keysAround("::1%lo"), null);
});
