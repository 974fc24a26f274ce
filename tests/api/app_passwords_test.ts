import { assert, assertEquals, assertMatch } from "@std/assert";
import { postAtOnce } from "./at_once.ts";
import { MINUTE_MS, PASSWORD, startControlPlane, type TestControlPlane } from "./control_plane.ts";

const make = async (api: TestControlPlane, username: string, label: string) =>
  (await api.request("POST", `/v1/accounts/${username}/passwords`, { label })).body;

const login = (api: TestControlPlane, username: string, password: string, address = "192.0.2.1") =>
  api.nodeCall("login", { username, password, address });

const list = async (api: TestControlPlane, username: string) =>
  (await api.request("GET", `/v1/accounts/${username}/passwords`)).body.items;

Deno.test("app passwords: one is shown once, and logs in beside the others and the account's own", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const { password, ...phone } = await make(api, "alice", "phone");
  assertMatch(password, /^([0-9a-f]{8}-){3}[0-9a-f]{8}$/);
  const facts = { label: "phone", createdAt: "2026-11-23T12:00:00Z", lastUsedAt: null, lastUsedFrom: null };
  assertEquals(phone, { id: phone.id, ...facts });
  assertEquals(await list(api, "alice"), [phone]);
  const laptop = await make(api, "alice", "laptop");
  for (const each of [password, laptop.password, PASSWORD]) {
    const { status, body } = await login(api, "alice", each);
    assertEquals([status, body.account.username], [200, "alice"]);
  }
});

Deno.test("app passwords: what does not hold is answered the same, whatever passwords an account has", async () => {
  await using api = await startControlPlane();
  for (const name of ["alice", "bob"]) await api.account(name);
  const { password } = await make(api, "alice", "phone");
  const wrong = [
    await login(api, "alice", password.slice(0, -1)),
    await login(api, "alice", password.replaceAll("-", "")),
    await login(api, "bob", password),
    await login(api, "bob", "wrong horse"),
    await login(api, "nobody", password),
  ];
  for (const { status, body } of wrong) {
    assertEquals(status, 401);
    assertEquals(body, wrong[0]!.body);
  }
});

Deno.test("app passwords: a revoked one logs in no more, the others do", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const [phone, laptop] = [await make(api, "alice", "phone"), await make(api, "alice", "laptop")];
  const path = `/v1/accounts/alice/passwords/${phone.id}`;
  assertEquals((await api.request("DELETE", path)).status, 204);
  assertEquals((await login(api, "alice", phone.password)).status, 401);
  assertEquals((await login(api, "alice", laptop.password)).status, 200);
  assertEquals((await login(api, "alice", PASSWORD)).status, 200);
  assertEquals((await api.request("DELETE", path)).status, 404);
});

Deno.test("app passwords: the last use is known to the minute, with the client's address", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const { password } = await make(api, "alice", "phone");
  const use = async (address: string) => {
    await login(api, "alice", password, address);
    const [{ lastUsedAt, lastUsedFrom }] = await list(api, "alice");
    return [lastUsedAt, lastUsedFrom];
  };
  assertEquals(await use("192.0.2.1"), ["2026-11-23T12:00:00Z", "192.0.2.1"]);
  api.clock.now += MINUTE_MS - 1;
  assertEquals(await use("192.0.2.2"), ["2026-11-23T12:00:00Z", "192.0.2.1"]);
  api.clock.now += 1;
  assertEquals(await use("2001:db8::1"), ["2026-11-23T12:01:00Z", "2001:db8::1"]);
});

Deno.test("app passwords: an account has at most a hundred, and nobody has none", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  for (let n = 0; n < 100; n++) assert((await make(api, "alice", "x")).id);
  const more = await api.request("POST", "/v1/accounts/alice/passwords", { label: "x" });
  assertEquals([more.status, more.body.type], [409, "/problems/limit-reached"]);
  assertEquals((await api.request("POST", "/v1/accounts/bob/passwords", { label: "x" })).status, 404);
  assertEquals((await api.request("GET", "/v1/accounts/bob/passwords")).status, 404);
});

Deno.test("app passwords: no more than a hundred, be they asked for at the same time", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const bodies = Array.from({ length: 130 }, () => ({ label: "x" }));
  assertEquals(await postAtOnce(api, "/v1/accounts/alice/passwords", bodies), { 201: 100, 409: 30 });
});
