/** /v1/accounts/{username}/blocks: what an account bought. */
import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import { problem, problemResponses } from "../problem.ts";
import { findAccount } from "../store/accounts.ts";
import { cancelBlock, insertBlock, listBlocks, MAX_UNMERGED } from "../store/blocks.ts";
import type { BlockRow, Database } from "../store/schema.ts";
import { rfc3339 } from "../utc_day.ts";
import { accountParam, noSuchAccount } from "./accounts.ts";
import {
  createRoute,
  createRouter,
  instant,
  json,
  jsonRequest,
  page,
  pageOf,
  pageQuery,
  timeSchema,
} from "./router.ts";

/** Blocks of one purchase: more is a slip of the finger. */
const MAX_QUANTITY = 1_000_000;

/** A UUID has 36 characters. */
const MAX_IDEMPOTENCY_KEY_CHARS = 255;

const idempotencyKey = z.string().regex(/^[\x21-\x7e]+$/, "expected visible ASCII characters")
  .max(MAX_IDEMPOTENCY_KEY_CHARS).openapi({
    description:
      "Names this purchase, for good: the same request with the same key buys once, and is answered the same",
    example: "8e03978e-40d5-43dd-bc93-6894a57f9324",
  });

const blockSchema = z.object({
  id: z.string(),
  quantity: z.int().min(1).max(MAX_QUANTITY),
  purchasedAt: timeSchema,
  activatesAt: timeSchema.openapi({ description: "From this instant on the blocks count" }),
  cancelledAt: timeSchema.nullable().openapi({
    description: "From this instant on they count no longer; it may lie ahead. null: they are not cancelled",
  }),
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
    headers: z.object({ "idempotency-key": idempotencyKey.optional() }),
    body: jsonRequest(z.strictObject({ quantity: z.int().min(1).max(MAX_QUANTITY) })),
  },
  responses: {
    201: json(blockSchema, "The purchase, with the instant from which it counts"),
    ...problemResponses("invalid-request", "unauthorized", "not-found", "limit-reached", "idempotency-key-reused"),
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
  summary: "Cancel a purchase: it counts no longer, at once or from the end of its period on",
  description:
    "A cancellation makes no purchase last longer: one that ends before `at` stays as it is, and the answer " +
    "(409) says when that is. A time in the past is now.",
  request: {
    params: accountParam.extend({ id: z.string() }),
    query: z.object({
      at: instant.optional().openapi({ description: "The end of the period that is paid for; now, if left out" }),
    }),
  },
  responses: {
    204: { description: "It is cancelled" },
    ...problemResponses("invalid-request", "unauthorized", "not-found", "ends-earlier"),
  },
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
        idempotency_key: c.req.valid("header")["idempotency-key"] ?? null,
      };
      const bought = await insertBlock(db, row);
      if (bought === null) {
        const most =
          `An account has at most ${MAX_UNMERGED} purchases that are pending or have counted for less than two hours`;
        return problem(c, "limit-reached", `${most}: buy more blocks in one, or try again later`);
      }
      if (bought.quantity !== row.quantity) {
        return problem(c, "idempotency-key-reused", `With this key ${bought.quantity} blocks were bought before`);
      }
      // As it was answered at first, whatever has become of the purchase since.
      return c.json(show({ ...bought, cancelled_at: null }), 201);
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
      const { at } = c.req.valid("query");
      const present = now();
      const block = await cancelBlock(db, username, id, Math.max(at ?? present, present));
      if (block === undefined) return problem(c, "not-found", "The account has no such block");
      const end = block.cancelled_at!;
      // Where no time was asked for, it counts no longer, as it should.
      if (at === undefined || end >= at) return c.body(null, 204);
      const verb = end > present ? "ends" : "ended";
      return problem(
        c,
        "ends-earlier",
        `It ${verb} at ${rfc3339(end)} already: a cancellation makes no block last longer`,
      );
    });
