/** What a node asks of accounts: does this login hold, who owns this address, what are the facts now. */
import { Hono } from "hono";
import { type AccountSources, findAccountFacts } from "../account_facts.ts";
import { keysAround } from "../cidr.ts";
import type { Counters } from "../counters/counters.ts";
import { loginHolds } from "../login.ts";
import type { Passwords } from "../passwords.ts";
import { problem } from "../problem.ts";
import { findNetworkOwner } from "../store/networks.ts";
import { jsonBody } from "./json_body.ts";
import { loginBody } from "./node_schema.ts";

export interface NodeAccountRoutes extends AccountSources {
  readonly counters: Counters;
  readonly passwords: Passwords;
  readonly now: () => number;
}

export const nodeAccountRoutes = ({ db, habits, counters, passwords, now }: NodeAccountRoutes) =>
  new Hono()
    .post("/login", jsonBody(loginBody), async (c) => {
      const credentials = c.req.valid("json");
      const { username } = credentials;
      const holds = await loginHolds({ db, passwords, now }, credentials);
      const account = holds ? await findAccountFacts({ db, habits }, counters, username, now) : undefined;
      if (account === undefined) return problem(c, "login-failed", "Check the username and the password");
      return c.json({ account }, 200);
    })
    .get("/networks/:address", async (c) => {
      const keys = keysAround(c.req.param("address"));
      if (keys === null) return problem(c, "invalid-request", "address: expected an IPv4 or IPv6 address");
      const owner = await findNetworkOwner(db, keys);
      const account = owner === undefined ? undefined : await findAccountFacts({ db, habits }, counters, owner, now);
      return c.json({ account: account ?? null }, 200);
    })
    .get("/accounts/:username", async (c) => {
      const account = await findAccountFacts({ db, habits }, counters, c.req.param("username"), now);
      if (account === undefined) return problem(c, "not-found", "There is no account of that name");
      return c.json({ account }, 200);
    });
