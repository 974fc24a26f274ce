/**
 * The search for messages: by account, sender, recipient, Message-ID, time and status, the newest first.
 *
 * The ids are found first, in an index that is in the order of the answer, and only the rows of the page are read: what
 * a search takes follows from the page, not from how many messages fit. SQLite and Postgres understand it alike.
 */
import { type ExpressionBuilder, type Kysely, sql } from "kysely";
import { addressKey } from "../address_key.ts";
import type { Database, MessageRow, MessageStatus } from "./schema.ts";

/** A place in the list, which goes from the newest message to the oldest. */
export interface Position {
  readonly receivedAt: number;
  readonly id: string;
}

/** Each one given narrows the search. Addresses are compared as ../address_key.ts has them. */
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

type Conditions = Omit<MessageFilter, "recipient" | "since" | "until" | "behind">;

/** What narrows a search but for recipient and time. */
const conditions =
  ({ account, sender, messageIdField, status }: Conditions) => (row: ExpressionBuilder<Database, "message">) => {
    const terms = [];
    if (account !== undefined) terms.push(row("message.account", "=", account));
    if (sender !== undefined) terms.push(row("message.sender_key", "=", addressKey(sender)));
    if (messageIdField !== undefined) {
      const bare = messageIdField.replace(/^[<>]+|[<>]+$/g, "");
      terms.push(row(sql<string>`trim(message.message_id_field, '<>')`, "=", bare));
    }
    if (status !== undefined) terms.push(row("message.status", "=", status));
    // As a literal it says that the index of the others will do.
    if (status !== undefined && status !== "delivered") terms.push(row("message.status", "!=", sql.lit("delivered")));
    return row.and(terms);
  };

/** The ids of the newest that fit, from an index in the order of the answer. */
const findIds = (db: Kysely<Database>, { since, until, behind, ...others }: MessageFilter, limit: number) => {
  let query = db.selectFrom("message").select("id").where(conditions(others));
  if (since !== undefined) query = query.where("received_at", ">=", since);
  if (until !== undefined) query = query.where("received_at", "<", until);
  if (behind !== undefined) {
    query = query.where((row) => row(row.refTuple("received_at", "id"), "<", row.tuple(behind.receivedAt, behind.id)));
  }
  return query.orderBy("received_at", "desc").orderBy("id", "desc").limit(limit);
};

/** The same of those to `address`; one that names it twice is found once. */
const findIdsByRecipient = (
  db: Kysely<Database>,
  address: string,
  { account, since, until, behind, ...others }: MessageFilter,
  limit: number,
) => {
  let query = db.selectFrom("recipient").select("message_id as id")
    .where("address_key", "=", addressKey(address));
  if (account !== undefined) query = query.where("account", "=", account);
  if (since !== undefined) query = query.where("received_at", ">=", since);
  if (until !== undefined) query = query.where("received_at", "<", until);
  if (behind !== undefined) {
    query = query.where((row) =>
      row(row.refTuple("received_at", "message_id"), "<", row.tuple(behind.receivedAt, behind.id))
    );
  }
  if (Object.values(others).some((value) => value !== undefined)) {
    query = query.where((row) =>
      row.exists(
        row.selectFrom("message").select("message.id").whereRef("message.id", "=", "recipient.message_id")
          .where(conditions(others)),
      )
    );
  }
  return query.groupBy(["received_at", "message_id"]).orderBy("received_at", "desc").orderBy("message_id", "desc")
    .limit(limit);
};

/** The search as a query, for whoever wants to see its plan. */
export const messageSearch = (db: Kysely<Database>, { recipient, ...filter }: MessageFilter, limit: number) =>
  db.selectFrom("message").selectAll()
    .where(
      "id",
      "in",
      recipient === undefined ? findIds(db, filter, limit) : findIdsByRecipient(db, recipient, filter, limit),
    )
    .orderBy("received_at", "desc").orderBy("id", "desc");

/** At most `limit` messages, the newest first. */
export const searchMessages = (db: Kysely<Database>, filter: MessageFilter, limit: number): Promise<MessageRow[]> =>
  messageSearch(db, filter, limit).execute();
