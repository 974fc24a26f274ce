import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { postAtOnce } from "./at_once.ts";
import { MINUTE_MS, startControlPlane, type TestControlPlane } from "./control_plane.ts";

const keyOf = async (api: TestControlPlane, username: string, scopes?: string[]): Promise<string> =>
  (await api.request("POST", `/v1/accounts/${username}/keys`, { label: "a program", scopes })).body.key;

const status = async (api: TestControlPlane, method: string, path: string, token: string, body?: unknown) =>
  (await api.request(method, path, body, token)).status;

Deno.test("API keys: one is shown once, and listed without itself", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const made = await api.request("POST", "/v1/accounts/alice/keys", { label: "monitoring" });
  assertEquals(made.status, 201);
  const { key, ...shown } = made.body;
  assertMatch(key, /^mhk_[0-9a-f]{32}$/);
  assertMatch(shown.id, /^[0-9A-Z]{26}$/);
  assertEquals(shown, {
    ...{ id: shown.id, label: "monitoring", scopes: ["read"] },
    ...{ createdAt: "2026-11-23T12:00:00Z", lastUsedAt: null },
  });
  const listed = await api.request("GET", "/v1/accounts/alice/keys");
  assertEquals(listed.body, { items: [shown], next: null });
  assert(!JSON.stringify(listed.body).includes(key));
});

Deno.test("API keys: bounds of labels, scopes and number; keys of nobody", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const make = async (body: unknown) => (await api.request("POST", "/v1/accounts/alice/keys", body)).status;
  assertEquals(await make({ label: "" }), 400);
  assertEquals(await make({ label: "x".repeat(101) }), 400);
  assertEquals(await make({ label: "two\nlines" }), 400);
  assertEquals(await make({ label: "x", scopes: [] }), 400);
  assertEquals(await make({ label: "x", scopes: ["everything"] }), 400);
  for (let n = 0; n < 100; n++) assertEquals(await make({ label: "Büro ✓" }), 201);
  const more = await api.request("POST", "/v1/accounts/alice/keys", { label: "x" });
  assertEquals([more.status, more.body.type], [409, "/problems/limit-reached"]);
  assertEquals((await api.request("POST", "/v1/accounts/bob/keys", { label: "x" })).status, 404);
  assertEquals((await api.request("GET", "/v1/accounts/bob/keys")).status, 404);
});

Deno.test("API keys: no more than a hundred, be they asked for at the same time", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const bodies = Array.from({ length: 130 }, () => ({ label: "x" }));
  assertEquals(await postAtOnce(api, "/v1/accounts/alice/keys", bodies), { 201: 100, 409: 30 });
});

Deno.test("API keys: the database holds a hash, and the key nowhere", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await using api = await startControlPlane({ database: `${directory}/kept.db` });
    await api.account("alice");
    const key = await keyOf(api, "alice");
    for (const { name } of Deno.readDirSync(directory)) {
      const octets = await Deno.readFile(`${directory}/${name}`);
      assert(!new TextDecoder("latin1").decode(octets).includes(key.slice(4)), name);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("API keys: a revoked one is 401 at the next request", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const key = await keyOf(api, "alice");
  const [{ id }] = (await api.request("GET", "/v1/accounts/alice/keys", undefined, key)).body.items;
  assertEquals(await status(api, "DELETE", `/v1/accounts/alice/keys/${id}`, "operator-token"), 204);
  assertEquals(await status(api, "GET", "/v1/accounts/alice", key), 401);
  assertEquals(await status(api, "DELETE", `/v1/accounts/alice/keys/${id}`, "operator-token"), 404);
});

Deno.test("API keys: the last use is known to the minute", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const key = await keyOf(api, "alice");
  const use = async () => {
    await api.request("GET", "/v1/accounts/alice", undefined, key);
    return (await api.request("GET", "/v1/accounts/alice/keys")).body.items[0].lastUsedAt;
  };
  assertEquals(await use(), "2026-11-23T12:00:00Z");
  api.clock.now += MINUTE_MS - 1;
  assertEquals(await use(), "2026-11-23T12:00:00Z");
  api.clock.now += 1;
  assertEquals(await use(), "2026-11-23T12:01:00Z");
});

Deno.test("API keys: read looks at the account's own things, and changes nothing", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const key = await keyOf(api, "alice", ["read"]);
  for (const path of ["", "/quota", "/blocks", "/domains", "/suppressions", "/suppressions/choice", "/keys"]) {
    assertEquals(await status(api, "GET", `/v1/accounts/alice${path}`, key), 200, path);
  }
  const refused = await api.request("POST", "/v1/accounts/alice/domains", { domain: "example.com" }, key);
  assertEquals([refused.status, refused.body.type], [403, "/problems/scope-missing"]);
  assertEquals(refused.headers.get("www-authenticate"), 'Bearer error="insufficient_scope", scope="manage"');
  assertEquals(await status(api, "POST", "/v1/accounts/alice/keys", key, { label: "more", scopes: ["manage"] }), 403);
});

Deno.test("API keys: manage changes what is a customer's to change", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const key = await keyOf(api, "alice", ["manage"]);
  const ask = (method: string, path: string, body?: unknown) =>
    status(api, method, `/v1/accounts/alice${path}`, key, body);
  assertEquals(await ask("GET", ""), 200);
  assertEquals(await ask("PATCH", "", { ndr: { choice: "refuse" } }), 200);
  assertEquals(await ask("POST", "/domains", { domain: "example.com" }), 201);
  assertEquals(await ask("DELETE", "/domains/example.com"), 204);
  assertEquals(await ask("PUT", "/suppressions/choice", { choice: "off" }), 200);
  assertEquals(await ask("PUT", "/password", { password: "another horse" }), 204);
  assertEquals(await ask("POST", "/keys", { label: "more" }), 201);
});

Deno.test("API keys: what is the operator's is 403, be the scope what it may", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const key = await keyOf(api, "alice", ["read", "manage"]);
  const tries: [string, string, unknown?][] = [
    ["GET", "/v1/accounts"],
    ["POST", "/v1/accounts", { username: "eve", password: "long enough" }],
    ["PATCH", "/v1/accounts/alice", { status: "active" }],
    ["PATCH", "/v1/accounts/alice", { status: "active", ndr: { choice: "refuse" } }],
    ["POST", "/v1/accounts/alice/blocks", { quantity: 1000 }],
    ["DELETE", "/v1/accounts/alice/blocks/x"],
    ["POST", "/v1/accounts/alice/networks", { cidr: "192.0.2.7/32" }],
    ["GET", "/v1/accounts/alice/networks"],
    ["POST", "/v1/accounts/alice/brake/release", {}],
    ["GET", "/v1/policy"],
    ["PATCH", "/v1/policy/parameters", { maxRecipients: 1 }],
    ["GET", "/v1/policy/decisions"],
  ];
  for (const [method, path, body] of tries) {
    const { status, body: { type } } = await api.request(method, path, body, key);
    assertEquals([status, type], [403, "/problems/operator-only"], `${method} ${path}`);
  }
  assertEquals((await api.request("GET", "/v1/accounts/alice")).body.ndr.choice, "count");
});

Deno.test("API keys: another account is answered as one that does not exist, to the letter", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  await api.account("bob");
  const key = await keyOf(api, "alice", ["manage"]);
  await api.request("POST", "/v1/accounts/bob/domains", { domain: "example.com" });
  const ask = async (method: string, path: string, body?: unknown) => {
    const of = async (username: string) => {
      const { status, headers, body: answer } = await api.request(method, `/v1/accounts/${username}${path}`, body, key);
      return { status, answer, type: headers.get("content-type"), challenge: headers.get("www-authenticate") };
    };
    const [theirs, nobodys] = [await of("bob"), await of("nobody")];
    assertEquals(theirs.status, 404, `${method} ${path}`);
    assertEquals(theirs, nobodys, `${method} ${path}`);
  };
  await ask("GET", "");
  await ask("GET", "/quota");
  await ask("GET", "/domains/example.com");
  await ask("DELETE", "/domains/example.com");
  await ask("PATCH", "", { status: "suspended" });
  await ask("POST", "/blocks", { quantity: 1 });
  await ask("POST", "/keys", { label: "x" });
  // Before the body is looked at: what is wrong with it tells nothing either.
  await ask("PUT", "/password", { nonsense: true });
});

Deno.test("API keys: messages and notices are the account's own, whatever is asked for", async () => {
  await using api = await startControlPlane();
  for (const name of ["alice", "bob"]) {
    await api.account(name);
    const accepted = {
      ...{ id: `e-${name}`, messageId: `m-${name}`, account: name, at: api.clock.now, type: "accepted" },
      ...{ sender: `${name}@example.com`, recipients: ["x@example.net"], sizeBytes: 1, relays: 1 },
      ...{ messageIdField: "<same@example.com>", origin: null, policy: null },
    };
    await api.nodeCall("events", { items: [accepted] });
  }
  const key = await keyOf(api, "alice");
  const find = async (query: string) =>
    (await api.request("GET", `/v1/messages${query}`, undefined, key)).body.items.map((item: { id: string }) =>
      item.id
    );
  assertEquals(await find(""), ["m-alice"]);
  assertEquals(await find("?messageId=same@example.com"), ["m-alice"]);
  assertEquals(await find("?account=alice"), ["m-alice"]);
  assertEquals(await status(api, "GET", "/v1/messages?account=bob", key), 404);
  assertEquals(await find("?sender=bob@example.com"), []);
  assertEquals(await status(api, "GET", "/v1/messages/m-alice", key), 200);
  const theirs = await api.request("GET", "/v1/messages/m-bob", undefined, key);
  const nobodys = await api.request("GET", "/v1/messages/m-nobody", undefined, key);
  assertEquals([theirs.status, theirs.body], [404, nobodys.body]);
  assertEquals(await status(api, "GET", "/v1/notices?account=bob", key), 404);
});

Deno.test("API keys: two are never the same", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  assertNotEquals(await keyOf(api, "alice"), await keyOf(api, "alice"));
});
