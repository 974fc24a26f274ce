/** /v1/accounts/{username}/blocks: what an account bought. */
import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import { problem, problemResponses } from "../problem.ts";
import { findAccount } from "../store/accounts.ts";
import { cancelBlock, insertBlock, listBlocks } from "../store/blocks.ts";
import type { BlockRow, Database } from "../store/schema.ts";
import { rfc3339 } from "../utc_day.ts";
import { accountParam, noSuchAccount } from "./accounts.ts";
import { createRoute, createRouter, json, jsonRequest, page, pageOf, pageQuery, timeSchema } from "./router.ts";

/** Blocks of one purchase: more is a slip of the finger. */
const MAX_QUANTITY = 1_000_000;

const blockSchema = z.object({
  id: z.string(),
  quantity: z.int().min(1).max(MAX_QUANTITY),
  purchasedAt: timeSchema,
  activatesAt: timeSchema.openapi({ description: "From this instant on the blocks count" }),
  cancelledAt: timeSchema.nullable(),
}).openapi("Block");

const show = (row: BlockRow): z.infer<typeof blockSchema> => ({
  id: row.id,
  quantity: row.quantity,
  purchasedAt: rfc3339(row.purchased_at),
  activatesAt: rfc3339(row.activates_at),
  cancelledAt: row.cancelled_at === null ? null : rfc3339(row.cancelled_at),
});

const buy = createRoute({
  access: "operator",
  method: "post",
  path: "/{username}/blocks",
  summary: "Buy relay blocks",
  request: {
    params: accountParam,
    body: jsonRequest(z.strictObject({ quantity: z.int().min(1).max(MAX_QUANTITY) })),
  },
  responses: {
    201: json(blockSchema, "The purchase, with the instant from which it counts"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

const list = createRoute({
  access: "read",
  method: "get",
  path: "/{username}/blocks",
  summary: "List an account's purchases, the oldest first",
  request: { params: accountParam, query: z.object(pageQuery) },
  responses: {
    200: json(pageOf(blockSchema), "A page of purchases"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

const cancel = createRoute({
  access: "operator",
  method: "delete",
  path: "/{username}/blocks/{id}",
  summary: "Cancel a purchase: it counts no longer",
  request: { params: accountParam.extend({ id: z.string() }) },
  responses: { 204: { description: "It is cancelled" }, ...problemResponses("unauthorized", "not-found") },
});

export interface BlockRoutes {
  readonly db: Kysely<Database>;
  readonly now: () => number;
  readonly newId: () => string;
  readonly activationDelayMs: number;
}

export const blockRoutes = ({ db, now, newId, activationDelayMs }: BlockRoutes) =>
  createRouter()
    .openapi(buy, async (c) => {
      const { username } = c.req.valid("param");
      if (await findAccount(db, username) === undefined) return problem(c, "not-found", noSuchAccount);
      const purchasedAt = now();
      const row: BlockRow = {
        id: newId(),
        username,
        quantity: c.req.valid("json").quantity,
        purchased_at: purchasedAt,
        activates_at: purchasedAt + activationDelayMs,
        cancelled_at: null,
      };
      await insertBlock(db, row);
      return c.json(show(row), 201);
    })
    .openapi(list, async (c) => {
      const { username } = c.req.valid("param");
      if (await findAccount(db, username) === undefined) return problem(c, "not-found", noSuchAccount);
      const { cursor, limit } = c.req.valid("query");
      const rows = await listBlocks(db, username, cursor ?? "", limit + 1);
      return c.json(page(rows, limit, show, (row) => row.id), 200);
    })
    .openapi(cancel, async (c) => {
      const { username, id } = c.req.valid("param");
      const found = await cancelBlock(db, username, id, now());
      return found ? c.body(null, 204) : problem(c, "not-found", "The account has no such block");
    });
