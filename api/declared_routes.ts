/** Keeps that each route of the public API says who may use it: one that does not ends the start. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Access } from "./access.ts";
import type { ApiEnv } from "./principal.ts";
import { ACCESS } from "./routes/router.ts";

export interface DeclaredRoute {
  /** In capitals. */
  readonly method: string;
  /** As Hono writes it: "/v1/accounts/:username". */
  readonly path: string;
  readonly access: Access;
}

/** Answers whoever asks, and is no route of its own document. */
const DOCUMENT = "/v1/openapi.json";

export const declaredRoutes = (app: OpenAPIHono<ApiEnv>): DeclaredRoute[] =>
  app.openAPIRegistry.definitions.flatMap((definition) => {
    if (definition.type !== "route") return [];
    const { method, path, [ACCESS]: access } = definition.route as typeof definition.route & { [ACCESS]?: Access };
    if (access === undefined) return [];
    return [{ method: method.toUpperCase(), path: path.replaceAll(/\{(\w+)\}/g, ":$1"), access }];
  });

/** @throws Error that names the routes without a declaration. */
export const assertDeclared = (app: OpenAPIHono<ApiEnv>): void => {
  const declared = new Set(declaredRoutes(app).map(({ method, path }) => `${method} ${path}`));
  const undeclared = app.routes
    // Middleware stands under ALL; a node's routes are behind the relay token as one.
    .filter(({ method, path }) => method !== "ALL" && path.startsWith("/v1/") && !path.startsWith("/v1/node/"))
    .map(({ method, path }) => `${method} ${path}`)
    .filter((route) => !declared.has(route) && route !== `GET ${DOCUMENT}`);
  if (undeclared.length > 0) {
    throw new Error(`no access is declared (make them with createRoute of router.ts): ${undeclared.join(", ")}`);
  }
};
