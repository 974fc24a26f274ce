/**
 * Notices go out as mail, too, unless their account does not want that; and blocks are looked for by the instants at
 * which they begin and cease to count.
 */
import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

export const notices: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable("account")
      .addColumn("notice_mail", "integer", (column) => column.notNull().defaultTo(1)).execute();
    // Those that stand there already stay without mail.
    await db.schema.alterTable("notice").addColumn("mail_due_at", "bigint").execute();
    await db.schema.createIndex("notice_to_mail").on("notice").column("mail_due_at")
      .where("mail_due_at", "is not", null).execute();
    await db.schema.createIndex("block_by_activation").on("block").column("activates_at").execute();
    await db.schema.createIndex("block_by_end").on("block").column("cancelled_at")
      .where("cancelled_at", "is not", null).execute();
  },
};
