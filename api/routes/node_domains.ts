/** What a node asks of domains: whose are they. */
import { Hono } from "hono";
import type { Kysely } from "kysely";
import { findOwners } from "../store/domains.ts";
import type { Database } from "../store/schema.ts";
import { jsonBody } from "./json_body.ts";
import { domainOwnersBody } from "./node_schema.ts";

export interface NodeDomainRoutes {
  readonly db: Kysely<Database>;
}

export const nodeDomainRoutes = ({ db }: NodeDomainRoutes) =>
  new Hono().post("/domain-owners", jsonBody(domainOwnersBody), async (c) => {
    const { domains } = c.req.valid("json");
    return c.json({ owners: await findOwners(db, domains) }, 200);
  });
