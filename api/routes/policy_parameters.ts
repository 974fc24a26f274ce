/** /v1/policy/parameters and /v1/policy/history: the figures of the policy, and who changed what when. */
import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import { PARAMETER_NAMES, type ParameterName, PARAMETERS } from "../../policy/mod.ts";
import { type PolicyControl, stateOf } from "../policy_control.ts";
import { problemResponses } from "../problem.ts";
import { listPolicyChanges } from "../store/policy_changes.ts";
import type { Database, PolicyChangeRow } from "../store/schema.ts";
import { OPERATOR } from "./policy.ts";
import { changeSchema, parameterSchema, showChange, showParameters } from "./policy_schema.ts";
import { createRoute, createRouter, json, jsonRequest, page, pageOf, pageQuery } from "./router.ts";

/** Letters alone, so that "max-recipients" is like maxRecipients. */
const plain = (name: string): string => name.toLowerCase().replace(/[^a-z]/g, "");

const unknown = (name: string): string => {
  const like = PARAMETER_NAMES.find((known) => plain(known) === plain(name)) ??
    PARAMETER_NAMES.find((known) => plain(name) !== "" && plain(known).includes(plain(name)));
  return `there is no parameter ${name}` + (like === undefined ? "" : `: did you mean ${like}?`);
};

const value = (name: ParameterName) => {
  const { least, most, unit, meaning } = PARAMETERS[name];
  const error = `expected a whole number from ${least} to ${most}, or null`;
  return z.int({ error }).min(least, error).max(most, error).nullable().optional()
    .openapi({ description: `${unit}: ${meaning}` });
};

const values = Object.fromEntries(PARAMETER_NAMES.map((name) => [name, value(name)])) as {
  [Name in ParameterName]: ReturnType<typeof value>;
};

/** What has mistakes already need not be said to be empty. */
const isWellFormed = ({ issues }: { readonly issues: readonly unknown[] }): boolean => issues.length === 0;

const parametersBody = z.strictObject(values, {
  error: ({ code, keys }) =>
    code === "unrecognized_keys" ? (keys as string[]).map(unknown).join("; ") : "expected parameters by name",
}).refine((given) => Object.keys(given).length > 0, { error: "expected a parameter", when: isWellFormed })
  .openapi({ example: { maxRecipients: 50, brakeFloorRelays: null } });

const parameterList = pageOf(parameterSchema);

const get = createRoute({
  access: "operator",
  method: "get",
  path: "/parameters",
  summary: "List the policy's parameters",
  responses: { 200: json(parameterList, "All of them"), ...problemResponses("unauthorized") },
});

const patch = createRoute({
  access: "operator",
  method: "patch",
  path: "/parameters",
  summary: "Set parameters; null goes back to what the settings say",
  request: { body: jsonRequest(parametersBody) },
  responses: { 200: json(parameterList, "All of them"), ...problemResponses("invalid-request", "unauthorized") },
});

const history = createRoute({
  access: "operator",
  method: "get",
  path: "/history",
  summary: "List the changes of the policy, the newest first",
  request: {
    query: z.object({
      ...pageQuery,
      cursor: z.string().regex(/^\d{1,15}$/, "expected `next` of the page before").transform(Number).optional()
        .openapi({ type: "string", description: "`next` of the page before" }),
    }),
  },
  responses: {
    200: json(pageOf(changeSchema), "A page of changes"),
    ...problemResponses("invalid-request", "unauthorized"),
  },
});

export interface PolicyParameterRoutes {
  readonly db: Kysely<Database>;
  readonly policy: PolicyControl;
}

export const policyParameterRoutes = ({ db, policy }: PolicyParameterRoutes) => {
  const show = (current: PolicyChangeRow): z.infer<typeof parameterList> => ({
    items: showParameters(stateOf(current).parameters, policy.settings),
    next: null,
  });
  return createRouter()
    .openapi(get, async (c) => c.json(show(await policy.current()), 200))
    .openapi(patch, async (c) => c.json(show(await policy.setParameters(OPERATOR, c.req.valid("json"))), 200))
    .openapi(history, async (c) => {
      const { cursor, limit } = c.req.valid("query");
      const rows = await listPolicyChanges(db, cursor ?? Number.MAX_SAFE_INTEGER, limit + 1);
      return c.json(page(rows, limit, showChange, (row) => String(row.version)), 200);
    });
};
