/**
 * Who may do what beside the operator: keys of accounts and tokens of relay machines for the HTTP API, further passwords
 * for SMTP; and the audit log. And what makes a change safe to send twice, or from two places: names of purchases,
 * versions of accounts.
 */
import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

export const identity: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.createTable("api_key")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("username", "text", (column) => column.notNull().references("account.username"))
      .addColumn("label", "text", (column) => column.notNull())
      .addColumn("key_hash", "text", (column) => column.notNull().unique())
      .addColumn("scopes", "text", (column) => column.notNull())
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .addColumn("last_used_at", "bigint")
      .execute();
    await db.schema.createIndex("api_key_of_account").on("api_key").columns(["username", "id"]).execute();

    await db.schema.createTable("app_password")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("username", "text", (column) => column.notNull().references("account.username"))
      .addColumn("label", "text", (column) => column.notNull())
      .addColumn("password_hash", "text", (column) => column.notNull())
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .addColumn("last_used_at", "bigint")
      .addColumn("last_used_from", "text")
      .addUniqueConstraint("app_password_of_account", ["username", "password_hash"])
      .execute();

    await db.schema.createTable("relay_token")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("label", "text", (column) => column.notNull())
      .addColumn("token_hash", "text", (column) => column.notNull().unique())
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .addColumn("last_used_at", "bigint")
      .execute();

    await db.schema.createTable("relay_node")
      .addColumn("node", "text", (column) => column.primaryKey())
      .addColumn("label", "text", (column) => column.notNull())
      .execute();

    await db.schema.createTable("audit")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("at", "bigint", (column) => column.notNull())
      .addColumn("key_id", "text")
      .addColumn("key_label", "text")
      .addColumn("method", "text", (column) => column.notNull())
      .addColumn("path", "text", (column) => column.notNull())
      .addColumn("account", "text")
      .addColumn("request_id", "text", (column) => column.notNull())
      .addColumn("status", "integer")
      .execute();
    await db.schema.createIndex("audit_of_account").on("audit").columns(["account", "id"]).execute();
    await db.schema.createIndex("audit_by_time").on("audit").column("at").execute();

    await db.schema.alterTable("block").addColumn("idempotency_key", "text").execute();
    // Purchases without a name do not conflict: null is like no other null.
    await db.schema.createIndex("block_once").unique().on("block").columns(["username", "idempotency_key"]).execute();

    await db.schema.alterTable("account")
      .addColumn("version", "integer", (column) => column.notNull().defaultTo(1))
      .execute();
  },
};
