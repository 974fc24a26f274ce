import { assert, assertEquals } from "@std/assert";
import { ADMIN, RELAY, startControlPlane } from "./control_plane.ts";

/** Pages for people: open to all, and no part of the API's document. */
const isPage = (path: string): boolean => /^\/(docs|help)(\/|$)/.test(path);

Deno.test("access: every route of nodes answers the relay token, and 401 to none, to nonsense and to other tokens", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const { key } = (await api.request("POST", "/v1/accounts/alice/keys", { label: "x", scopes: ["manage"] })).body;
  const routes = api.app.routes.filter(({ method, path }) => method !== "ALL" && path.startsWith("/v1/node/"));
  assert(routes.length > 10);
  for (const { method, path } of routes) {
    const url = path.replaceAll(/:\w+/g, "x");
    const ask = async (token: string | null) => {
      const headers: HeadersInit = token === null ? {} : { authorization: `Bearer ${token}` };
      const response = await api.app.request(url, { method, headers });
      await response.body?.cancel();
      return response.status;
    };
    assert(await ask(RELAY) !== 401 || path === "/v1/node/login", `${method} ${path} with its token`);
    for (const token of [null, "", "nonsense", ADMIN, key]) {
      assertEquals(await ask(token), 401, `${method} ${path} with ${token}`);
    }
  }
});

Deno.test("access: a 401 says how to authenticate", async () => {
  await using api = await startControlPlane();
  const refused = await api.request("GET", "/v1/accounts", undefined, "nonsense");
  assertEquals(refused.headers.get("www-authenticate"), 'Bearer error="invalid_token"');
  const without = await api.app.request("/v1/accounts");
  assertEquals([without.status, without.headers.get("www-authenticate")], [401, "Bearer"]);
  assertEquals(refused.body.type, "/problems/unauthorized");
});

Deno.test("access: what does not exist is 404 as problem details", async () => {
  await using api = await startControlPlane();
  assertEquals((await api.request("GET", "/v1/nothing")).body.type, "/problems/not-found");
  assertEquals((await api.request("GET", "/v1/node/nothing", undefined, RELAY)).status, 404);
});

Deno.test("access: a method that a path does not take is 405, with those that it does; no token comes first", async () => {
  await using api = await startControlPlane();
  const ask = (method: string, path: string, token = ADMIN) => api.request(method, path, undefined, token);
  const { status, headers, body } = await ask("PUT", "/v1/accounts/alice/blocks");
  assertEquals([status, headers.get("allow")], [405, "POST, GET, HEAD"]);
  assertEquals(headers.get("content-type"), "application/problem+json");
  assertEquals([body.type, body.detail], [
    "/problems/method-not-allowed",
    "/v1/accounts/alice/blocks takes POST, GET, HEAD",
  ]);
  assertEquals((await ask("POST", "/healthz", "")).headers.get("allow"), "GET, HEAD");
  assertEquals((await ask("GET", "/v1/accounts/alice")).status, 404, "that of an account that there is not");
  assertEquals((await ask("PUT", "/v1/accounts/alice/blocks", "")).status, 401);
});

Deno.test("health: alive without a token; ready only while everything is", async () => {
  const troubles: { spool: string | null } = { spool: null };
  await using api = await startControlPlane({ readiness: () => Promise.resolve({ ...troubles }) });
  assertEquals((await api.request("GET", "/healthz", undefined, "")).body, { status: "ok" });
  const ready = await api.request("GET", "/readyz", undefined, "");
  assertEquals([ready.status, ready.body], [200, { status: "ready", checks: { database: "ok", spool: "ok" } }]);
  troubles.spool = "disk full";
  const not = await api.request("GET", "/readyz", undefined, "");
  assertEquals([not.status, not.body.checks], [503, { database: "ok", spool: "disk full" }]);
});

Deno.test("OpenAPI: the document names every public route, with its answers and problems", async () => {
  await using api = await startControlPlane();
  const { status, body } = await api.request("GET", "/v1/openapi.json", undefined, "");
  assertEquals(status, 200);
  assertEquals(body.openapi, "3.1.0");
  const documented = Object.entries(body.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map((method) => `${method} ${path}`)
  );
  const served = api.app.routes
    .filter(({ method, path }) => method !== "ALL" && !path.startsWith("/v1/node/") && path !== "/v1/openapi.json")
    .filter(({ path }) => !isPage(path))
    .map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
  assertEquals(documented.toSorted(), [...new Set(served)].toSorted());
  const buy = body.paths["/v1/accounts/{username}/blocks"].post;
  assertEquals(Object.keys(buy.responses), ["201", "400", "401", "403", "404", "409", "413", "415", "422", "429"]);
  assert(buy.responses["404"].content["application/problem+json"]);
  const { active, shadow } = body.paths["/v1/policy"].patch.requestBody.content["application/json"].schema.properties;
  assertEquals([active.type, shadow.type], ["string", ["string", "null"]]);
  assertEquals(Object.keys(body.paths["/v1/policy"].put.requestBody.content), ["application/wasm"]);
  assertEquals(body.components.securitySchemes.bearer, { type: "http", scheme: "bearer" });
});
