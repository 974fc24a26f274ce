/** How the queue and what was done with it look to people. Pure. */
import type { QueueJob } from "./api.ts";
import { firstOf, reversePath } from "./mail_words.ts";
import { amount, card, type Cell, type Look, show, table } from "./render.ts";
import { absolute, absoluteAndRelative, relative } from "./when.ts";

type Message = NonNullable<QueueJob["messages"]>[number];
type Recipient = Message["recipients"][number];

/** Characters of a server's words in a table. */
const REPLY_CHARS = 60;
/** Domains in the table; all are in the JSON. */
const DOMAINS_SHOWN = 40;

const DONE: Readonly<Record<Exclude<QueueJob["work"], "summary" | "list">, string>> = {
  retry: "Due now",
  hold: "Held",
  release: "Released",
  bounce: "Returned",
  delete: "Deleted",
};

/** @param held recipients that stay held. */
export function actionText(job: QueueJob, look: Look, held = 0): string {
  const { work, done, busy } = job;
  const what = work === "summary" || work === "list" ? "Found" : DONE[work];
  const lines = [`${what}: ${amount(done, "message")}.`];
  if (busy > 0) {
    const text =
      `${amount(busy, "message")} could not be had, being in delivery all the time or for trouble with the ` +
      "disk, and stand as before: run it again.";
    lines.push(show(look, { text, style: "warning" }));
  }
  if (held > 0) {
    const text = `Held, and so not due: ${amount(held, "recipient")}. To go on with them: mailhop queue release`;
    lines.push(show(look, { text, style: "warning" }));
  }
  return [...lines, ...missingLines(job, look)].join("\n");
}

export function summaryText(job: QueueJob, look: Look): string {
  const { summary } = job;
  if (summary === null || summary.messages + summary.damaged === 0) {
    return ["The queue is empty.", ...missingLines(job, look)].join("\n");
  }
  const { messages, recipients, held, damaged, domains, otherDomains, suspended } = summary;
  const shown = domains.slice(0, DOMAINS_SHOWN);
  const more = domains.length - shown.length + otherDomains;
  const heldWords = held === 0 ? "" : `, ${held.toLocaleString("en-US")} of them held`;
  return [
    `${amount(messages, "message")} to ${amount(recipients, "recipient")}${heldWords}.`,
    "",
    table(
      look,
      [
        { head: "DOMAIN" },
        { head: "RECIPIENTS", align: "right" },
        { head: "<1h", align: "right" },
        { head: "<4h", align: "right" },
        { head: "<1d", align: "right" },
        { head: "OLDER", align: "right" },
        { head: "HELD", align: "right" },
        { head: "NEXT ATTEMPT" },
        { head: "LAST ATTEMPT" },
      ],
      shown.map(({ domain, recipients, held, ages, nextAttemptAt, lastReply }) => [
        domain,
        figure(recipients),
        figure(ages.under1h),
        figure(ages.under4h),
        figure(ages.under1d),
        { text: figure(ages.older), style: ages.older > 0 ? "warning" : "plain" },
        figure(held),
        nextAttempt(nextAttemptAt, look.now),
        clipped(lastReply),
      ]),
    ),
    ...(more > 0 ? ["", `And ${amount(more, "other domain")}.`] : []),
    ...(damaged > 0
      ? ["", show(look, { text: `${amount(damaged, "message")} cannot be read any more: see the log.`, style: "bad" })]
      : []),
    ...(suspended.length > 0 ? ["", "Left alone for now, because no host could be reached:"] : []),
    ...suspended.map(({ destination, why }) => `  ${show(look, { text: `${destination}: ${why}`, style: "warning" })}`),
    ...missingLines(job, look),
  ].join("\n");
}

export function listText(job: QueueJob, look: Look): string {
  const messages = job.messages ?? [];
  if (messages.length === 0) return ["No such messages wait.", ...missingLines(job, look)].join("\n");
  const rows = table(
    look,
    [
      { head: "RECEIVED" },
      { head: "ID" },
      { head: "ACCOUNT" },
      { head: "FROM" },
      { head: "TO" },
      { head: "STATUS" },
      { head: "TRIES", align: "right" },
      { head: "NEXT ATTEMPT" },
      { head: "LAST ATTEMPT" },
    ],
    messages.map((message) => {
      const [first] = message.recipients;
      return [
        absolute(message.receivedAt),
        message.id,
        message.account,
        reversePath(message.sender),
        firstOf(message.recipients),
        statusCell(message),
        String(first?.attempts ?? 0),
        nextAttempt(first?.nextAttemptAt ?? null, look.now),
        clipped(first?.lastReply ?? null),
      ];
    }),
  );
  return [rows, ...missingLines(job, look)].join("\n");
}

export function messageText(message: Message, look: Look): string {
  return card(look, [
    ["Message", { text: message.id, style: "strong" }],
    ["Account", message.account],
    ["From", reversePath(message.sender)],
    ["Received", absoluteAndRelative(message.receivedAt, look.now)],
    ["Size", amount(message.sizeBytes, "byte")],
    ...(message.inDelivery ? [["Now", "being tried"] as [string, Cell]] : []),
    ...message.recipients.flatMap((recipient) => recipientRows(recipient, look)),
  ]);
}

function recipientRows(recipient: Recipient, look: Look): [string, Cell][] {
  const { address, status, attempts, nextAttemptAt, lastReply } = recipient;
  const isDue = nextAttemptAt !== null && Date.parse(nextAttemptAt) <= look.now;
  const next = nextAttemptAt === null ? "" : isDue ? ", due" : `, next ${absoluteAndRelative(nextAttemptAt, look.now)}`;
  return [
    ["To", `${address} (${status}), ${amount(attempts, "attempt")}${next}`],
    ...(lastReply === null ? [] : [["", { text: lastReply, style: "faint" }] as [string, Cell]]),
  ];
}

function statusCell({ inDelivery, recipients }: Message): Cell {
  if (inDelivery) return { text: "in delivery", style: "good" };
  return recipients.some(({ status }) => status === "held") ? { text: "held", style: "warning" } : "queued";
}

/** What is to be said of nodes whose part is not in the answer. */
export function missing({ nodes }: QueueJob): string[] {
  const words = nodes.flatMap(({ node, state, trouble }) => {
    if (state === "failed") return [`Node ${node} gave up: ${trouble}`];
    if (state === "gone") return [`Node ${node} is no more.`];
    return state === "silent" ? [`Node ${node} is silent: its part is missing, and will be done when it is back.`] : [];
  });
  if (nodes.length === 0) words.push("No relay node is there: see mailhop node list");
  return words;
}

const missingLines = (job: QueueJob, look: Look): string[] =>
  missing(job).map((text) => show(look, { text, style: "warning" }));

/** What is due waits for its turn, or for its next hop to be back. */
const nextAttempt = (at: string | null, now: number): string => {
  if (at === null) return "";
  return Date.parse(at) <= now ? "due" : relative(at, now);
};
const figure = (n: number): string => n === 0 ? "" : n.toLocaleString("en-US");
const clipped = (words: string | null): string => {
  if (words === null) return "";
  return words.length > REPLY_CHARS ? `${words.slice(0, REPLY_CHARS - 1)}…` : words;
};
