/** /v1/messages: what became of each message. */
import { z } from "@hono/zod-openapi";
import { decodeBase64Url, encodeBase64Url } from "@std/encoding";
import type { Kysely } from "kysely";
import { shownAccount } from "../access.ts";
import { noSuchAccount, principalOf } from "../principal.ts";
import { problem, problemResponses } from "../problem.ts";
import { findAccount } from "../store/accounts.ts";
import { listEvents } from "../store/events.ts";
import { type Position, searchMessages } from "../store/message_search.ts";
import { findMessage } from "../store/messages.ts";
import { listRecipients } from "../store/recipients.ts";
import type { Database } from "../store/schema.ts";
import { historySchema, messageSchema, messageStatus, showEvent, showMessage } from "./message_schema.ts";
import { createRoute, createRouter, instant, json, page, pageOf, pageQuery } from "./router.ts";

const MAX_FILTER_CHARS = 998;

const writeCursor = ({ receivedAt, id }: Position): string => encodeBase64Url(`${receivedAt} ${id}`);

/** @returns null where the text is no cursor of ours. */
const readCursor = (text: string): Position | null => {
  try {
    const [receivedAt, id] = new TextDecoder().decode(decodeBase64Url(text)).split(" ");
    return id === undefined || !Number.isSafeInteger(Number(receivedAt))
      ? null
      : { receivedAt: Number(receivedAt), id };
  } catch {
    // Not base64url: whoever sent it is told so.
    return null;
  }
};

const text = z.string().max(MAX_FILTER_CHARS);

const cursor = text.transform((given, context) => {
  const position = readCursor(given);
  if (position !== null) return position;
  context.addIssue({ code: "custom", message: "expected `next` of the page before" });
  return z.NEVER;
}).openapi({ type: "string" });

const list = createRoute({
  access: "read own",
  method: "get",
  path: "/",
  summary: "Find messages, the newest first",
  request: {
    query: z.object({
      account: text.optional(),
      since: instant.optional(),
      until: instant.optional(),
      sender: text.optional().openapi({ description: "Reverse path; empty for the null one" }),
      recipient: text.optional(),
      messageId: text.optional().openapi({ description: "The Message-ID field, with or without angle brackets" }),
      status: messageStatus.optional(),
      ...pageQuery,
      cursor: cursor.optional().openapi({ description: "`next` of the page before" }),
    }),
  },
  responses: {
    200: json(pageOf(messageSchema), "A page of messages"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

const get = createRoute({
  access: "read own",
  method: "get",
  path: "/{id}",
  summary: "Show a message's history: each attempt with the remote server's own words",
  request: { params: z.object({ id: z.string() }) },
  responses: { 200: json(historySchema, "The message"), ...problemResponses("unauthorized", "not-found") },
});

export interface MessageRoutes {
  readonly db: Kysely<Database>;
}

export const messageRoutes = ({ db }: MessageRoutes) =>
  createRouter()
    .openapi(list, async (c) => {
      const { limit, cursor, messageId, account: asked, ...filter } = c.req.valid("query");
      const account = shownAccount(principalOf(c), asked);
      if (account === null) return problem(c, "not-found", noSuchAccount);
      const wanted = { ...filter, account, messageIdField: messageId, behind: cursor };
      const rows = await searchMessages(db, wanted, limit + 1);
      if (rows.length === 0 && account !== undefined && await findAccount(db, account) === undefined) {
        return problem(c, "not-found", noSuchAccount);
      }
      const recipients = await listRecipients(db, rows.map((row) => row.id));
      const toItem = (row: typeof rows[number]) => showMessage(row, recipients.get(row.id) ?? []);
      return c.json(page(rows, limit, toItem, (row) => writeCursor({ receivedAt: row.received_at, id: row.id })), 200);
    })
    .openapi(get, async (c) => {
      const { id } = c.req.valid("param");
      const message = await findMessage(db, id);
      if (message === undefined || shownAccount(principalOf(c), message.account) === null) {
        return problem(c, "not-found", "There is no message of that id");
      }
      const [recipients, events] = await Promise.all([listRecipients(db, [id]), listEvents(db, id)]);
      return c.json({ ...showMessage(message, recipients.get(id) ?? []), events: events.map(showEvent) }, 200);
    });
