import { OpenAPIHono } from "@hono/zod-openapi";
import { assertEquals, assertThrows } from "@std/assert";
import { type Access, decide, type Principal, type Scope, shownAccount, type Verdict } from "../../api/access.ts";
import { assertDeclared } from "../../api/declared_routes.ts";
import type { ApiEnv } from "../../api/principal.ts";
import { createRoute, createRouter } from "../../api/routes/router.ts";

const OPERATOR: Principal = { kind: "operator" };
const keyWith = (...scopes: Scope[]): Principal => ({ kind: "key", id: "k1", label: "x", username: "alice", scopes });

Deno.test("access: what a key may, by what the route declares and whose account it is", () => {
  const rows: [Access, account: string | undefined, read: Verdict, manage: Verdict][] = [
    ["read", "alice", "allowed", "allowed"],
    ["manage", "alice", "scope-missing", "allowed"],
    ["operator", "alice", "operator-only", "operator-only"],
    ["operator", undefined, "operator-only", "operator-only"],
    ["read own", undefined, "allowed", "allowed"],
    ["read", "bob", "not-found", "not-found"],
    ["manage", "bob", "not-found", "not-found"],
    ["operator", "bob", "not-found", "not-found"],
    ["anyone", undefined, "allowed", "allowed"],
  ];
  for (const [access, account, read, manage] of rows) {
    assertEquals(decide(keyWith("read"), access, account), read, `${access} ${account}`);
    assertEquals(decide(keyWith("manage"), access, account), manage, `${access} ${account}`);
    assertEquals(decide(keyWith("read", "manage"), access, account), manage, `${access} ${account}`);
    assertEquals(decide(OPERATOR, access, account), "allowed", `${access} ${account}`);
  }
  assertEquals(decide(keyWith(), "read", "alice"), "scope-missing");
});

Deno.test("access: whose things are shown", () => {
  assertEquals(shownAccount(OPERATOR, undefined), undefined);
  assertEquals(shownAccount(OPERATOR, "bob"), "bob");
  assertEquals(shownAccount(keyWith("read"), undefined), "alice");
  assertEquals(shownAccount(keyWith("read"), "alice"), "alice");
  assertEquals(shownAccount(keyWith("read"), "bob"), null);
});

Deno.test("access: a route for a scope without an account in its path cannot be made", () => {
  const route = { access: "manage", method: "post", path: "/things", responses: {} } as const;
  assertThrows(() => createRoute(route), Error, "needs {username} in its path");
});

Deno.test("access: the start fails for a route that does not say who may use it", () => {
  const router = () =>
    createRouter().openapi(
      createRoute({ access: "operator", method: "get", path: "/v1/things", responses: { 204: { description: "" } } }),
      (c) => c.body(null, 204),
    );
  assertDeclared(router());
  const bare: OpenAPIHono<ApiEnv> = router();
  bare.get("/v1/others", () => new Response());
  assertThrows(() => assertDeclared(bare), Error, "GET /v1/others");
});
