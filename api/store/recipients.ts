/** Table `recipient`: where each recipient of a message stands. A final status never changes again. */
import { type Kysely, sql, type Transaction } from "kysely";
import { addressKey } from "../address_key.ts";
import type { AcceptedEvent } from "../wire.ts";
import { chunks } from "./chunks.ts";
import { rowsInto } from "./many_rows.ts";
import type { Database, RecipientRow, RecipientStatus } from "./schema.ts";

const insertRows = rowsInto("recipient", [
  "message_id",
  "n",
  "address",
  "address_key",
  "status",
  "account",
  "received_at",
], "on conflict do nothing");

/** `status` says of each how it stands. */
export const insertRecipients = async (
  db: Transaction<Database>,
  messages: readonly AcceptedEvent[],
  status: (messageId: string, address: string) => RecipientStatus,
): Promise<void> => {
  await insertRows(
    db,
    messages.flatMap(({ messageId, account, at, recipients }) =>
      recipients.map((address, n): RecipientRow => ({
        message_id: messageId,
        n,
        address,
        address_key: addressKey(address),
        status: status(messageId, address),
        account,
        received_at: at,
      }))
    ),
  );
};

/** Those of which something is still to come. */
export const OPEN: readonly RecipientStatus[] = ["queued", "deferred", "held"];

export const hasEnded = (status: RecipientStatus): boolean => !OPEN.includes(status);

export interface RecipientChange {
  readonly messageId: string;
  readonly address: string;
  readonly status: RecipientStatus;
}

/** `changes` names a recipient once at most. */
export const setRecipientStatus = async (
  db: Transaction<Database>,
  changes: readonly RecipientChange[],
): Promise<void> => {
  for (const chunk of chunks(changes)) {
    const rows = chunk.map(({ messageId, address, status }) => sql`(${messageId}, ${address}, ${status})`);
    await sql`
      update recipient set status = change.column3
      from (values ${sql.join(rows)}) as change
      where recipient.message_id = change.column1 and recipient.address = change.column2
        and recipient.status in (${sql.join(OPEN)})
    `.execute(db);
  }
};

/** The recipients of `messageIds`, each message's in the order of RCPT. */
export const listRecipients = async (
  db: Kysely<Database>,
  messageIds: readonly string[],
): Promise<Map<string, RecipientRow[]>> => {
  const rows = messageIds.length === 0
    ? []
    : await db.selectFrom("recipient").selectAll().where("message_id", "in", messageIds)
      .orderBy("message_id").orderBy("n").execute();
  return Map.groupBy(rows, (row) => row.message_id);
};
