/**
 * /v1/accounts/{username}/suppressions: addresses that failed for good, and what the account wants of mail to them.
 *
 * An address is remembered when its server said at RCPT that there is no such mailbox, or none in use; not for a full
 * mailbox, a policy, or a domain's trouble.
 */
import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import { problem, problemResponses } from "../problem.ts";
import { findAccount } from "../store/accounts.ts";
import type { Database, SuppressionRow } from "../store/schema.ts";
import {
  clearSuppressions,
  findSuppressionChoice,
  listSuppressions,
  MAX_SUPPRESSIONS,
  setSuppressionChoice,
} from "../store/suppressions.ts";
import { rfc3339 } from "../utc_day.ts";
import { accountParam, noSuchAccount } from "./accounts.ts";
import { createRoute, createRouter, json, jsonRequest, page, pageOf, pageQuery, timeSchema } from "./router.ts";

/** RFC 5321 4.5.3.1.3 allows 256 octets for a path. */
const MAX_ADDRESS_CHARS = 512;

const suppressionSchema = z.object({
  address: z.string().openapi({ example: "bob@example.net" }),
  reply: z.string().openapi({ description: "The recipient's server's own words" }),
  messageId: z.string().openapi({ description: "The last message that failed" }),
  failedAt: timeSchema,
}).openapi("Suppression");

const choiceSchema = z.object({
  choice: z.enum(["refuse", "skip", "off"]).openapi({
    description:
      "refuse: the recipient is refused at RCPT; skip: it is accepted and charged like any other, and nothing " +
      "is sent to it; off: mail to it is sent as any other",
  }),
}).openapi("SuppressionChoice");

const show = (row: SuppressionRow): z.infer<typeof suppressionSchema> => ({
  address: row.address,
  reply: row.reply,
  messageId: row.message_id,
  failedAt: rfc3339(row.failed_at),
});

const list = createRoute({
  access: "read",
  method: "get",
  path: "/{username}/suppressions",
  summary: "List the addresses that failed for good",
  description: `At most ${MAX_SUPPRESSIONS} are kept for an account: of more, those go that failed longest ago.`,
  request: { params: accountParam, query: z.object(pageQuery) },
  responses: {
    200: json(pageOf(suppressionSchema), "A page of addresses"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

const clear = createRoute({
  access: "manage",
  method: "delete",
  path: "/{username}/suppressions",
  summary: "Clear one address, or all of them: mail is sent to it again",
  request: {
    params: accountParam,
    query: z.object({
      address: z.string().max(MAX_ADDRESS_CHARS).optional().openapi({ description: "Without it all are cleared" }),
    }),
  },
  responses: {
    200: json(z.object({ cleared: z.int() }), "How many were cleared"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

const getChoice = createRoute({
  access: "read",
  method: "get",
  path: "/{username}/suppressions/choice",
  summary: "Show what the account wants of mail to these addresses",
  request: { params: accountParam },
  responses: {
    200: json(choiceSchema, "Its choice"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

const setChoice = createRoute({
  access: "manage",
  method: "put",
  path: "/{username}/suppressions/choice",
  summary: "Choose what is to come of mail to these addresses",
  request: { params: accountParam, body: jsonRequest(choiceSchema) },
  responses: {
    200: json(choiceSchema, "Its choice"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

export interface SuppressionRoutes {
  readonly db: Kysely<Database>;
}

export const suppressionRoutes = ({ db }: SuppressionRoutes) =>
  createRouter()
    .openapi(list, async (c) => {
      const { username } = c.req.valid("param");
      if (await findAccount(db, username) === undefined) return problem(c, "not-found", noSuchAccount);
      const { cursor, limit } = c.req.valid("query");
      const rows = await listSuppressions(db, username, cursor ?? "", limit + 1);
      return c.json(page(rows, limit, show, (row) => row.address_key), 200);
    })
    .openapi(clear, async (c) => {
      const { username } = c.req.valid("param");
      if (await findAccount(db, username) === undefined) return problem(c, "not-found", noSuchAccount);
      const { address } = c.req.valid("query");
      const cleared = await clearSuppressions(db, username, address ?? null);
      if (cleared > 0 || address === undefined) return c.json({ cleared }, 200);
      return problem(c, "not-found", `${address} has not failed with this account's mail`);
    })
    .openapi(getChoice, async (c) => {
      const { username } = c.req.valid("param");
      if (await findAccount(db, username) === undefined) return problem(c, "not-found", noSuchAccount);
      return c.json({ choice: await findSuppressionChoice(db, username) }, 200);
    })
    .openapi(setChoice, async (c) => {
      const { username } = c.req.valid("param");
      if (await findAccount(db, username) === undefined) return problem(c, "not-found", noSuchAccount);
      const { choice } = c.req.valid("json");
      await setSuppressionChoice(db, { username, choice });
      return c.json({ choice }, 200);
    });
