/** /healthz says that the process answers; /readyz whether it can do its work, and if not, what is missing. */
import { z } from "@hono/zod-openapi";
import { createRoute, createRouter, json } from "./router.ts";

/** What must work, by name: null, or words for the trouble. */
export type Readiness = () => Promise<Record<string, string | null>>;

const readySchema = z.object({
  status: z.enum(["ready", "not ready"]),
  checks: z.record(z.string(), z.string()).openapi({ example: { database: "ok", spool: "ok" } }),
});

const healthz = createRoute({
  access: "anyone",
  method: "get",
  path: "/healthz",
  summary: "Is the process alive?",
  security: [],
  responses: { 200: json(z.object({ status: z.literal("ok") }), "It is") },
});

const readyz = createRoute({
  access: "anyone",
  method: "get",
  path: "/readyz",
  summary: "Can it do its work?",
  security: [],
  responses: { 200: json(readySchema, "It can"), 503: json(readySchema, "It cannot: the checks say why") },
});

export const healthRoutes = (readiness: Readiness) =>
  createRouter()
    .openapi(healthz, (c) => c.json({ status: "ok" } as const, 200))
    .openapi(readyz, async (c) => {
      const troubles = Object.entries(await readiness());
      const checks = Object.fromEntries(troubles.map(([name, trouble]) => [name, trouble ?? "ok"]));
      const ready = troubles.every(([, trouble]) => trouble === null);
      return ready
        ? c.json({ status: "ready", checks } as const, 200)
        : c.json({ status: "not ready", checks } as const, 503);
    });
