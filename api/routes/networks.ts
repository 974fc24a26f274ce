/** /v1/accounts/{username}/networks: addresses that may relay for the account without AUTH. */
import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import { type Network, parseNetwork } from "../cidr.ts";
import { problem, problemResponses } from "../problem.ts";
import { findAccount } from "../store/accounts.ts";
import { deleteNetwork, findNetworkOwner, insertNetwork, listNetworks } from "../store/networks.ts";
import type { Database, NetworkRow } from "../store/schema.ts";
import { rfc3339 } from "../utc_day.ts";
import { accountParam, noSuchAccount } from "./accounts.ts";
import { createRoute, createRouter, json, jsonRequest, page, pageOf, pageQuery, timeSchema } from "./router.ts";

/** A shorter prefix is more than one site, and probably a slip: it needs `force`. */
const WIDEST_WITHOUT_FORCE: Record<Network["family"], number> = { 4: 24, 6: 48 };

const cidr = z.string().max(64).transform((text, context) => {
  const network = parseNetwork(text);
  if (typeof network !== "string") return network;
  context.addIssue({ code: "custom", message: network });
  return z.NEVER;
}).openapi({ type: "string", example: "192.0.2.7/32" });

const networkSchema = z.object({
  cidr: z.string().openapi({ example: "192.0.2.7/32" }),
  createdAt: timeSchema,
}).openapi("Network");

const show = (row: NetworkRow): z.infer<typeof networkSchema> => ({
  cidr: row.cidr,
  createdAt: rfc3339(row.created_at),
});

const add = createRoute({
  access: "operator",
  method: "post",
  path: "/{username}/networks",
  summary: "Let a network relay for the account without AUTH; where networks nest, the longest match wins",
  request: {
    params: accountParam,
    body: jsonRequest(z.strictObject({
      cidr,
      force: z.boolean().default(false).openapi({ description: "Take a network wider than /24 or, for IPv6, /48" }),
    })),
  },
  responses: {
    201: json(networkSchema, "The network"),
    ...problemResponses("invalid-request", "unauthorized", "not-found", "network-taken", "network-too-wide"),
  },
});

const list = createRoute({
  access: "operator",
  method: "get",
  path: "/{username}/networks",
  summary: "List an account's networks",
  request: { params: accountParam, query: z.object(pageQuery) },
  responses: {
    200: json(pageOf(networkSchema), "A page of networks"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

const remove = createRoute({
  access: "operator",
  method: "delete",
  path: "/{username}/networks",
  summary: "Take a network from the account",
  request: { params: accountParam, query: z.object({ cidr }) },
  responses: {
    204: { description: "It is taken away" },
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

export interface NetworkRoutes {
  readonly db: Kysely<Database>;
  readonly now: () => number;
}

/** @param owner undefined: it has just been taken away. */
const whose = (cidr: string, username: string, owner: string | undefined): string => {
  if (owner === username) return `${username} has ${cidr} already`;
  if (owner === undefined) return `Another account had ${cidr} until now: try again`;
  return `${owner} has ${cidr}: take it away there first (mailhop network remove ${owner} ${cidr})`;
};

export const networkRoutes = ({ db, now }: NetworkRoutes) =>
  createRouter()
    .openapi(add, async (c) => {
      const { username } = c.req.valid("param");
      const { cidr: network, force } = c.req.valid("json");
      const widest = WIDEST_WITHOUT_FORCE[network.family];
      if (network.prefix < widest && !force) {
        return problem(
          c,
          "network-too-wide",
          `${network.cidr} is wider than /${widest}: if it is meant, add "force": true`,
        );
      }
      if (await findAccount(db, username) === undefined) return problem(c, "not-found", noSuchAccount);
      const row: NetworkRow = { range_key: network.key, cidr: network.cidr, username, created_at: now() };
      if (await insertNetwork(db, row)) return c.json(show(row), 201);
      return problem(c, "network-taken", whose(network.cidr, username, await findNetworkOwner(db, [network.key])));
    })
    .openapi(list, async (c) => {
      const { username } = c.req.valid("param");
      if (await findAccount(db, username) === undefined) return problem(c, "not-found", noSuchAccount);
      const { cursor, limit } = c.req.valid("query");
      const rows = await listNetworks(db, username, cursor ?? "", limit + 1);
      return c.json(page(rows, limit, show, (row) => row.range_key), 200);
    })
    .openapi(remove, async (c) => {
      const { cidr: network } = c.req.valid("query");
      const found = await deleteNetwork(db, c.req.valid("param").username, network.key);
      return found ? c.body(null, 204) : problem(c, "not-found", `The account does not have ${network.cidr}`);
    });
