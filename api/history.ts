/**
 * Takes in the events of a node: stores each once, and keeps messages, recipients and suppressed addresses in line
 * with them.
 *
 * One transaction for a batch, so that an event is stored if and only if its effect is.
 */
import type { Kysely, Transaction } from "kysely";
import { insertEvents } from "./store/events.ts";
import { insertMessages, refreshStatus } from "./store/messages.ts";
import { insertRecipients, type RecipientChange, setRecipientStatus } from "./store/recipients.ts";
import type { Database } from "./store/schema.ts";
import { suppress } from "./store/suppressions.ts";
import type { AcceptedEvent, AttemptEvent, NodeEvent } from "./wire.ts";

/** The last word on each recipient, in the order of the events; a final one is not taken back. */
const changesOf = (events: readonly NodeEvent[]): RecipientChange[] => {
  const changes = new Map<string, RecipientChange>();
  for (const event of events) {
    if (event.type === "accepted" || event.type === "returned") continue;
    for (const address of event.recipients) {
      const key = `${event.messageId} ${address}`;
      const before = changes.get(key);
      if (before !== undefined && before.status !== "deferred") continue;
      changes.set(key, { messageId: event.messageId, address, status: event.type });
    }
  }
  return [...changes.values()];
};

const isAccepted = (event: NodeEvent): event is AcceptedEvent => event.type === "accepted";

const isBadAddress = (event: NodeEvent): event is AttemptEvent => event.type === "bounced" && event.badAddress === true;

const record = async (db: Transaction<Database>, node: string, events: readonly NodeEvent[]): Promise<void> => {
  const fresh = await insertEvents(db, events);
  const accepted = fresh.filter(isAccepted);
  const changes = changesOf(fresh);
  await insertMessages(db, node, accepted);
  await insertRecipients(db, accepted);
  await setRecipientStatus(db, changes);
  await refreshStatus(db, [...new Set(changes.map((change) => change.messageId))]);
  await suppress(db, fresh.filter(isBadAddress));
};

/** Commits `events` of `node`; not yet durable when it resolves. */
export const recordEvents = async (
  db: Kysely<Database>,
  node: string,
  events: readonly NodeEvent[],
): Promise<void> => {
  if (events.length === 0) return;
  await db.transaction().execute((transaction) => record(transaction, node, events));
};
