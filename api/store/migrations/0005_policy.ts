/**
 * The policy: modules, the log of changes, what nodes say of themselves, what a shadow would have decided, recorded
 * decisions, and notices for account and operator.
 */
import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

export const policy: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.createTable("policy_module")
      .addColumn("hash", "text", (column) => column.primaryKey())
      .addColumn("octets", "blob", (column) => column.notNull())
      .addColumn("loaded_at", "bigint", (column) => column.notNull())
      .addColumn("failed_at", "bigint")
      .execute();

    await db.schema.createTable("policy_change")
      .addColumn("version", "bigint", (column) => column.primaryKey())
      .addColumn("at", "bigint", (column) => column.notNull())
      .addColumn("who", "text", (column) => column.notNull())
      .addColumn("what", "text", (column) => column.notNull())
      .addColumn("detail", "text")
      .addColumn("active", "text")
      .addColumn("shadow", "text")
      .addColumn("parameters", "text", (column) => column.notNull())
      .execute();

    await db.schema.createTable("policy_node")
      .addColumn("node", "text", (column) => column.primaryKey())
      .addColumn("version", "bigint", (column) => column.notNull())
      .addColumn("module", "text", (column) => column.notNull())
      .addColumn("shadow", "text")
      .addColumn("dropped", "bigint", (column) => column.notNull())
      .addColumn("seen_at", "bigint", (column) => column.notNull())
      .execute();

    await db.schema.createTable("policy_comparison")
      .addColumn("module", "text", (column) => column.notNull())
      .addColumn("stage", "text", (column) => column.notNull())
      .addColumn("was", "integer", (column) => column.notNull())
      .addColumn("would", "integer", (column) => column.notNull())
      .addColumn("count", "bigint", (column) => column.notNull())
      .addPrimaryKeyConstraint("policy_comparison_key", ["module", "stage", "was", "would"])
      .execute();

    await db.schema.createTable("decision_chunk")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("node", "text", (column) => column.notNull())
      .addColumn("from_at", "bigint", (column) => column.notNull())
      .addColumn("until_at", "bigint", (column) => column.notNull())
      .addColumn("count", "integer", (column) => column.notNull())
      .addColumn("head", "text", (column) => column.notNull())
      .addColumn("octets", "blob", (column) => column.notNull())
      .execute();
    await db.schema.createIndex("decision_chunk_by_time").on("decision_chunk").columns(["until_at"]).execute();

    await db.schema.createTable("notice")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("at", "bigint", (column) => column.notNull())
      .addColumn("account", "text")
      .addColumn("type", "text", (column) => column.notNull())
      .addColumn("detail", "text", (column) => column.notNull())
      .addColumn("once", "text", (column) => column.notNull().unique())
      .execute();
    await db.schema.createIndex("notice_of_account").on("notice").columns(["account", "id"]).execute();
    await db.schema.createIndex("notice_by_time").on("notice").column("at").execute();
  },
};
