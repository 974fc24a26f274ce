/** Table `event`: what happened to a message, each event stored once by its id. */
import type { Kysely, Transaction } from "kysely";
import type { NodeEvent } from "../wire.ts";
import { rowsInto } from "./many_rows.ts";
import type { Database, EventRow } from "./schema.ts";

/** What is in columns of its own, here or in `message`, is not repeated in the detail. */
const toRow = ({ id, messageId, account: _, at, type, ...detail }: NodeEvent): EventRow => ({
  message_id: messageId,
  id,
  at,
  type,
  detail: JSON.stringify(detail),
});

const insertRows = rowsInto<"event", { readonly id: string }>(
  "event",
  ["message_id", "id", "at", "type", "detail"],
  'on conflict do nothing returning "id"',
);

/** Stores those of `events` that are new. @returns the new ones, in their order. */
export const insertEvents = async (
  db: Transaction<Database>,
  events: readonly NodeEvent[],
): Promise<NodeEvent[]> => {
  const fresh = new Set((await insertRows(db, events.map(toRow))).map(({ id }) => id));
  // `delete` says whether it was still there: an id that stands twice in one batch passes once.
  return events.filter((event) => fresh.delete(event.id));
};

/** A message's events as they happened. */
export const listEvents = (db: Kysely<Database>, messageId: string): Promise<EventRow[]> =>
  db.selectFrom("event").selectAll().where("message_id", "=", messageId).orderBy("at").orderBy("id").execute();
