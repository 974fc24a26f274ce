/**
 * The history of messages. Each search of GET /v1/messages has its index, in the order of its answer and with the
 * account at its end, so that ids are found in the index alone, however popular a sender or recipient is. Events lie
 * beside the others of their message (clustered by message), so that one message's history is one short range.
 */
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

export const history: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.createTable("message")
      .addColumn("id", "text", (column) => column.notNull())
      .addColumn("account", "text", (column) => column.notNull())
      .addColumn("sender", "text", (column) => column.notNull())
      .addColumn("sender_key", "text", (column) => column.notNull())
      .addColumn("received_at", "bigint", (column) => column.notNull())
      .addColumn("size_bytes", "bigint", (column) => column.notNull())
      .addColumn("relays", "integer", (column) => column.notNull())
      .addColumn("message_id_field", "text")
      .addColumn("node", "text", (column) => column.notNull())
      .addColumn("status", "text", (column) => column.notNull())
      .addPrimaryKeyConstraint("message_key", ["id"])
      .modifyEnd(sql`without rowid`)
      .execute();
    await db.schema.createIndex("message_by_time").on("message").columns(["received_at", "id"]).execute();
    await db.schema.createIndex("message_by_account").on("message").columns(["account", "received_at", "id"]).execute();
    // Of plain columns: in an index of expressions SQLite looks at the row of each entry all the same.
    await db.schema.createIndex("message_by_sender").on("message")
      .columns(["sender_key", "received_at", "id", "account"]).execute();
    await db.schema.createIndex("message_by_field").on("message")
      .expression(sql`trim(message_id_field, '<>'), received_at, id`).execute();
    // Nearly all are delivered in the end: those are found by time, and the index holds the others only.
    await db.schema.createIndex("message_by_status").on("message").columns(["status", "received_at", "id", "account"])
      .where(sql.ref("status"), "!=", sql.lit("delivered"))
      .execute();

    await db.schema.createTable("recipient")
      .addColumn("message_id", "text", (column) => column.notNull())
      .addColumn("n", "integer", (column) => column.notNull())
      .addColumn("address", "text", (column) => column.notNull())
      .addColumn("address_key", "text", (column) => column.notNull())
      .addColumn("status", "text", (column) => column.notNull())
      .addColumn("account", "text", (column) => column.notNull())
      .addColumn("received_at", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("recipient_key", ["message_id", "n"])
      .modifyEnd(sql`without rowid`)
      .execute();
    await db.schema.createIndex("recipient_by_address").on("recipient")
      .columns(["address_key", "received_at", "message_id", "account"]).execute();

    await db.schema.createTable("event")
      .addColumn("message_id", "text", (column) => column.notNull())
      .addColumn("id", "text", (column) => column.notNull())
      .addColumn("at", "bigint", (column) => column.notNull())
      .addColumn("type", "text", (column) => column.notNull())
      .addColumn("detail", "text", (column) => column.notNull())
      .addPrimaryKeyConstraint("event_key", ["message_id", "id"])
      .modifyEnd(sql`without rowid`)
      .execute();
  },
};
