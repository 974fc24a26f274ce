/**
 * Takes in the events of a node: stores each once, and keeps messages, recipients and suppressed addresses in line
 * with them. Of a message that is another machine's, or that no node has told of, nothing is taken.
 *
 * One transaction for a batch, so that an event is stored if and only if its effect is.
 */
import type { Kysely, Transaction } from "kysely";
import { type ActivityChange, changeActivity } from "./store/activity.ts";
import { exclusively } from "./store/dialect.ts";
import { insertEvents } from "./store/events.ts";
import { findMessageNodes, insertMessages, refreshStatus } from "./store/messages.ts";
import { hasEnded, insertRecipients, type RecipientChange, setRecipientStatus } from "./store/recipients.ts";
import type { Database, RecipientStatus } from "./store/schema.ts";
import { suppress } from "./store/suppressions.ts";
import { dayOf } from "./utc_day.ts";
import type { AcceptedEvent, AttemptEvent, NodeEvent } from "./wire.ts";

/** What an event makes of its recipients; null: nothing. */
const statusOf = ({ type }: NodeEvent): RecipientStatus | null => {
  switch (type) {
    case "accepted":
    case "returned":
      return null;
    case "released":
      return "deferred"; // it will be tried
    default:
      return type;
  }
};

const keyOf = (messageId: string, address: string): string => `${messageId} ${address}`;

/** The last word on each recipient, by `keyOf`, in the order of the events; a final one is not taken back. */
const changesOf = (events: readonly NodeEvent[]): Map<string, RecipientChange> => {
  const changes = new Map<string, RecipientChange>();
  for (const event of events) {
    const status = statusOf(event);
    if (status === null) continue;
    for (const address of event.recipients) {
      const key = keyOf(event.messageId, address);
      const before = changes.get(key);
      if (before !== undefined && hasEnded(before.status)) continue;
      changes.set(key, { messageId: event.messageId, address, status });
    }
  }
  return changes;
};

/** What the events of customers' messages add to each account's day. */
const activityOf = (events: readonly NodeEvent[]): ActivityChange[] => {
  const days = new Map<
    string,
    { -readonly [Name in keyof ActivityChange]: ActivityChange[Name] } & { addresses: string[] }
  >();
  for (const event of events) {
    const addresses = event.type === "accepted" ? event.recipients : [];
    // What the operator had returned was refused by nobody.
    const refused = event.type === "bounced" && event.byOperator !== true ? event.recipients.length : 0;
    const outcomes = event.type === "delivered" ? event.recipients.length : refused;
    if (addresses.length === 0 && outcomes === 0) continue;
    const { account: username } = event, day = dayOf(event.at), key = `${day} ${username}`;
    const change = days.get(key) ?? { username, day, addresses: [], outcomes: 0, refused: 0 };
    change.addresses.push(...addresses);
    change.outcomes += outcomes;
    change.refused += refused;
    days.set(key, change);
  }
  return [...days.values()];
};

const isAccepted = (event: NodeEvent): event is AcceptedEvent => event.type === "accepted";

const isBadAddress = (event: NodeEvent): event is AttemptEvent => event.type === "bounced" && event.badAddress === true;

/** Who tells: a node, whose token speaks for others of its machine too, or for any. */
export interface Teller {
  readonly node: string;
  readonly speaksFor: (node: string) => Promise<boolean>;
}

/**
 * What each of the events' messages cost that is the teller's, by id: told of before by a node that it speaks for, or
 * now for the first time. Not by this node alone: where a spool's index was damaged, it goes on by another name.
 */
const ownMessages = async (
  db: Kysely<Database>,
  { node, speaksFor }: Teller,
  events: readonly NodeEvent[],
): Promise<Map<string, number>> => {
  const own = new Map(events.filter(isAccepted).map(({ messageId, relays }) => [messageId, relays]));
  const told = await findMessageNodes(db, [...new Set(events.map(({ messageId }) => messageId))]);
  for (const [owner, messages] of Map.groupBy(told, (message) => message.node)) {
    const isOwn = owner === node || await speaksFor(owner);
    for (const { id, relays } of messages) {
      if (isOwn) own.set(id, relays);
      else own.delete(id);
    }
  }
  return own;
};

const record = async (
  db: Transaction<Database>,
  node: string,
  own: ReadonlyMap<string, number>,
  events: readonly NodeEvent[],
): Promise<void> => {
  const fresh = await insertEvents(db, events);
  const accepted = fresh.filter(isAccepted);
  const changes = changesOf(fresh);
  // Most mail is delivered at once, and both are told together: it goes in as it stands.
  const standing = (messageId: string, address: string) => changes.get(keyOf(messageId, address))?.status ?? "queued";
  const isDelivered = ({ messageId, recipients }: AcceptedEvent) =>
    recipients.every((address) => standing(messageId, address) === "delivered");
  await insertMessages(db, node, accepted, (event) => isDelivered(event) ? "delivered" : "queued");
  await insertRecipients(db, accepted, standing);
  const inserted = new Set(accepted.map(({ messageId }) => messageId));
  const settled = new Set(accepted.filter(isDelivered).map(({ messageId }) => messageId));
  const unsettled = [...changes.values()].filter(({ messageId }) => !settled.has(messageId));
  await setRecipientStatus(db, unsettled.filter(({ messageId }) => !inserted.has(messageId)));
  await refreshStatus(db, [...new Set(unsettled.map((change) => change.messageId))]);
  await suppress(db, fresh.filter(isBadAddress));
  // What the relay itself made, a DSN for each recipient that was refused, say, costs nothing and is nobody's activity.
  await changeActivity(db, activityOf(fresh.filter(({ messageId }) => own.get(messageId)! > 0)));
};

/**
 * Commits events; not yet durable when it resolves.
 *
 * @returns those that were left out, since their message is of a node that the teller does not speak for, or was never
 *   told of.
 */
export const recordEvents = async (
  db: Kysely<Database>,
  teller: Teller,
  events: readonly NodeEvent[],
): Promise<NodeEvent[]> => {
  if (events.length === 0) return [];
  // Whose a message is, is never changed, so it may be looked up before.
  const own = await ownMessages(db, teller, events);
  const { told = [], leftOut = [] } = Object.groupBy(
    events,
    ({ messageId }) => own.has(messageId) ? "told" : "leftOut",
  );
  // What else it reads is of these messages, and nobody else tells of them.
  if (told.length > 0) await exclusively(db, [], (transaction) => record(transaction, teller.node, own, told));
  return leftOut;
};
