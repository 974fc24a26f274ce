/**
 * The token that relay nodes share claims the nodes that it speaks for, too. Those that are known and that no machine's
 * token has claimed are its own: a machine's token claims a node with its first word for it.
 */
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

export const nodesOfSharedToken: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
      insert into "relay_node" ("node", "label")
      select "known"."node", '' from (
        select "node"."node" from "node"
        union select "reservation"."node" from "reservation" where "reservation"."state" = 'reserved'
      ) as "known"
      where "known"."node" not in (select "relay_node"."node" from "relay_node")
      on conflict do nothing`.execute(db);
  },
};
