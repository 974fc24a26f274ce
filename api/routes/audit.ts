/** /v1/audit: who has changed what, or tried to. */
import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import { problemResponses } from "../problem.ts";
import { listAudit } from "../store/audit.ts";
import type { AuditRow, Database } from "../store/schema.ts";
import { rfc3339 } from "../utc_day.ts";
import { createRoute, createRouter, instant, json, page, pageOf, pageQuery, timeSchema } from "./router.ts";

const entrySchema = z.object({
  id: z.string(),
  at: timeSchema,
  who: z.enum(["operator", "key"]),
  key: z.object({ id: z.string(), label: z.string() }).nullable()
    .openapi({ description: "The API key that asked, with its label at the time" }),
  method: z.string().openapi({ example: "POST" }),
  path: z.string().openapi({ example: "/v1/accounts/alice/blocks" }),
  account: z.string().nullable().openapi({ description: "Whose things it was about" }),
  requestId: z.string(),
  status: z.int().nullable()
    .openapi({ description: "As it was answered; null: not yet, or the server ended before: it may have been done" }),
}).openapi("AuditEntry");

const show = (row: AuditRow): z.infer<typeof entrySchema> => ({
  id: row.id,
  at: rfc3339(row.at),
  who: row.key_id === null ? "operator" : "key",
  key: row.key_id === null ? null : { id: row.key_id, label: row.key_label ?? "" },
  method: row.method,
  path: row.path,
  account: row.account,
  requestId: row.request_id,
  status: row.status,
});

const list = createRoute({
  access: "operator",
  method: "get",
  path: "/",
  summary: "List the requests that could change something, the newest first",
  description: "Each request by a valid token, refused ones included, for 400 days. Bodies are not recorded.",
  request: {
    query: z.object({
      account: z.string().optional(),
      since: instant.optional(),
      until: instant.optional(),
      ...pageQuery,
    }),
  },
  responses: {
    200: json(pageOf(entrySchema), "A page of entries"),
    ...problemResponses("invalid-request", "unauthorized"),
  },
});

export interface AuditRoutes {
  readonly db: Kysely<Database>;
}

export const auditRoutes = ({ db }: AuditRoutes) =>
  createRouter().openapi(list, async (c) => {
    const { cursor, limit, ...filter } = c.req.valid("query");
    const rows = await listAudit(db, { ...filter, before: cursor }, limit + 1);
    return c.json(page(rows, limit, show, (row) => row.id), 200);
  });
