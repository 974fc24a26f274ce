/** /v1/policy: which module decides, which runs beside it, by which parameters; and how that is changed. */
import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import { ABI_VERSION, MAX_MODULE_OCTETS, moduleHash, OWN_HASH, reasonName } from "../../policy/mod.ts";
import { type PolicyControl, stateOf } from "../policy_control.ts";
import { problem, problemResponses } from "../problem.ts";
import { activeSince, lastGoodModule } from "../store/policy_changes.ts";
import { findComparisons } from "../store/policy_comparisons.ts";
import { listPolicyNodes } from "../store/policy_nodes.ts";
import type { Database, PolicyChangeRow } from "../store/schema.ts";
import { rfc3339 } from "../utc_day.ts";
import { moduleName, policySchema, showParameters } from "./policy_schema.ts";
import { createRoute, createRouter, json, jsonRequest } from "./router.ts";

/** A node that is silent for so long is not shown: each asks every second. */
const NODE_SHOWN_MS = 60_000;
/** What the operator's token changes is the operator's doing. */
export const OPERATOR = "operator";

const octets = (description: string) => ({
  description,
  content: { "application/wasm": { schema: z.string().openapi({ format: "binary" }) } },
});

const get = createRoute({
  access: "operator",
  method: "get",
  path: "/",
  summary: "Show which module decides, by which parameters, and what a shadow would do otherwise",
  responses: { 200: json(policySchema, "What holds"), ...problemResponses("unauthorized") },
});

const put = createRoute({
  access: "operator",
  method: "put",
  path: "/",
  summary: "Load a module: it is checked, and becomes the active one or runs beside it",
  description:
    `A WebAssembly module that keeps the ABI, of at most ${MAX_MODULE_OCTETS} octets. It must have no imports, ` +
    "a maximum for its memory, and pass the self-test in time; else nothing changes, and the answer says all that is " +
    "wrong with it. Nodes take it over within seconds, between two decisions.",
  request: {
    query: z.object({
      as: z.enum(["active", "shadow"]).default("active").openapi({ description: "What it becomes" }),
    }),
    body: { required: true, ...octets("The module's octets") },
  },
  responses: {
    200: json(policySchema, "What holds now"),
    ...problemResponses("invalid-request", "unauthorized", "body-too-large", "module-refused"),
  },
});

const rollBack = createRoute({
  access: "operator",
  method: "post",
  path: "/rollback",
  summary: "Go back to the last good module before the active one",
  responses: {
    200: json(policySchema, "What holds now"),
    ...problemResponses("unauthorized", "no-module-before"),
  },
});

const patch = createRoute({
  access: "operator",
  method: "patch",
  path: "/",
  summary: "Activate a module that was loaded before, have one run beside, or none",
  request: {
    body: jsonRequest(
      z.strictObject({ active: moduleName, shadow: moduleName.nullable() }).partial()
        .refine((change) => Object.keys(change).length > 0, "expected `active` or `shadow`"),
    ),
  },
  responses: {
    200: json(policySchema, "What holds now"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

const getModule = createRoute({
  access: "operator",
  method: "get",
  path: "/modules/{hash}",
  summary: "Fetch the octets of a module that was loaded, or of the program's own",
  request: { params: z.object({ hash: moduleName }) },
  responses: {
    200: octets("The module"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

export interface PolicyRoutes {
  readonly db: Kysely<Database>;
  readonly policy: PolicyControl;
  readonly now: () => number;
}

/** As the control names it: null is the program's own. */
const named = (name: string): string | null => name === "own" ? null : name;

export const policyRoutes = ({ db, policy, now }: PolicyRoutes) => {
  const moduleOf = (hash: string | null) => ({ hash: hash ?? OWN_HASH, own: hash === null || hash === OWN_HASH });

  const show = async (current: PolicyChangeRow): Promise<z.infer<typeof policySchema>> => {
    const [since, lastGood, comparison, nodes] = await Promise.all([
      activeSince(db, current),
      lastGoodModule(db, current),
      current.shadow === null ? null : findComparisons(db, current.shadow),
      listPolicyNodes(db, now() - NODE_SHOWN_MS),
    ]);
    return {
      abi: ABI_VERSION,
      version: current.version,
      active: { ...moduleOf(current.active), since: since === null ? null : rfc3339(since) },
      shadow: comparison && {
        ...moduleOf(current.shadow),
        compared: comparison.compared,
        left: comparison.left,
        differences: comparison.differences.map(({ stage, was, would, count }) => (
          { stage, was: reasonName(was), would: reasonName(would), count }
        )),
      },
      lastGood: moduleOf(lastGood),
      parameters: showParameters(stateOf(current).parameters, policy.settings),
      nodes: nodes.map(({ node, version, module, seen_at, dropped }) => (
        { node, version, module, upToDate: version === current.version, seenAt: rfc3339(seen_at), dropped }
      )),
    };
  };

  return createRouter()
    .openapi(get, async (c) => c.json(await show(await policy.current()), 200))
    .openapi(put, async (c) => {
      const octets = new Uint8Array(await c.req.arrayBuffer());
      const wrong = await policy.load(octets);
      if (wrong.length > 0) return problem(c, "module-refused", wrong.join(" "));
      const hash = moduleHash(octets);
      const change = c.req.valid("query").as === "active"
        ? policy.activate(OPERATOR, hash)
        : policy.shadow(OPERATOR, hash);
      return c.json(await show(await change), 200);
    })
    .openapi(rollBack, async (c) => {
      const change = await policy.rollBack(OPERATOR);
      if (change === null) return problem(c, "no-module-before", "No other good module was active before this one");
      return c.json(await show(change), 200);
    })
    .openapi(patch, async (c) => {
      const { active, shadow } = c.req.valid("json");
      // Both are there, or nothing changes.
      for (const name of [active, shadow]) if (typeof name === "string") await policy.module(named(name));
      if (active !== undefined) await policy.activate(OPERATOR, named(active));
      if (shadow !== undefined) await policy.shadow(OPERATOR, shadow === "own" ? OWN_HASH : shadow);
      return c.json(await show(await policy.current()), 200);
    })
    .openapi(getModule, async (c) => {
      const { octets } = await policy.module(named(c.req.valid("param").hash));
      return c.body(octets, 200, { "content-type": "application/wasm" });
    });
};
