/** How messages and their events look in the public API, and how rows become that. */
import { z } from "@hono/zod-openapi";
import type { EventRow, MessageRow, RecipientRow } from "../store/schema.ts";
import { rfc3339 } from "../utc_day.ts";
import { timeSchema } from "./router.ts";

const recipientStatus = z.enum(
  ["queued", "deferred", "held", "delivered", "bounced", "expired", "skipped", "deleted"],
);

export const messageStatus = z.enum([...recipientStatus.options, "partial"]).openapi({
  description: "queued: not tried yet; deferred: will be tried again; held: the operator has stopped it; delivered, " +
    "bounced, expired, deleted: ended so for all; skipped: nothing was sent, for the address failed for good before " +
    "and the account has chosen so; partial: ended, and delivered to some only",
});

export const messageSchema = z.object({
  id: z.string().openapi({ description: "Stands in Received, in the 250 and in the log" }),
  account: z.string(),
  sender: z.string().openapi({ description: "Reverse path; empty for the null one" }),
  recipients: z.array(z.object({ address: z.string(), status: recipientStatus })),
  receivedAt: timeSchema,
  sizeBytes: z.int(),
  relays: z.int().openapi({ description: "What it cost" }),
  messageId: z.string().nullable().openapi({ description: "Its Message-ID field" }),
  node: z.string(),
  status: messageStatus,
}).openapi("Message");

const eventSchema = z.object({
  id: z.string(),
  at: timeSchema,
  type: z.enum(
    ["accepted", "delivered", "deferred", "bounced", "expired", "skipped", "returned", "held", "released", "deleted"],
  ),
  recipients: z.array(z.string()).openapi({ description: "Those it is about" }),
  origin: z.object({ address: z.string(), helo: z.string(), protocol: z.string(), tls: z.string().nullable() })
    .nullable().optional().openapi({ description: "accepted: how it came; null where the relay made it" }),
  ndr: z.literal(true).optional().openapi({ description: "accepted: it was counted as a non-delivery report" }),
  policy: z.string().nullable().optional()
    .openapi({ description: "accepted: the hash of the policy module that let it in; null where the relay made it" }),
  host: z.string().nullable().optional().openapi({ description: "The remote host of an attempt" }),
  address: z.string().nullable().optional(),
  tls: z.string().nullable().optional(),
  tlsVerdict: z.string().optional().openapi({ description: "What became of the domain's MTA-STS policy" }),
  reply: z.string().optional().openapi({
    description: "The remote server's own words, what went wrong, or why nothing was sent",
  }),
  byOperator: z.literal(true).optional().openapi({ description: "bounced: the operator had it returned" }),
  reason: z.string().nullable().optional().openapi({ description: "held, released, deleted: the operator's words" }),
  attempt: z.int().optional(),
  nextAttemptAt: timeSchema.nullable().optional(),
  dsnId: z.string().optional().openapi({ description: "returned: the message that tells the sender" }),
}).openapi("Event");

export const historySchema = messageSchema.extend({ events: z.array(eventSchema) }).openapi("MessageHistory");

export const showMessage = (row: MessageRow, recipients: readonly RecipientRow[]): z.infer<typeof messageSchema> => ({
  id: row.id,
  account: row.account,
  sender: row.sender,
  recipients: recipients.map(({ address, status }) => ({ address, status })),
  receivedAt: rfc3339(row.received_at),
  sizeBytes: row.size_bytes,
  relays: row.relays,
  messageId: row.message_id_field,
  node: row.node,
  status: row.status,
});

/** What events.ts stored as detail: a node's event without the fields that have columns. */
const storedDetail = eventSchema.omit({ id: true, at: true, type: true, nextAttemptAt: true })
  .extend({ nextAttemptAt: z.int().nullable().optional() });

export const showEvent = (row: EventRow): z.infer<typeof eventSchema> => {
  const { nextAttemptAt, ...detail } = storedDetail.parse(JSON.parse(row.detail));
  const event = { id: row.id, at: rfc3339(row.at), type: eventSchema.shape.type.parse(row.type), ...detail };
  if (nextAttemptAt === undefined) return event;
  return { ...event, nextAttemptAt: nextAttemptAt === null ? null : rfc3339(nextAttemptAt) };
};
