/** Takes a node's events; the node forgets them once answered, so they are durable then. */
import { Hono } from "hono";
import type { Kysely } from "kysely";
import { recordEvents } from "../history.ts";
import { type RelayEnv, speaksFor } from "../relay_access.ts";
import type { Database } from "../store/schema.ts";
import { jsonBody } from "./json_body.ts";
import { eventsBody } from "./node_schema.ts";

export interface NodeEventRoutes {
  readonly db: Kysely<Database>;
  /** Makes what was committed before durable. */
  readonly sync: () => Promise<void>;
  readonly log: (message: string, facts: Record<string, unknown>) => void;
}

export const nodeEventRoutes = ({ db, sync, log }: NodeEventRoutes) =>
  new Hono<RelayEnv>().post("/events", jsonBody(eventsBody), async (c) => {
    const { node, items } = c.req.valid("json");
    const leftOut = await recordEvents(db, { node, speaksFor: (owner) => speaksFor(c, owner) }, items);
    const [first] = leftOut;
    if (first !== undefined) {
      const facts = { node, events: leftOut.length, messageId: first.messageId };
      log("what a node told of messages that are not its machine's was left out", facts);
    }
    await sync();
    return c.json({}, 200);
  });
