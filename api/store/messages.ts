/**
 * Table `message`: one row for each message that was accepted. How it is searched is in message_search.ts.
 */
import { type ExpressionBuilder, type Kysely, sql, type Transaction } from "kysely";
import { addressKey } from "../address_key.ts";
import type { AcceptedEvent } from "../wire.ts";
import type { Position } from "./message_search.ts";
import { OPEN } from "./recipients.ts";
import { exclusively } from "./dialect.ts";
import { rowsInto } from "./many_rows.ts";
import { remembered } from "./remembered.ts";
import type { Database, MessageRow } from "./schema.ts";

/** Messages that one step of pruning deletes, with their recipients and events: 3 ms, for which nodes have to wait. */
const PRUNE_BATCH = 50;

const insertRows = rowsInto("message", [
  "id",
  "account",
  "sender",
  "sender_key",
  "received_at",
  "size_bytes",
  "relays",
  "message_id_field",
  "node",
  "status",
], "on conflict do nothing");

/** `status` says of each how it stands: delivered at once, or queued. */
export const insertMessages = async (
  db: Transaction<Database>,
  node: string,
  messages: readonly AcceptedEvent[],
  status: (message: AcceptedEvent) => "queued" | "delivered",
): Promise<void> => {
  await insertRows(
    db,
    messages.map((event): MessageRow => ({
      id: event.messageId,
      account: event.account,
      sender: event.sender,
      sender_key: addressKey(event.sender),
      received_at: event.at,
      size_bytes: event.sizeBytes,
      relays: event.relays,
      message_id_field: event.messageIdField,
      node,
      status: status(event),
    })),
  );
};

/**
 * Brings the status of messages in line with their recipients': deferred, queued or held while one is; otherwise
 * delivered if all were, partial if some were; if none was, bounced where one bounced, expired where one ran out of
 * time, deleted where the operator had one taken out of the queue, skipped where nothing was sent to any.
 */
export const refreshStatus = async (db: Transaction<Database>, messageIds: readonly string[]): Promise<void> => {
  if (messageIds.length > 0) await setStatus(db, messageIds);
};

const setStatus = remembered((db, messageIds: readonly string[]) => ({
  compile: () =>
    sql`
    update message set status = (
      select case
        when count(case when status = 'deferred' then 1 end) > 0 then 'deferred'
        when count(case when status = 'queued' then 1 end) > 0 then 'queued'
        when count(case when status = 'held' then 1 end) > 0 then 'held'
        when count(case when status = 'delivered' then 1 end) = count(*) then 'delivered'
        when count(case when status = 'delivered' then 1 end) > 0 then 'partial'
        when count(case when status = 'bounced' then 1 end) > 0 then 'bounced'
        when count(case when status = 'expired' then 1 end) > 0 then 'expired'
        when count(case when status = 'deleted' then 1 end) > 0 then 'deleted'
        else 'skipped'
      end
      from recipient where recipient.message_id = message.id
    )
    where id in (${sql.join(messageIds)})
  `.compile(db),
}));

/** Of each of `ids`, at least one, that is there: the node that told of it, and what it cost. */
export const findMessageNodes = remembered((db, ids: readonly string[]) =>
  db.selectFrom("message").select(["id", "node", "relays"]).where("id", "in", ids)
);

export const findMessage = (db: Kysely<Database>, id: string): Promise<MessageRow | undefined> =>
  db.selectFrom("message").selectAll().where("id", "=", id).executeTakeFirst();

/** Nothing was told of it since `lostBefore`. What is held is never lost: it waits for the operator, without a word. */
const isLost = (row: ExpressionBuilder<Database, "message">, lostBefore: number) =>
  row.and([
    row("received_at", "<", lostBefore),
    row("status", "!=", "held"),
    row.not(row.exists(
      row.selectFrom("event").select("event.id").whereRef("event.message_id", "=", "message.id")
        .where("event.at", ">=", lostBefore),
    )),
  ]);

/**
 * Deletes some of the messages that were received before `before` (epoch ms) and have ended, or are lost, with all that
 * is stored of them, the oldest behind `behind` first.
 *
 * @param lostBefore epoch ms, not after `before`: of mail that is under way something is told within that time.
 * @returns where to go on; null: there are no more.
 */
export const pruneMessages = (
  db: Kysely<Database>,
  before: number,
  lostBefore: number,
  behind: Position | null,
): Promise<Position | null> =>
  exclusively(db, ["messages' pruning"], async (transaction) => {
    let query = transaction.selectFrom("message").select(["id", "received_at"]).where("received_at", "<", before)
      .where((row) => row.or([row("status", "not in", OPEN), isLost(row, lostBefore)]));
    if (behind !== null) {
      query = query.where((row) =>
        row(row.refTuple("received_at", "id"), ">", row.tuple(behind.receivedAt, behind.id))
      );
    }
    const rows = await query.orderBy("received_at").orderBy("id").limit(PRUNE_BATCH).execute();
    const ids = rows.map(({ id }) => id);
    if (ids.length > 0) {
      await transaction.deleteFrom("event").where("message_id", "in", ids).execute();
      await transaction.deleteFrom("recipient").where("message_id", "in", ids).execute();
      await transaction.deleteFrom("message").where("id", "in", ids).execute();
    }
    const last = rows[PRUNE_BATCH - 1];
    return last === undefined ? null : { receivedAt: last.received_at, id: last.id };
  });
