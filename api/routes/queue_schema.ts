/** How orders, jobs and their answers look in the public API, and how they come from what nodes say. */
import { z } from "@hono/zod-openapi";
import { isQuestion, type JobAnswer, type JobState } from "../queue_control.ts";
import type { QueuedDomain, QueuedMessageFacts, QueueSummary } from "../queue_wire.ts";
import { rfc3339 } from "../utc_day.ts";
import { instant, timeSchema } from "./router.ts";

/** Ids in one order. */
const MAX_IDS = 1000;
/** RFC 5321 4.5.3.1.3 allows 256 octets for a path; SMTPUTF8 gets some room. */
const MAX_ADDRESS_CHARS = 512;
/** Of the operator's words: they stand in a bounce and in the history. */
const MAX_REASON_CHARS = 500;
const MAX_LISTED = 200;
const DEFAULT_LISTED = 50;

const workSchema = z.enum(["summary", "list", "retry", "hold", "release", "bounce", "delete"]).openapi({
  description: "summary: count by domain and age; list: the messages, the oldest first; retry: try now; hold: stop " +
    "delivery; release: go on with what is held; bounce: return to the sender; delete: take out of the queue, and " +
    "tell nobody",
});

const address = z.string().max(MAX_ADDRESS_CHARS);

const selectSchema = z.strictObject({
  ids: z.array(z.string().min(1).max(128)).min(1).max(MAX_IDS),
  account: z.string().max(128),
  domain: z.string().max(255).openapi({ description: "Of recipients: those of other domains stay as they are" }),
  sender: address.openapi({ description: "Reverse path; empty for the null one" }),
  recipient: address,
  receivedBefore: instant,
  status: z.enum(["queued", "held"]),
}).partial().openapi("QueueSelection");

export const orderSchema = z.strictObject({
  work: workSchema,
  select: selectSchema.default({}).openapi({ description: "What is meant: each field that is there narrows" }),
  all: z.literal(true).optional().openapi({ description: "To be said where nothing narrows and something is changed" }),
  reason: z.string().min(1).max(MAX_REASON_CHARS).regex(/^\P{Cc}*$/u, "expected no control characters").optional()
    .openapi({ description: "Stands in the history, and in the bounce", pattern: "^\\P{Cc}*$" }),
  limit: z.int().min(1).max(MAX_LISTED).default(DEFAULT_LISTED).openapi({ description: "list: at most so many" }),
}).refine(({ work, select, all }) => {
  // How they stand narrows nothing: nearly all are queued.
  const narrows = Object.keys(select).some((field) => field !== "status");
  return isQuestion(work) || all === true || narrows;
}, "expected a selection beside `status`, or `all: true`").openapi("QueueOrder");

/** Where a recipient of a message stands that has not ended. */
export const queuedStatus = z.enum(["queued", "held", "delivered", "bounced", "expired", "skipped", "deleted"]);

const count = z.int();

const domainSchema = z.object({
  domain: z.string(),
  recipients: count,
  held: count,
  ages: z.object({ under1h: count, under4h: count, under1d: count, older: count })
    .openapi({ description: "Recipients by the age of their message" }),
  oldestAt: timeSchema,
  nextAttemptAt: timeSchema.nullable().openapi({ description: "null: all are held" }),
  lastReply: z.string().nullable().openapi({ description: "What an attempt met last; null: none was made yet" }),
}).openapi("QueuedDomain");

const summarySchema = z.object({
  messages: count,
  recipients: count,
  held: count,
  damaged: count.openapi({ description: "Messages that cannot be read any more, and were set aside" }),
  domains: z.array(domainSchema).openapi({ description: "Those with the most recipients first" }),
  otherDomains: count.openapi({ description: "How many more there are" }),
  suspended: z.array(z.object({ destination: z.string(), why: z.string() }))
    .openapi({ description: "Next hops that are left alone for now: no host of theirs could be reached" }),
}).openapi("QueueSummary");

const messageSchema = z.object({
  id: z.string(),
  account: z.string(),
  sender: z.string(),
  receivedAt: timeSchema,
  sizeBytes: count,
  inDelivery: z.boolean().openapi({ description: "It is being tried at this moment" }),
  recipients: z.array(z.object({
    address: z.string(),
    status: queuedStatus,
    attempts: count,
    nextAttemptAt: timeSchema.nullable(),
    lastReply: z.string().nullable(),
  })).openapi({ description: "In a list the first ten; all where the message was asked for by its id" }),
}).openapi("QueuedMessage");

export const jobSchema = z.object({
  id: z.string(),
  at: timeSchema,
  work: workSchema,
  select: z.record(z.string(), z.unknown()),
  reason: z.string().nullable(),
  state: z.enum(["working", "done", "called-off"]),
  seen: count.openapi({ description: "Messages looked at, of `total`" }),
  total: count,
  done: count.openapi({ description: "Messages on which it was done" }),
  busy: count.openapi({ description: "Messages that are meant and in delivery just now: they are waited for" }),
  nodes: z.array(z.object({
    node: z.string(),
    state: z.enum(["waiting", "working", "done", "failed", "silent", "gone"]),
    trouble: z.string().nullable(),
  })),
  summary: summarySchema.nullable(),
  messages: z.array(messageSchema).nullable(),
}).openapi("QueueJob");

/** Without its answer. */
export const jobInListSchema = jobSchema.omit({ summary: true, messages: true }).openapi("QueueJobInList");

export const showJob = (answer: JobAnswer): z.infer<typeof jobSchema> => ({
  ...showJobInList(answer),
  summary: answer.summary && showSummary(answer.summary),
  messages: answer.messages?.map(showMessage) ?? null,
});

export const showJobInList = ({ id, at, order, state, parts }: JobState): z.infer<typeof jobInListSchema> => {
  const sum = (field: "seen" | "total" | "done" | "busy") =>
    parts.reduce((total, { progress }) => total + (progress?.[field] ?? 0), 0);
  const { receivedBefore, ...select } = order.select;
  return {
    ...{ id, at: rfc3339(at), work: order.work, reason: order.reason, state },
    select: { ...select, ...(receivedBefore !== undefined && { receivedBefore: rfc3339(receivedBefore) }) },
    ...{ seen: sum("seen"), total: sum("total"), done: sum("done"), busy: sum("busy") },
    nodes: parts.map(({ node, state, progress }) => ({ node, state, trouble: progress?.trouble ?? null })),
  };
};

const showSummary = (summary: QueueSummary): z.infer<typeof summarySchema> => ({
  ...summary,
  domains: summary.domains.map(showDomain),
  suspended: [...summary.suspended],
});

const showDomain = ({ oldestAt, nextAttemptAt, ...same }: QueuedDomain): z.infer<typeof domainSchema> => ({
  ...same,
  oldestAt: rfc3339(oldestAt),
  nextAttemptAt: nullable(nextAttemptAt),
});

const showMessage = ({ receivedAt, recipients, ...same }: QueuedMessageFacts): z.infer<typeof messageSchema> => ({
  ...same,
  receivedAt: rfc3339(receivedAt),
  recipients: recipients.map(({ nextAttemptAt, ...rest }) => ({ ...rest, nextAttemptAt: nullable(nextAttemptAt) })),
});

const nullable = (time: number | null): string | null => time === null ? null : rfc3339(time);
