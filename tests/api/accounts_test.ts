import { assertEquals, assertStringIncludes } from "@std/assert";
import { ADMIN, PASSWORD, RELAY, startControlPlane } from "./control_plane.ts";

Deno.test("accounts: one is created, shown and listed, without its password", async () => {
  await using api = await startControlPlane();
  const created = await api.request("POST", "/v1/accounts", {
    username: "alice",
    password: PASSWORD,
    email: "alice@example.com",
  });
  assertEquals(created.status, 201);
  const alice = {
    username: "alice",
    email: "alice@example.com",
    status: "active",
    ndr: { choice: "count", sharePercent: null },
    brakeReleasedUntil: null,
    noticeMail: true,
    createdAt: "2026-11-23T12:00:00Z",
  };
  assertEquals(created.body, alice);
  assertEquals((await api.request("GET", "/v1/accounts/alice")).body, alice);
  assertEquals((await api.request("GET", "/v1/accounts")).body, { items: [alice], next: null });
});

Deno.test("accounts: a taken username is 409", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const again = await api.account("alice");
  assertEquals(again.status, 409);
  assertEquals(again.headers.get("content-type"), "application/problem+json");
  assertEquals(again.body.type, "/problems/username-taken");
});

Deno.test("accounts: a list is paged by its cursor", async () => {
  await using api = await startControlPlane();
  for (const name of ["a", "b", "c"]) await api.account(name);
  const first = await api.request("GET", "/v1/accounts?limit=2");
  assertEquals(first.body.items.map((item: { username: string }) => item.username), ["a", "b"]);
  const second = await api.request("GET", `/v1/accounts?limit=2&cursor=${first.body.next}`);
  assertEquals(second.body.items.map((item: { username: string }) => item.username), ["c"]);
  assertEquals(second.body.next, null);
});

Deno.test("accounts: a refused request names each field and what was expected of it", async () => {
  await using api = await startControlPlane();
  const refused = await api.request("POST", "/v1/accounts", { username: "Alice!", password: "short", colour: "red" });
  assertEquals(refused.status, 400);
  const fields = refused.body.errors.map((error: { field: string }) => error.field);
  assertEquals(fields, ["username", "password", "colour"]);
  assertStringIncludes(refused.body.detail, "password: expected 8 to 256 octets");
  assertStringIncludes(refused.body.detail, "colour");
});

Deno.test("accounts: the bounds of usernames and passwords", async () => {
  await using api = await startControlPlane();
  const create = async (username: string, password: string) =>
    (await api.request("POST", "/v1/accounts", { username, password })).status;
  assertEquals(await create("a".repeat(64), PASSWORD), 201);
  assertEquals(await create("a".repeat(65), PASSWORD), 400);
  assertEquals(await create("", PASSWORD), 400);
  assertEquals(await create("a.b_c-1", "12345678"), 201);
  assertEquals(await create("b", "1234567"), 400);
  // Octets, not characters: each of these has two.
  assertEquals(await create("c", "é".repeat(128)), 201);
  assertEquals(await create("d", "é".repeat(129)), 400);
  // No path leads to these.
  for (const dots of [".", ".."]) assertEquals(await create(dots, PASSWORD), 400);
  assertEquals(await create("...", PASSWORD), 201);
  // No client could say them.
  for (const unsaid of ["1234\0 5678", "12345678\ud800"]) assertEquals(await create("e", unsaid), 400);
});

Deno.test("accounts: a body that is not JSON is 400, one that is too large is 413", async () => {
  await using api = await startControlPlane();
  assertEquals((await api.request("POST", "/v1/accounts", "{")).status, 400);
  const large = await api.request("POST", "/v1/accounts", { username: "a", password: "x".repeat(70_000) });
  assertEquals(large.status, 413);
  assertEquals(large.body.type, "/problems/body-too-large");
});

Deno.test("accounts: suspended and active again", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const facts = async () => (await api.request("GET", "/v1/node/accounts/alice", undefined, RELAY)).body.account;
  assertEquals((await api.request("PATCH", "/v1/accounts/alice", { status: "suspended" })).body.status, "suspended");
  assertEquals((await facts()).status, "suspended");
  assertEquals((await api.request("PATCH", "/v1/accounts/alice", { status: "active" })).status, 200);
  assertEquals((await facts()).status, "active");
  assertEquals((await api.request("PATCH", "/v1/accounts/bob", { status: "active" })).status, 404);
  assertEquals((await api.request("PATCH", "/v1/accounts/alice", { status: "gone" })).status, 400);
});

Deno.test("login: the account's facts for the right password, the same 401 for a wrong one and an unknown name", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const login = (username: string, password: string) =>
    api.nodeCall("login", { username, password, address: "192.0.2.1" });
  const right = await login("alice", PASSWORD);
  assertEquals(right.status, 200);
  assertEquals(right.body.account, {
    ...{ username: "alice", status: "active", day: "2026-11-23", used: 0, blocks: [] },
    ndr: { choice: "count", sharePercent: null },
    today: { recipients: 0, outcomes: 0, refused: 0 },
    habit: { days: 0, relays: 0, recipients: 0, refusedPercent: 0 },
    brakeReleasedUntil: null,
    suppresses: false,
  });
  const wrong = await login("alice", "wrong horse");
  const unknown = await login("nobody", PASSWORD);
  assertEquals([wrong.status, unknown.status], [401, 401]);
  assertEquals(wrong.body, unknown.body);
});

Deno.test("login: the new password holds once it is set, and the old one no longer", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  assertEquals((await api.request("PUT", "/v1/accounts/alice/password", { password: "new horse" })).status, 204);
  const login = async (password: string) =>
    (await api.nodeCall("login", { username: "alice", password, address: "192.0.2.1" })).status;
  assertEquals(await login("new horse"), 200);
  assertEquals(await login(PASSWORD), 401);
  assertEquals((await api.request("PUT", "/v1/accounts/bob/password", { password: PASSWORD })).status, 404);
});

Deno.test("accounts: a change with If-Match holds only for the version that was looked at", async () => {
  await using api = await startControlPlane();
  const created = await api.account("alice");
  const ask = async (method: string, path: string, body: unknown, ifMatch: string) => {
    const response = await api.app.request(path, {
      method,
      headers: { authorization: `Bearer ${ADMIN}`, "content-type": "application/json", "if-match": ifMatch },
      body: JSON.stringify(body),
    });
    await response.body?.cancel();
    return [response.status, response.headers.get("etag")];
  };
  const suspend = (ifMatch: string) => ask("PATCH", "/v1/accounts/alice", { status: "suspended" }, ifMatch);
  assertEquals(created.headers.get("etag"), '"1"');
  assertEquals((await api.request("GET", "/v1/accounts/alice")).headers.get("etag"), '"1"');
  assertEquals(await suspend('"1"'), [200, '"2"']);
  assertEquals(await suspend('"1"'), [412, null]);
  assertEquals(await suspend('W/"2"'), [412, null]);
  assertEquals(await suspend("nonsense"), [412, null]);
  assertEquals(await suspend('"1", "2"'), [200, '"3"']);
  assertEquals(await suspend("*"), [200, '"4"']);
  const password = (ifMatch: string) => ask("PUT", "/v1/accounts/alice/password", { password: "new horse" }, ifMatch);
  assertEquals(await password('"3"'), [412, null]);
  assertEquals(await password('"4"'), [204, '"5"']);
  assertEquals(await ask("PATCH", "/v1/accounts/bob", { status: "active" }, '"1"'), [404, null]);
});

Deno.test("accounts: of two changes to the same version at once, one holds", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const answers = await Promise.all(["count", "refuse"].map((choice) =>
    api.app.request("/v1/accounts/alice", {
      method: "PATCH",
      headers: { authorization: `Bearer ${ADMIN}`, "content-type": "application/json", "if-match": '"1"' },
      body: JSON.stringify({ ndr: { choice } }),
    })
  ));
  assertEquals(answers.map(({ status }) => status).toSorted(), [200, 412]);
});
