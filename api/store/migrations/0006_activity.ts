/**
 * What the policy compares an account's day with: its non-delivery reports, its recipients and what became of them; and
 * what account and operator have chosen about it.
 */
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

export const activity: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable("account")
      .addColumn("ndr_choice", "text", (column) => column.notNull().defaultTo("count")).execute();
    await db.schema.alterTable("account").addColumn("ndr_share_percent", "integer").execute();
    await db.schema.alterTable("account").addColumn("brake_released_until", "bigint").execute();

    await db.schema.alterTable("usage")
      .addColumn("ndr", "bigint", (column) => column.notNull().defaultTo(0)).execute();
    await db.schema.alterTable("reservation")
      .addColumn("ndr", "integer", (column) => column.notNull().defaultTo(0)).execute();

    await db.schema.createTable("activity")
      .addColumn("username", "text", (column) => column.notNull())
      .addColumn("day", "text", (column) => column.notNull())
      .addColumn("recipients", "bigint", (column) => column.notNull())
      .addColumn("outcomes", "bigint", (column) => column.notNull())
      .addColumn("refused", "bigint", (column) => column.notNull())
      .addColumn("sketch", "blob", (column) => column.notNull())
      .addPrimaryKeyConstraint("activity_key", ["username", "day"])
      .modifyEnd(sql`without rowid`)
      .execute();
    await db.schema.createIndex("activity_by_day").on("activity").column("day").execute();
  },
};
