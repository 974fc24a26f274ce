/**
 * Keys for DKIM. Of each algorithm a claim has one key in each state at the most, which the primary key keeps: the one
 * that signs, the next one, and the one before. They end with the claim.
 */
import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

export const dkim: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.createTable("dkim_key")
      .addColumn("username", "text", (column) => column.notNull())
      .addColumn("domain", "text", (column) => column.notNull())
      .addColumn("algorithm", "text", (column) => column.notNull())
      .addColumn("state", "text", (column) => column.notNull())
      .addColumn("selector", "text", (column) => column.notNull())
      .addColumn("private_key", "text")
      .addColumn("public_key", "text", (column) => column.notNull())
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .addColumn("changed_at", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("dkim_key_key", ["username", "domain", "algorithm", "state"])
      .addForeignKeyConstraint(
        "dkim_key_claim",
        ["username", "domain"],
        "domain",
        ["username", "domain"],
        (constraint) => constraint.onDelete("cascade"),
      )
      .execute();
    // A node asks by domain.
    await db.schema.createIndex("dkim_key_domain").on("dkim_key").columns(["domain", "state"]).execute();
  },
};
