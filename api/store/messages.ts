/**
 * Table `message`: one row for each message that was accepted, found by account, sender, recipient, Message-ID, time
 * and status.
 */
import { type Kysely, sql, type Transaction } from "kysely";
import type { AcceptedEvent } from "../wire.ts";
import type { Database, MessageRow, MessageStatus } from "./schema.ts";

export const insertMessages = async (
  db: Transaction<Database>,
  node: string,
  messages: readonly AcceptedEvent[],
): Promise<void> => {
  if (messages.length === 0) return;
  const rows = messages.map((event): MessageRow => ({
    id: event.messageId,
    account: event.account,
    sender: event.sender,
    received_at: event.at,
    size_bytes: event.sizeBytes,
    relays: event.relays,
    message_id_field: event.messageIdField,
    node,
    status: "queued",
  }));
  await db.insertInto("message").values(rows).onConflict((conflict) => conflict.doNothing()).execute();
};

/**
 * Brings the status of messages in line with their recipients': deferred, queued or held while one is; otherwise
 * delivered if all were, partial if some were; if none was, bounced where one bounced, expired where one ran out of
 * time, deleted where the operator had them all taken out of the queue.
 */
export const refreshStatus = async (db: Transaction<Database>, messageIds: readonly string[]): Promise<void> => {
  if (messageIds.length === 0) return;
  await sql`
    update message set status = (
      select case
        when count(case when status = 'deferred' then 1 end) > 0 then 'deferred'
        when count(case when status = 'queued' then 1 end) > 0 then 'queued'
        when count(case when status = 'held' then 1 end) > 0 then 'held'
        when count(case when status = 'delivered' then 1 end) = count(*) then 'delivered'
        when count(case when status = 'delivered' then 1 end) > 0 then 'partial'
        when count(case when status = 'bounced' then 1 end) > 0 then 'bounced'
        when count(case when status = 'expired' then 1 end) > 0 then 'expired'
        else 'deleted'
      end
      from recipient where recipient.message_id = message.id
    )
    where id in (${sql.join(messageIds)})
  `.execute(db);
};

/** Those of `ids` that a customer handed over: they cost something, and what the relay made does not. */
export const findCustomersMessages = async (db: Kysely<Database>, ids: readonly string[]): Promise<Set<string>> => {
  if (ids.length === 0) return new Set();
  const rows = await db.selectFrom("message").select("id").where("id", "in", [...new Set(ids)])
    .where("relays", ">", 0).execute();
  return new Set(rows.map(({ id }) => id));
};

/** A place in the list, which goes from the newest message to the oldest. */
export interface Position {
  readonly receivedAt: number;
  readonly id: string;
}

/** Each one given narrows the search. Addresses are compared without regard to case. */
export interface MessageFilter {
  readonly account?: string;
  /** Received at this instant or later. */
  readonly since?: number;
  /** Received before this instant. */
  readonly until?: number;
  readonly sender?: string;
  readonly recipient?: string;
  /** With or without its angle brackets. */
  readonly messageIdField?: string;
  readonly status?: MessageStatus;
  readonly behind?: Position;
}

/** At most `limit` messages, the newest first. */
export const searchMessages = (db: Kysely<Database>, filter: MessageFilter, limit: number): Promise<MessageRow[]> => {
  const { account, since, until, sender, recipient, messageIdField, status, behind } = filter;
  let query = db.selectFrom("message").selectAll();
  if (account !== undefined) query = query.where("account", "=", account);
  if (since !== undefined) query = query.where("received_at", ">=", since);
  if (until !== undefined) query = query.where("received_at", "<", until);
  if (sender !== undefined) query = query.where(sql<string>`lower(sender)`, "=", sender.toLowerCase());
  if (recipient !== undefined) {
    const address = recipient.toLowerCase();
    query = query.where(
      "id",
      "in",
      db.selectFrom("recipient").select("message_id").where(sql<string>`lower(address)`, "=", address),
    );
  }
  if (messageIdField !== undefined) {
    const bare = messageIdField.replace(/^<|>$/g, "");
    query = query.where("message_id_field", "in", [bare, `<${bare}>`]);
  }
  if (status !== undefined) query = query.where("status", "=", status);
  if (behind !== undefined) {
    query = query.where((row) => row(row.refTuple("received_at", "id"), "<", row.tuple(behind.receivedAt, behind.id)));
  }
  return query.orderBy("received_at", "desc").orderBy("id", "desc").limit(limit).execute();
};

export const findMessage = (db: Kysely<Database>, id: string): Promise<MessageRow | undefined> =>
  db.selectFrom("message").selectAll().where("id", "=", id).executeTakeFirst();
