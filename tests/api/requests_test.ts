/** What is said of each request: its id, and how many more there may be. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { createRateLimit } from "../../api/rate_limit.ts";
import { ADMIN, MINUTE_MS, startControlPlane, type TestControlPlane } from "./control_plane.ts";

/** A request with a token from an address. */
const ask = async (
  api: TestControlPlane,
  token: string,
  hostname = "192.0.2.1",
  headers: Record<string, string> = {},
) => {
  const request = new Request("http://api.test/v1/accounts/alice", {
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
  const response = await api.app.fetch(request, { remoteAddr: { transport: "tcp", hostname, port: 1 } });
  await response.body?.cancel();
  return response;
};

Deno.test("request ids: one of ours for each, or the one that a proxy gave, if it is none to fear in a log", async () => {
  await using api = await startControlPlane();
  const idOf = async (headers: Record<string, string> = {}) =>
    (await ask(api, ADMIN, "192.0.2.1", headers)).headers.get("x-request-id")!;
  const [first, second] = [await idOf(), await idOf()];
  assertMatch(first, /^[0-9a-f]{32}$/);
  assertNotEquals(first, second);
  assertEquals(await idOf({ "x-request-id": "proxy-4711" }), "proxy-4711");
  for (const bad of ["x".repeat(65), "a b", "a{}"]) assertNotEquals(await idOf({ "x-request-id": bad }), bad);
});

Deno.test("rate: a key is told what is left to its account, refused beyond, and let through in the next window", async () => {
  await using api = await startControlPlane();
  for (const name of ["alice", "bob"]) await api.account(name);
  const newKey = async (name: string) =>
    (await api.request("POST", `/v1/accounts/${name}/keys`, { label: "x", scopes: ["manage"] })).body.key;
  const [key, another, bobs] = [await newKey("alice"), await newKey("alice"), await newKey("bob")];
  const first = await ask(api, key);
  assertEquals(first.headers.get("ratelimit-policy"), '"requests";q=600;w=60');
  assertEquals(first.headers.get("ratelimit"), '"requests";r=599;t=60');
  api.clock.now += 1500;
  for (let n = 2; n <= 600; n++) assertEquals((await ask(api, key)).status, 200);
  const over = await ask(api, another);
  assertEquals(
    [over.status, over.headers.get("retry-after"), over.headers.get("ratelimit")],
    [429, "59", '"requests";r=0;t=59'],
  );
  assertEquals((await ask(api, bobs)).status, 404);
  assertEquals((await ask(api, ADMIN)).status, 200);
  api.clock.now += MINUTE_MS;
  assertEquals((await ask(api, key)).status, 200);
});

Deno.test("rate: changes are counted apart, and one beyond changes nothing", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const { key } = (await api.request("POST", "/v1/accounts/alice/keys", { label: "x", scopes: ["manage"] })).body;
  const choose = (choice: string) => api.request("PUT", "/v1/accounts/alice/suppressions/choice", { choice }, key);
  for (let n = 0; n < 60; n++) assertEquals((await choose("refuse")).status, 200);
  const over = await choose("off");
  assertEquals([over.status, over.headers.get("ratelimit-policy")], [429, '"changes";q=60;w=60']);
  const { body } = await api.request("GET", "/v1/accounts/alice/suppressions/choice", undefined, key);
  assertEquals(body, { choice: "refuse" });
});

Deno.test("rate: failed tokens of one site are 429 after twenty; a valid token from there still passes", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  for (let n = 0; n < 20; n++) assertEquals((await ask(api, `mhk_${n}`)).status, 401);
  assertEquals((await ask(api, "mhk_20")).status, 429);
  assertEquals((await ask(api, ADMIN)).status, 200);
  assertEquals((await ask(api, "mhk_21", "192.0.2.2")).status, 401);
  // A site of IPv6 is a /64.
  for (let n = 0; n < 20; n++) await ask(api, "nonsense", `2001:db8::${n}`);
  assertEquals((await ask(api, "nonsense", "2001:db8:0:0:ffff::1")).status, 429);
  assertEquals((await ask(api, "nonsense", "2001:db8:0:1::1")).status, 401);
  api.clock.now += MINUTE_MS;
  assertEquals((await ask(api, "mhk_22")).status, 401);
});

Deno.test("rate: a clock that is set back begins a new window", () => {
  const count = createRateLimit({ name: "x", quota: 1, windowSeconds: 60 });
  assertEquals(count("a", 1_000_000).allowed, true);
  assertEquals(count("a", 1_000_001).allowed, false);
  assertEquals(count("a", 0), {
    allowed: true,
    resetSeconds: 60,
    headers: { "ratelimit-policy": '"x";q=1;w=60', "ratelimit": '"x";r=0;t=60' },
  });
});

Deno.test("bodies: of another type, of none, and longer than any request are refused, as the document says", async () => {
  await using api = await startControlPlane();
  const { paths } = (await api.request("GET", "/v1/openapi.json")).body;
  const post = async (type: string, body: string) => {
    const headers = { authorization: `Bearer ${ADMIN}`, "content-type": type };
    return (await api.app.request("/v1/accounts", { method: "POST", headers, body })).status;
  };
  const account = JSON.stringify({ username: "alice", password: "correct horse" });
  for (const type of ["text/plain", "application/xml", "nonsense", ""]) {
    assertEquals(await post(type, account), 415, type);
  }
  assertEquals(await post("application/json", `"${"x".repeat(64 * 1024)}"`), 413);
  assertEquals(await post("application/json; charset=utf-8", account), 201);
  for (const status of ["413", "415"]) assert(status in paths["/v1/accounts"].post.responses, status);
  assertEquals(api.errors, []);
});

Deno.test("labels: what the document says of them is a pattern that they match", async () => {
  await using api = await startControlPlane();
  const { components } = (await api.request("GET", "/v1/openapi.json")).body;
  const pattern = new RegExp(components.schemas.ApiKey.properties.label.pattern, "u");
  assertEquals([pattern.test("Büro 1"), pattern.test("a\nb")], [true, false]);
});
