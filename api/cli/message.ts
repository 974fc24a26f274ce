/** `mailhop message …`: finds messages and tells what became of them. */
import {
  argument,
  choice,
  command,
  flag,
  integer,
  map,
  message as text,
  object,
  option,
  optional,
  or,
  string,
} from "@optique/core";
import type { Client } from "../client.ts";
import { UNKNOWN_ACCOUNT } from "./account.ts";
import { ask, type Message, type MessageHistory, segment } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { timeLine } from "./history.ts";
import { firstOf, reversePath } from "./mail_words.ts";
import { everyPage, type Page } from "./pages.ts";
import { amount, card, type Cell, type Look, type Style, table } from "./render.ts";
import { instant, name } from "./value_parsers.ts";
import { absolute, resolveInstant } from "./when.ts";

const STATUS_STYLES: Readonly<Record<Message["status"], Style>> = {
  queued: "plain",
  deferred: "warning",
  held: "warning",
  delivered: "good",
  partial: "warning",
  bounced: "bad",
  expired: "bad",
  skipped: "warning",
  deleted: "bad",
};
const STATUSES = [
  "queued",
  "deferred",
  "held",
  "delivered",
  "partial",
  "bounced",
  "expired",
  "skipped",
  "deleted",
] as const;

/** The API gives at most so many messages in one page. */
const MAX_PAGE = 200;

const address = string({ metavar: "ADDRESS" });

const filters = object({
  account: optional(option("--account", name("USERNAME"), { description: text`Of this account.` })),
  since: optional(option("--since", instant(), { description: text`Received at this time or later.` })),
  until: optional(option("--until", instant(), { description: text`Received before this time.` })),
  sender: optional(option("--sender", address, { description: text`With this sender (reverse path).` })),
  recipient: optional(option("--recipient", address, { description: text`To this recipient.` })),
  messageId: optional(
    option("--message-id", string({ metavar: "MESSAGE-ID" }), { description: text`With this Message-ID field.` }),
  ),
  status: optional(option("--status", choice(STATUSES, { metavar: "STATUS" }), { description: text`Which stand so.` })),
});

const list = command(
  "list",
  map(
    object({
      filters,
      limit: optional(
        option("--limit", integer({ min: 1, max: MAX_PAGE, metavar: "N" }), { description: text`At most so many.` }),
      ),
      reach: optional(or(
        option("--cursor", string({ metavar: "CURSOR" }), { description: text`Go on where a list ended.` }),
        flag("--all", { description: text`All there are, not one page.` }),
      )),
    }),
    ({ filters: { since, until, ...same }, limit, reach }): Command => async ({ api, now }) => {
      const query = {
        ...same,
        since: since && resolveInstant(since, now()),
        until: until && resolveInstant(until, now()),
        limit: (limit ?? (reach === true ? MAX_PAGE : undefined))?.toString(),
      };
      const answer = reach === true
        ? await everyPage((cursor) => onePage(api, { ...query, cursor }))
        : await onePage(api, { ...query, cursor: reach });
      return outcome(answer, messageTable, UNKNOWN_ACCOUNT);
    },
  ),
  {
    brief: text`Find messages, the newest first.`,
    description:
      text`Finds messages, the newest first. A TIME is an age such as 24h or 7d, or RFC 3339 such as 2026-11-23T12:00:00Z.`,
    footer: examples(
      "message list --since 24h --status deferred",
      "message list --account alice --recipient bob@example.net",
      "message list --since 7d --all --json",
    ),
  },
);

const show = command(
  "show",
  map(
    object({
      id: argument(name("ID"), { description: text`The id in the 250 reply, in Received and in the log.` }),
    }),
    ({ id }): Command => async ({ api }) => {
      const answer = await ask(api.v1.messages[":id"].$get({ param: { id: segment(id) } }));
      return outcome(answer, historyText, {
        404: "Ids are listed by: mailhop message list --since 24h",
      });
    },
  ),
  {
    brief: text`Show what became of a message.`,
    description:
      text`Shows a message and all that happened to it: each attempt with time, remote host, TLS and the remote server's own words.`,
    footer: examples("message show 01KAQ2T3ZJ8M4Y6W9X0B1C2D3E"),
  },
);

/** `mailhop message`. */
export const message = command("message", or(list, show), {
  brief: text`Find messages; see what became of them.`,
  footer: examples("message list --since 24h", "message show 01KAQ2T3ZJ8M4Y6W9X0B1C2D3E"),
});

type Query = NonNullable<Parameters<Client["v1"]["messages"]["$get"]>[0]>["query"];

const onePage = (api: Client, query: Query) => ask(api.v1.messages.$get({ query }));

function messageTable({ items, next }: Page<Message>, look: Look): string {
  if (items.length === 0) return "No such messages.";
  const found = table(
    look,
    [{ head: "RECEIVED" }, { head: "ID" }, { head: "STATUS" }, { head: "ACCOUNT" }, { head: "FROM" }, { head: "TO" }],
    items.map(({ receivedAt, id, status, account, sender, recipients }) => [
      absolute(receivedAt),
      id,
      statusCell(status),
      account,
      reversePath(sender),
      firstOf(recipients),
    ]),
  );
  return next === null ? found : `${found}\n\nThere are more: add --cursor ${next} or --all`;
}

function historyText(message: MessageHistory, look: Look): string {
  return `${messageCard(message, look)}\n\n${timeLine(message.events, look)}`;
}

function messageCard(message: Message, look: Look): string {
  const { id, account, sender, recipients, receivedAt, sizeBytes, relays, messageId, node, status } = message;
  return card(look, [
    ["Message", { text: id, style: "strong" }],
    ["Status", statusCell(status)],
    ["Account", account],
    ["From", reversePath(sender)],
    ...recipients.map(({ address, status }): [string, Cell] => ["To", `${address} (${status})`]),
    ["Received", `${absolute(receivedAt)} by ${node}`],
    ["Size", `${amount(sizeBytes, "byte")}, ${amount(relays, "relay")}`],
    ["Message-ID", messageId ?? "none"],
  ]);
}

const statusCell = (status: Message["status"]): Cell => ({ text: status, style: STATUS_STYLES[status] });
