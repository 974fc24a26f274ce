/** Accounts, the blocks they bought, and the networks that may relay for them. */
import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

export const accounts: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.createTable("account")
      .addColumn("username", "text", (column) => column.primaryKey())
      .addColumn("password_hash", "text", (column) => column.notNull())
      .addColumn("email", "text")
      .addColumn("status", "text", (column) => column.notNull())
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .execute();

    await db.schema.createTable("block")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("username", "text", (column) => column.notNull().references("account.username"))
      .addColumn("quantity", "integer", (column) => column.notNull())
      .addColumn("purchased_at", "bigint", (column) => column.notNull())
      .addColumn("activates_at", "bigint", (column) => column.notNull())
      .addColumn("cancelled_at", "bigint")
      .execute();
    await db.schema.createIndex("block_of_account").on("block").columns(["username", "activates_at"]).execute();

    await db.schema.createTable("network")
      .addColumn("range_key", "text", (column) => column.primaryKey())
      .addColumn("cidr", "text", (column) => column.notNull())
      .addColumn("username", "text", (column) => column.notNull().references("account.username"))
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .execute();
    await db.schema.createIndex("network_of_account").on("network").column("username").execute();
  },
};
