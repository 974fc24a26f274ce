/** Takes a node's events; the node forgets them once answered, so they are durable then. */
import { Hono } from "hono";
import type { Kysely } from "kysely";
import { recordEvents } from "../history.ts";
import type { Database } from "../store/schema.ts";
import { jsonBody } from "./json_body.ts";
import { eventsBody } from "./node_schema.ts";

export interface NodeEventRoutes {
  readonly db: Kysely<Database>;
  /** Makes what was committed before durable. */
  readonly sync: () => Promise<void>;
}

export const nodeEventRoutes = ({ db, sync }: NodeEventRoutes) =>
  new Hono().post("/events", jsonBody(eventsBody), async (c) => {
    const { node, items } = c.req.valid("json");
    await recordEvents(db, node, items);
    await sync();
    return c.json({}, 200);
  });
