/** /v1/policy/decisions: what was recorded of decisions, to be decided again by whoever fetches it. */
import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import { chunkToJson, type DecisionChunk, decodeChunk, encodeChunk } from "../../policy/mod.ts";
import { chunkOfRow } from "../decision_log.ts";
import { problemResponses } from "../problem.ts";
import { countDecisions, listDecisionChunks } from "../store/decision_chunks.ts";
import type { Database } from "../store/schema.ts";
import { createRoute, createRouter, instant, json, page, pageOf, pageQuery } from "./router.ts";

/** Chunks on a page: each is some tens of KiB, and a MiB at most. */
const MAX_CHUNKS = 50;

const chunkSchema = z.object({
  format: z.int().openapi({ description: "How decisions stand in the octets" }),
  modules: z.array(z.string()).readonly().openapi({ description: "Hashes of the modules that decided" }),
  parameters: z.array(z.record(z.string(), z.number()).readonly()).readonly(),
  accounts: z.array(z.string()).readonly(),
  from: z.int().openapi({ description: "Of the first decision, epoch milliseconds" }),
  until: z.int().openapi({ description: "Of the last one" }),
  count: z.int(),
  octets: z.string().openapi({ description: "Base64; policy/decision.ts says how decisions stand in them" }),
}).openapi("DecisionChunk");

const list = createRoute({
  access: "operator",
  method: "get",
  path: "/decisions",
  summary: "Fetch recorded decisions, in the order in which they arrived",
  description:
    "Refusals of an account's mail are recorded always, those that concern no account up to a number in a minute, of " +
    "the others a share. They bear the account's name and no address.",
  request: {
    query: z.object({
      ...pageQuery,
      since: instant.optional().openapi({ description: "Made at this time or later" }),
      until: instant.optional().openapi({ description: "Made before this time" }),
      limit: z.coerce.number({ error: `expected a whole number from 1 to ${MAX_CHUNKS}` }).int().min(1).max(MAX_CHUNKS)
        .default(MAX_CHUNKS).openapi({ description: "Chunks on a page" }),
    }),
  },
  responses: {
    200: json(
      pageOf(chunkSchema).extend({ total: z.int().openapi({ description: "Decisions on all pages, about" }) }),
      "A page of chunks",
    ),
    ...problemResponses("invalid-request", "unauthorized"),
  },
});

/** The chunk's decisions from `since` on and before `until`; null: none of them. */
const within = (chunk: DecisionChunk, since: number, until: number): DecisionChunk | null => {
  if (chunk.from >= since && chunk.until < until) return chunk;
  const decisions = [...decodeChunk(chunk)].filter(({ at }) => at >= since && at < until);
  return decisions.length === 0 ? null : encodeChunk(decisions);
};

export interface DecisionRoutes {
  readonly db: Kysely<Database>;
}

export const decisionRoutes = ({ db }: DecisionRoutes) =>
  createRouter().openapi(list, async (c) => {
    const { since = 0, until = Number.MAX_SAFE_INTEGER, cursor, limit } = c.req.valid("query");
    const [rows, total] = await Promise.all([
      listDecisionChunks(db, { since, until, after: cursor ?? "" }, limit + 1),
      countDecisions(db, { since, until }),
    ]);
    const { items, next } = page(rows, limit, (row) => within(chunkOfRow(row), since, until), (row) => row.id);
    return c.json({ items: items.flatMap((chunk) => chunk === null ? [] : [chunkToJson(chunk)]), next, total }, 200);
  });
