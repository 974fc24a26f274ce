/**
 * The day's counters. Tables are clustered by their key (WITHOUT ROWID): each reservation is then one b-tree entry
 * instead of two, on the hottest path there is.
 */
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

export const counters: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.createTable("usage")
      .addColumn("username", "text", (column) => column.notNull())
      .addColumn("day", "text", (column) => column.notNull())
      .addColumn("used", "bigint", (column) => column.notNull())
      .addColumn("leased", "bigint", (column) => column.notNull().defaultTo(0))
      .addColumn("wanted_at", "bigint", (column) => column.notNull().defaultTo(0))
      .addPrimaryKeyConstraint("usage_key", ["username", "day"])
      .modifyEnd(sql`without rowid`)
      .execute();

    // Past days are found by it when they are deleted; a charge does not touch it but for the day's first.
    await db.schema.createIndex("usage_by_day").on("usage").column("day").execute();

    await db.schema.createTable("reservation")
      .addColumn("id", "text", (column) => column.notNull())
      .addColumn("username", "text", (column) => column.notNull())
      .addColumn("day", "text", (column) => column.notNull())
      .addColumn("relays", "integer", (column) => column.notNull())
      .addColumn("lease", "integer", (column) => column.notNull().defaultTo(0))
      .addColumn("settled", "integer", (column) => column.notNull().defaultTo(0))
      .addColumn("node", "text", (column) => column.notNull())
      .addColumn("boot", "text", (column) => column.notNull())
      .addColumn("state", "text", (column) => column.notNull())
      .addPrimaryKeyConstraint("reservation_key", ["id"])
      .modifyEnd(sql`without rowid`)
      .execute();
    // What a node left open is found at its next start; only open reservations are in this index, so it stays small.
    await db.schema.createIndex("reservation_open").on("reservation").column("node")
      .where(sql.ref("state"), "=", sql.lit("reserved"))
      .execute();
    // In the order of time, so that a new one is appended.
    await db.schema.createIndex("reservation_by_day").on("reservation").column("day").execute();
  },
};
