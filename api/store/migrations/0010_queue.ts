/**
 * The nodes as they tell of themselves, and what the operator wants done with queued mail: a job, and a part of it for
 * each node.
 */
import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

export const queue: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.createTable("node")
      .addColumn("node", "text", (column) => column.primaryKey())
      .addColumn("region", "text", (column) => column.notNull())
      .addColumn("number", "integer")
      .addColumn("version", "text", (column) => column.notNull())
      .addColumn("clock_ahead_ms", "bigint")
      .addColumn("clocks_apart", "integer", (column) => column.notNull())
      .addColumn("queued", "bigint", (column) => column.notNull())
      .addColumn("connections", "integer", (column) => column.notNull())
      .addColumn("in_delivery", "integer", (column) => column.notNull())
      .addColumn("accepted_per_minute", "integer", (column) => column.notNull())
      .addColumn("loop_delay_ms", "integer", (column) => column.notNull())
      .addColumn("leases_held", "integer", (column) => column.notNull())
      .addColumn("leases_accounts", "integer", (column) => column.notNull())
      .addColumn("leases_relays_left", "integer", (column) => column.notNull())
      .addColumn("draining", "integer", (column) => column.notNull())
      .addColumn("drain_wanted", "integer", (column) => column.notNull())
      .addColumn("seen_at", "bigint", (column) => column.notNull())
      .execute();

    await db.schema.createTable("queue_job")
      .addColumn("id", "text", (column) => column.primaryKey())
      .addColumn("at", "bigint", (column) => column.notNull())
      .addColumn("work", "text", (column) => column.notNull())
      .addColumn("order", "text", (column) => column.notNull())
      .addColumn("called_off_at", "bigint")
      .execute();

    await db.schema.createTable("queue_job_part")
      .addColumn("job", "text", (column) => column.notNull().references("queue_job.id").onDelete("cascade"))
      .addColumn("node", "text", (column) => column.notNull())
      .addColumn("progress", "text")
      .addColumn("answer", "text")
      .addColumn("ended_at", "bigint")
      .addPrimaryKeyConstraint("queue_job_part_key", ["job", "node"])
      .execute();
    await db.schema.createIndex("queue_job_part_of_node").on("queue_job_part").columns(["node", "ended_at"]).execute();
  },
};
