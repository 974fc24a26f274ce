/** /v1/nodes: the relay nodes, how much they have queued and to do, and whether they let clients in. */
import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import { problem, problemResponses } from "../problem.ts";
import { KEEP_MS, NODE_SILENT_MS } from "../queue_control.ts";
import { findNode, listNodes, setDrainWanted } from "../store/nodes.ts";
import type { Database, NodeRow } from "../store/schema.ts";
import { rfc3339 } from "../utc_day.ts";
import { createRoute, createRouter, json, jsonRequest, timeSchema } from "./router.ts";

const nodeSchema = z.object({
  node: z.string(),
  region: z.string(),
  number: z.int().nullable().openapi({
    description: "Which of its process's nodes it is; null: the queue of a node that is no more, which is delivered",
  }),
  version: z.string().openapi({ description: "Of its program", example: "0.1.0" }),
  state: z.enum(["serving", "draining", "delivering", "silent"]).openapi({
    description: "serving: lets clients in; draining: lets nobody in, and delivers what it has; delivering: is the " +
      "queue of a node that is no more; silent: not heard of",
  }),
  drain: z.boolean().openapi({ description: "Whether the operator wants it to drain" }),
  queued: z.int().openapi({ description: "Messages that have not ended" }),
  load: z.object({
    connections: z.int().openapi({ description: "Open SMTP connections of clients" }),
    inDelivery: z.int().openapi({ description: "Messages being sent, or waiting for a connection to be sent on" }),
    acceptedPerMinute: z.int().openapi({ description: "Messages that it accepted of clients in the last minute" }),
    loopDelayMs: z.int().openapi({
      description:
        "The longest delay of its event loop in the last minute: where it is often above some hundred, the " +
        "node has more to do than a core can",
    }),
  }).openapi({ description: "As it was when the node was heard of" }),
  leases: z.object({
    held: z.int().openapi({ description: "Leases: slices of accounts' days that it may spend without asking" }),
    accounts: z.int().openapi({ description: "Accounts whose they are" }),
    relaysLeft: z.int().openapi({ description: "Relays that it has not spent of them yet" }),
  }).openapi({ description: "As they were when the node was heard of" }),
  clock: z.object({ aheadMs: z.int(), apart: z.boolean() }).nullable().openapi({
    description: "Against the control plane's, as it saw last; null: not compared yet",
  }),
  seenAt: timeSchema,
}).openapi("Node");

const list = createRoute({
  access: "operator",
  method: "get",
  path: "/",
  summary: "List the relay nodes that were heard of in the last week",
  responses: {
    200: json(z.object({ items: z.array(nodeSchema), next: z.null() }), "All of them"),
    ...problemResponses("unauthorized"),
  },
});

const patch = createRoute({
  access: "operator",
  method: "patch",
  path: "/{node}",
  summary: "Have a node drain, or let clients in again",
  description: "A node that drains lets no more clients in, ends the sessions it has with a 421, and delivers its " +
    "queue. It stays so through a restart, until `drain` is false.",
  request: {
    params: z.object({ node: z.string() }),
    body: jsonRequest(z.strictObject({ drain: z.boolean() })),
  },
  responses: {
    200: json(nodeSchema, "The node; it takes a second or so to follow"),
    ...problemResponses("invalid-request", "unauthorized", "not-found", "no-doors"),
  },
});

export interface NodesRoutes {
  readonly db: Kysely<Database>;
  readonly now: () => number;
}

export const nodesRoutes = ({ db, now }: NodesRoutes) => {
  const stateOf = ({ number, draining, seen_at }: NodeRow) => {
    if (seen_at < now() - NODE_SILENT_MS) return "silent";
    if (number === null) return "delivering";
    return draining === 1 ? "draining" : "serving";
  };
  const show = (row: NodeRow): z.infer<typeof nodeSchema> => ({
    node: row.node,
    region: row.region,
    number: row.number,
    version: row.version,
    state: stateOf(row),
    drain: row.drain_wanted === 1,
    queued: row.queued,
    load: {
      connections: row.connections,
      inDelivery: row.in_delivery,
      acceptedPerMinute: row.accepted_per_minute,
      loopDelayMs: row.loop_delay_ms,
    },
    leases: { held: row.leases_held, accounts: row.leases_accounts, relaysLeft: row.leases_relays_left },
    clock: row.clock_ahead_ms === null ? null : { aheadMs: row.clock_ahead_ms, apart: row.clocks_apart === 1 },
    seenAt: rfc3339(row.seen_at),
  });
  return createRouter()
    .openapi(list, async (c) => {
      const rows = await listNodes(db, now() - KEEP_MS);
      return c.json({ items: rows.map(show), next: null }, 200);
    })
    .openapi(patch, async (c) => {
      const { node } = c.req.valid("param");
      const known = await findNode(db, node);
      if (known === undefined) return problem(c, "not-found", "There is no node of that name");
      if (known.number === null) return problem(c, "no-doors", `${node} delivers a queue, and lets nobody in as it is`);
      await setDrainWanted(db, node, c.req.valid("json").drain);
      return c.json(show(await findNode(db, node) ?? known), 200);
    });
};
