/**
 * Addresses that failed for good, for each account, and what the account wants of mail to them. The addresses come with
 * the events of nodes, which must not fail for an account that is no more: hence no reference to it.
 */
import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

export const suppressions: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.createTable("suppression")
      .addColumn("username", "text", (column) => column.notNull())
      .addColumn("address_key", "text", (column) => column.notNull())
      .addColumn("address", "text", (column) => column.notNull())
      .addColumn("reply", "text", (column) => column.notNull())
      .addColumn("message_id", "text", (column) => column.notNull())
      .addColumn("failed_at", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("suppression_key", ["username", "address_key"])
      .execute();
    await db.schema.createTable("suppression_choice")
      .addColumn("username", "text", (column) => column.primaryKey().references("account.username"))
      .addColumn("choice", "text", (column) => column.notNull())
      .execute();
  },
};
