import { assert, assertEquals } from "@std/assert";
import { ADMIN, RELAY, startControlPlane } from "./control_plane.ts";

/** Routes that answer whoever asks. */
const OPEN = ["/healthz", "/readyz", "/v1/openapi.json"];
/** Pages for people: open as well, and no part of the API's document. */
const isPage = (path: string): boolean => path === "/docs" || /^\/help(\/|$)/.test(path);

const tokensOf = (path: string): { right: string | null; wrong: string } => {
  if (OPEN.includes(path) || isPage(path)) return { right: null, wrong: "nonsense" };
  return path.startsWith("/v1/node/") ? { right: RELAY, wrong: ADMIN } : { right: ADMIN, wrong: RELAY };
};

Deno.test("access: every route answers its own token, and 401 to none, to nonsense and to the other token", async () => {
  await using api = await startControlPlane();
  const routes = api.app.routes.filter(({ method, path }) => method !== "ALL" && path !== "/*");
  assert(routes.length > 20);
  for (const { method, path } of routes) {
    const url = path.replaceAll(/:\w+/g, "x");
    const ask = async (token: string | null) => {
      const headers: HeadersInit = token === null ? {} : { authorization: `Bearer ${token}` };
      const response = await api.app.request(url, { method, headers });
      await response.body?.cancel();
      return response.status;
    };
    const { right, wrong } = tokensOf(path);
    assert(await ask(right) !== 401 || path === "/v1/node/login", `${method} ${path} with its token`);
    if (right === null) continue;
    for (const token of [null, "", "nonsense", wrong]) {
      assertEquals(await ask(token), 401, `${method} ${path} with ${token}`);
    }
  }
});

Deno.test("access: a 401 says how to authenticate", async () => {
  await using api = await startControlPlane();
  const refused = await api.request("GET", "/v1/accounts", undefined, "nonsense");
  assertEquals(refused.headers.get("www-authenticate"), "Bearer");
  assertEquals(refused.body.type, "/problems/unauthorized");
});

Deno.test("access: what does not exist is 404 as problem details", async () => {
  await using api = await startControlPlane();
  assertEquals((await api.request("GET", "/v1/nothing")).body.type, "/problems/not-found");
  assertEquals((await api.request("GET", "/v1/node/nothing", undefined, RELAY)).status, 404);
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
  assertEquals(Object.keys(buy.responses), ["201", "400", "401", "404"]);
  assert(buy.responses["404"].content["application/problem+json"]);
  const { active, shadow } = body.paths["/v1/policy"].patch.requestBody.content["application/json"].schema.properties;
  assertEquals([active.type, shadow.type], ["string", ["string", "null"]]);
  assertEquals(Object.keys(body.paths["/v1/policy"].put.requestBody.content), ["application/wasm"]);
  assertEquals(body.components.securitySchemes.bearer, { type: "http", scheme: "bearer" });
});
