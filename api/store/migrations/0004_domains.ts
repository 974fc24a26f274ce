/**
 * Claims of domains. Several accounts may have a claim of the same domain, one of them verified: the partial index
 * keeps that, and answers a node's question for the owner.
 */
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

export const domains: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.createTable("domain")
      .addColumn("username", "text", (column) => column.notNull().references("account.username"))
      .addColumn("domain", "text", (column) => column.notNull())
      .addColumn("token", "text", (column) => column.notNull())
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .addColumn("verified_at", "bigint")
      .addColumn("checked_at", "bigint")
      .addColumn("missed_checks", "integer", (column) => column.notNull())
      .addPrimaryKeyConstraint("domain_key", ["username", "domain"])
      .execute();
    await db.schema.createIndex("domain_verified").unique().on("domain").column("domain")
      .where(sql.ref("verified_at"), "is not", null)
      .execute();
  },
};
