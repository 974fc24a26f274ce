/** /v1/notices: what account and operator should know of. */
import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import { shownAccount } from "../access.ts";
import { principalOf } from "../principal.ts";
import { problemResponses } from "../problem.ts";
import { listNotices } from "../store/notices.ts";
import type { Database, NoticeRow } from "../store/schema.ts";
import { rfc3339 } from "../utc_day.ts";
import { createRoute, createRouter, json, page, pageOf, pageQuery, timeSchema } from "./router.ts";

const noticeSchema = z.object({
  id: z.string(),
  at: timeSchema,
  account: z.string().nullable().openapi({ description: "null: for the operator alone", example: "alice" }),
  type: z.enum(["brake", "policy-fault"]).openapi({
    description: "`brake`: the account's day is far beyond its habit; `policy-fault`: a module failed at a node",
  }),
  detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).openapi({
    example: { measure: "relays", used: 451, limit: 450 },
  }),
}).openapi("Notice");

const show = ({ id, at, account, type, detail }: NoticeRow): z.infer<typeof noticeSchema> => ({
  id,
  at: rfc3339(at),
  account,
  type,
  detail: JSON.parse(detail),
});

const list = createRoute({
  access: "read own",
  method: "get",
  path: "/",
  summary: "List notices, the newest first",
  request: { query: z.object({ account: z.string().optional(), ...pageQuery }) },
  responses: {
    200: json(pageOf(noticeSchema), "A page of notices"),
    ...problemResponses("invalid-request", "unauthorized"),
  },
});

export interface NoticeRoutes {
  readonly db: Kysely<Database>;
}

export const noticeRoutes = ({ db }: NoticeRoutes) =>
  createRouter().openapi(list, async (c) => {
    const { account: asked, cursor, limit } = c.req.valid("query");
    const account = shownAccount(principalOf(c), asked);
    if (account === null) return c.json({ items: [], next: null }, 200);
    const rows = await listNotices(db, { account, before: cursor }, limit + 1);
    return c.json(page(rows, limit, show, (row) => row.id), 200);
  });
