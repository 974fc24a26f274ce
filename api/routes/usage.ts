/** /v1/accounts/{username}/usage: what the last weeks came to, day by day. */
import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import type { Counters } from "../counters/counters.ts";
import { CountersUnavailable } from "../counters/trouble.ts";
import { problem, problemResponses } from "../problem.ts";
import { findAccount } from "../store/accounts.ts";
import type { Database } from "../store/schema.ts";
import { listDays } from "../store/usage.ts";
import { accountParam, noSuchAccount } from "./accounts.ts";
import { createRoute, createRouter, json, page, pageOf, pageQuery } from "./router.ts";

const daySchema = z.object({
  day: z.string().openapi({ description: "The UTC day", format: "date", example: "2026-11-23" }),
  used: z.int(),
  ndr: z.int().openapi({ description: "Relays used for non-delivery reports, a part of `used`" }),
  recipients: z.int().openapi({ description: "Different recipients", example: 12 }),
  outcomes: z.int().openapi({ description: "Recipients whose fate became known", example: 12 }),
  refused: z.int().openapi({ description: "Of these, those that were refused for good", example: 0 }),
}).openapi("Day");

const list = createRoute({
  access: "read",
  method: "get",
  path: "/{username}/usage",
  summary: "List the days on which an account used relays, the newest first",
  description: "They are kept for five weeks.",
  request: { params: accountParam, query: z.object(pageQuery) },
  responses: {
    200: json(pageOf(daySchema), "A page of days"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

export interface UsageRoutes {
  readonly db: Kysely<Database>;
  readonly counters: Counters;
}

export const usageRoutes = ({ db, counters }: UsageRoutes) =>
  createRouter().openapi(list, async (c) => {
    const { username } = c.req.valid("param");
    if (await findAccount(db, username) === undefined) return problem(c, "not-found", noSuchAccount);
    const { cursor, limit } = c.req.valid("query");
    if (cursor === undefined) await keepNow(counters, username);
    const rows = await listDays(db, username, cursor, limit + 1);
    return c.json(page(rows, limit, (row) => row, (row) => row.day), 200);
  });

/** Without the counters the database has what it had an hour ago, at the latest. */
const keepNow = async (counters: Counters, username: string): Promise<void> => {
  try {
    await counters.keepDays([username]);
  } catch (error) {
    if (!(error instanceof CountersUnavailable)) throw error;
  }
};
