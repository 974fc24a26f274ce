/** /v1/relay-tokens: a token for each machine of relay nodes, so that one can be shut out and the others go on. */
import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import { hashToken } from "../bearer.ts";
import { problem, problemResponses } from "../problem.ts";
import { RELAY_TOKEN_PREFIX } from "../relay_access.ts";
import { exclusively } from "../store/dialect.ts";
import { findUnknown, giveRelayNodes } from "../store/relay_nodes.ts";
import { deleteRelayToken, insertRelayToken, listRelayTokens, type RelayToken } from "../store/relay_tokens.ts";
import type { Database } from "../store/schema.ts";
import { rfc3339 } from "../utc_day.ts";
import { label, lastUsedAt } from "./api_keys.ts";
import { createRoute, createRouter, json, jsonRequest, page, pageOf, pageQuery, timeSchema } from "./router.ts";

const tokenSchema = z.object({
  id: z.string(),
  label: label.openapi({
    description: "The machine that has it; tokens of the same label are for the same machine",
    example: "relay-fra-1",
  }),
  createdAt: timeSchema,
  lastUsedAt,
}).openapi("RelayToken");

const newTokenSchema = tokenSchema.extend({
  token: z.string().openapi({ description: "The token itself, this once: it is stored nowhere", example: "mhr_5f0c…" }),
}).openapi("NewRelayToken");

/** A machine has one for each core. */
const MAX_NODES = 256, MAX_NODE_CHARS = 256;

const newTokenBody = z.strictObject({
  label,
  nodes: z.array(z.string().min(1).max(MAX_NODE_CHARS)).max(MAX_NODES).optional().openapi({
    description: "Nodes that belong to the label from now on, whosever they were: for a machine that had the shared " +
      "token, or another label's, before",
    example: ["01KAQ2T3ZJ8M4Y6W9X0B1C2D3E"],
  }),
});

const show = (token: RelayToken): z.infer<typeof tokenSchema> => ({
  id: token.id,
  label: token.label,
  createdAt: rfc3339(token.created_at),
  lastUsedAt: token.last_used_at === null ? null : rfc3339(token.last_used_at),
});

const create = createRoute({
  access: "operator",
  method: "post",
  path: "/",
  summary: "Make a token for a machine of relay nodes",
  description: "It goes into that machine's MAILHOP_RELAY_TOKEN. Nodes that have spoken with it belong to its label: " +
    "the token of another label cannot speak for them. Nor can this one speak for those of the shared token or of " +
    "another label, unless they are named in `nodes`.",
  request: { body: jsonRequest(newTokenBody) },
  responses: {
    201: json(newTokenSchema, "The token"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

const list = createRoute({
  access: "operator",
  method: "get",
  path: "/",
  summary: "List the tokens of relay machines, the oldest first",
  request: { query: z.object(pageQuery) },
  responses: {
    200: json(pageOf(tokenSchema), "A page of tokens"),
    ...problemResponses("invalid-request", "unauthorized"),
  },
});

const revoke = createRoute({
  access: "operator",
  method: "delete",
  path: "/{id}",
  summary: "Revoke a token: it holds no longer",
  request: { params: z.object({ id: z.string() }) },
  responses: { 204: { description: "It is revoked" }, ...problemResponses("unauthorized", "not-found") },
});

export interface RelayTokenRoutes {
  readonly db: Kysely<Database>;
  readonly now: () => number;
  readonly newId: () => string;
  /** A new secret on each call, of letters and digits. */
  readonly newToken: () => string;
}

export const relayTokenRoutes = ({ db, now, newId, newToken }: RelayTokenRoutes) =>
  createRouter()
    .openapi(create, async (c) => {
      const { label, nodes = [] } = c.req.valid("json");
      const named = [...new Set(nodes)];
      const [unknown] = named.length === 0 ? [] : await findUnknown(db, named);
      if (unknown !== undefined) return problem(c, "not-found", `No node ${unknown} was ever heard of`);
      const secret = `${RELAY_TOKEN_PREFIX}${newToken()}`;
      const token = { id: newId(), label, created_at: now(), last_used_at: null };
      await exclusively(db, [], async (transaction) => {
        if (named.length > 0) await giveRelayNodes(transaction, named, label);
        await insertRelayToken(transaction, { ...token, token_hash: hashToken(secret) });
      });
      return c.json({ ...show(token), token: secret }, 201);
    })
    .openapi(list, async (c) => {
      const { cursor, limit } = c.req.valid("query");
      const rows = await listRelayTokens(db, cursor ?? "", limit + 1);
      return c.json(page(rows, limit, show, (row) => row.id), 200);
    })
    .openapi(revoke, async (c) => {
      const found = await deleteRelayToken(db, c.req.valid("param").id);
      return found ? c.body(null, 204) : problem(c, "not-found", "There is no such token");
    });
