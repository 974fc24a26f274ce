/** /v1/notices and /v1/accounts/{username}/notices: what account and operator should know of. */
import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import { shownAccount } from "../access.ts";
import { NOTICE_TYPES, type NoticeContent, noticeWords, pageAddress } from "../notice_words.ts";
import { principalOf } from "../principal.ts";
import { problem, problemResponses } from "../problem.ts";
import { findAccount } from "../store/accounts.ts";
import { type ListedNotice, listNotices } from "../store/notices.ts";
import type { Database } from "../store/schema.ts";
import { rfc3339 } from "../utc_day.ts";
import { accountParam, noSuchAccount } from "./accounts.ts";
import { createRoute, createRouter, json, page, pageOf, pageQuery, timeSchema } from "./router.ts";

const noticeSchema = z.object({
  id: z.string(),
  at: timeSchema,
  account: z.string().nullable().openapi({ description: "null: for the operator alone", example: "alice" }),
  type: z.enum(NOTICE_TYPES).openapi({
    description: "Stable. `quota-80`, `quota-100`: so many percent of the day's relays are used; `ndr-share`: " +
      "non-delivery reports use them up; `brake`: the account's day is far beyond its habit; `block-activated`, " +
      "`block-ended`: blocks count from now on, or no longer; `policy-fault`: a module failed at a node",
    example: "brake",
  }),
  title: z.string().openapi({ example: "Mail is held back: today is far beyond this account's habit" }),
  text: z.string().openapi({ description: "What happened, and what to do next" }),
  help: z.string().nullable().openapi({
    description: "The help page; a path of this server where the service has no public address",
    example: "/help/acceptable-use",
  }),
  detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).openapi({
    description: "The facts, as the type has them",
    example: { measure: "relays", used: 451, limit: 450, resetsAt: "2026-11-24T00:00:00Z" },
  }),
  mail: z.string().nullable().openapi({
    description: "The message that told the account's address, in /v1/messages; null: none was sent so far",
    example: null,
  }),
}).openapi("Notice");

const list = createRoute({
  access: "read own",
  method: "get",
  path: "/",
  summary: "List notices, the newest first",
  request: { query: z.object({ account: z.string().optional(), ...pageQuery }) },
  responses: {
    200: json(pageOf(noticeSchema), "A page of notices"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

const listOfAccount = createRoute({
  access: "read",
  method: "get",
  path: "/{username}/notices",
  summary: "List an account's notices, the newest first",
  request: { params: accountParam, query: z.object(pageQuery) },
  responses: {
    200: json(pageOf(noticeSchema), "A page of notices"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

export interface NoticeRoutes {
  readonly db: Kysely<Database>;
  /** Where everybody finds the help pages; null: nowhere. */
  readonly help: { readonly url: string | null };
}

const pages = ({ db, help }: NoticeRoutes) => {
  const show = ({ id, at, account, detail: stored, mail, ...row }: ListedNotice): z.infer<typeof noticeSchema> => {
    const content = { type: row.type, detail: JSON.parse(stored) } as NoticeContent;
    const { page, ...words } = noticeWords(content);
    const address = page === null ? null : pageAddress(page, help.url);
    return { id, at: rfc3339(at), account, type: content.type, ...words, help: address, detail: content.detail, mail };
  };
  return async (account: string | undefined, cursor: string | undefined, limit: number) =>
    page(await listNotices(db, { account, before: cursor }, limit + 1), limit, show, (row) => row.id);
};

export const noticeRoutes = (use: NoticeRoutes) => {
  const pageOfNotices = pages(use);
  return createRouter().openapi(list, async (c) => {
    const { account: asked, cursor, limit } = c.req.valid("query");
    const account = shownAccount(principalOf(c), asked);
    if (account === null) return problem(c, "not-found", noSuchAccount);
    const shown = await pageOfNotices(account, cursor, limit);
    if (shown.items.length === 0 && account !== undefined && await findAccount(use.db, account) === undefined) {
      return problem(c, "not-found", noSuchAccount);
    }
    return c.json(shown, 200);
  });
};

export const accountNoticeRoutes = (use: NoticeRoutes) => {
  const pageOfNotices = pages(use);
  return createRouter().openapi(listOfAccount, async (c) => {
    const { username } = c.req.valid("param");
    if (await findAccount(use.db, username) === undefined) return problem(c, "not-found", noSuchAccount);
    const { cursor, limit } = c.req.valid("query");
    return c.json(await pageOfNotices(username, cursor, limit), 200);
  });
};
