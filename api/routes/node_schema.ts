/**
 * What a node may send, checked at the door. The types and their meaning are in ../wire.ts.
 */
import { z } from "zod";
import { PARAMETERS, STAGE_NAMES } from "../../policy/mod.ts";
import type {
  DkimKeyQuestion,
  NodeDecisions,
  NodeEvent,
  NoticeMailReport,
  PolicyReport,
  Refund,
  ReservationRequest,
  Settlement,
  SuppressionQuestion,
  Trim,
} from "../wire.ts";

/** Items in one call; together with ITEM limits below it keeps the largest legal body under the body limit. */
export const MAX_BATCH_ITEMS = 512;
/** RFC 5321 4.5.3.1.3 allows 256 octets for a path; SMTPUTF8 and sloppy peers get some room. */
const MAX_ADDRESS_CHARS = 512;
/** Longest id, name or label of a node. */
const MAX_NAME_CHARS = 128;
/** Remote words that are kept; a node cuts longer ones. */
const MAX_REPLY_CHARS = 8192;
/** RFC 5322 2.1.1: a line has at most 998 octets. */
const MAX_FIELD_CHARS = 998;
/** The most that the policy can be told to accept for one message. */
const MAX_RECIPIENTS = PARAMETERS.maxRecipients.most;
/** The most that PostgreSQL's integers hold; no account can buy as many. */
const MAX_RELAYS = 2 ** 31 - 1;

const name = z.string().min(1).max(MAX_NAME_CHARS);
const text = z.string().max(MAX_FIELD_CHARS);
const day = z.iso.date("expected a UTC day such as 2026-11-23");
const relays = z.int().min(1).max(MAX_RELAYS);
const time = z.int().min(0);
const count = z.int().min(0);
const address = z.string().max(MAX_ADDRESS_CHARS);
const recipients = z.array(address.min(1)).min(1).max(MAX_RECIPIENTS);
const reply = z.string().max(MAX_REPLY_CHARS);

const reservation: z.ZodType<ReservationRequest> = z.object({
  ...{ id: name, username: name, relays, ndr: z.boolean() },
  lease: z.literal(true).optional(),
});
const settlement: z.ZodType<Settlement> = z.object({
  ...{ id: name, username: name, day, relays, ndr: z.boolean() },
  lease: name.optional(),
});
const trim: z.ZodType<Trim> = z.object({ id: name, username: name, day, relays: count.max(MAX_RELAYS) });
const refund: z.ZodType<Refund> = z.object({ id: name, username: name, day: day.nullable(), relays });

const eventBase = { id: name, messageId: name, account: name, at: time };
const attempt = {
  ...eventBase,
  recipients,
  host: text.nullable(),
  address: text.nullable(),
  tls: text.nullable(),
  tlsVerdict: text.optional(),
  reply,
  badAddress: z.literal(true).optional(),
  byOperator: z.literal(true).optional(),
  attempt: count,
  nextAttemptAt: time.nullable(),
};
const event: z.ZodType<NodeEvent> = z.discriminatedUnion("type", [
  z.object({
    ...eventBase,
    type: z.literal("accepted"),
    sender: address,
    recipients,
    sizeBytes: z.int().min(0),
    relays: count.max(MAX_RELAYS),
    ndr: z.literal(true).optional(),
    messageIdField: text.nullable(),
    origin: z.object({ address: text, helo: text, protocol: text, tls: text.nullable() }).nullable(),
    policy: text.nullable(),
  }),
  z.object({ ...attempt, type: z.literal(["delivered", "deferred", "bounced"]) }),
  z.object({ ...eventBase, type: z.literal(["expired", "skipped"]), recipients, reply }),
  z.object({ ...eventBase, type: z.literal("returned"), recipients, dsnId: name }),
  z.object({ ...eventBase, type: z.literal(["held", "released", "deleted"]), recipients, reason: text.nullable() }),
]);

const batch = <Item extends z.ZodType>(item: Item) =>
  z.object({ node: name, boot: name, items: z.array(item).max(MAX_BATCH_ITEMS) });

export const loginBody = z.object({ username: z.string().max(256), password: z.string().max(1024), address: text });
export const reservationsBody = batch(reservation);
/** `held`: accounts whose leases the node has. */
export const leasesBody = batch(trim).extend({ held: z.array(name).max(MAX_BATCH_ITEMS) });
export const settlementsBody = batch(settlement);
export const refundsBody = batch(refund);
export const recoverBody = z.object({ node: name, boot: name });
/** A domain in lower-case A-labels; RFC 1035 2.3.4: at most 253 characters. */
const domain = z.string().max(253);
export const domainOwnersBody = z.object({ domains: z.array(domain).max(MAX_BATCH_ITEMS) });
const dkimKeyQuestion: z.ZodType<DkimKeyQuestion> = z.object({ account: name.nullable(), domain });
export const dkimKeysBody = z.object({ items: z.array(dkimKeyQuestion).max(MAX_BATCH_ITEMS) });
const suppressionQuestion: z.ZodType<SuppressionQuestion> = z.object({ account: name, address });
export const suppressionsBody = z.object({ items: z.array(suppressionQuestion).max(MAX_BATCH_ITEMS) });
export const eventsBody = z.object({ node: name, items: z.array(event).max(MAX_BATCH_ITEMS) });

/** Of what a module did; a node cuts longer words. */
const MAX_FAULT_CHARS = 1000;
/** Ways of differing in one report: stages and reasons are few. */
const MAX_DIFFERENCES = 4096;
/** Chunks in one call, and base64 characters of one: far under the body limit together. */
const MAX_CHUNKS = 16;
const MAX_CHUNK_CHARS = 1024 * 1024;
/** Names and sets in the head of one chunk. */
const MAX_HEAD = 10_000;

const hash = z.string().regex(/^[0-9a-f]{64}$/, "expected a SHA-256 in hex");
const reason = z.int().min(0);

export const policyReportBody: z.ZodType<PolicyReport> = z.object({
  node: name,
  version: count,
  module: hash,
  shadow: hash.nullable(),
  faults: z.array(z.object({ module: hash, shadow: z.boolean(), detail: z.string().max(MAX_FAULT_CHARS) })).max(16),
  compared: z.object({
    module: hash,
    compared: count,
    left: count,
    differences: z.array(z.object({ stage: z.enum(STAGE_NAMES), was: reason, would: reason, count }))
      .max(MAX_DIFFERENCES),
  }).nullable(),
  dropped: count,
});

const chunk: z.ZodType<NodeDecisions> = z.object({
  id: name,
  format: count,
  modules: z.array(hash).max(MAX_HEAD),
  parameters: z.array(z.record(z.string(), z.number())).max(MAX_HEAD),
  accounts: z.array(name).max(MAX_HEAD),
  from: time,
  until: time,
  count: z.int().min(1),
  octets: z.base64().max(MAX_CHUNK_CHARS),
});

export const decisionsBody = z.object({ node: name, chunks: z.array(chunk).max(MAX_CHUNKS) });

/** Notices in one call: few are ever due at once. */
const MAX_NOTICES = 64;

export const noticeMailBody: z.ZodType<NoticeMailReport> = z.object({
  node: name,
  stored: z.array(name).max(MAX_NOTICES),
  wanted: count.max(MAX_NOTICES),
});
