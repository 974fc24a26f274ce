/** What a node asks for to sign mail: the keys of domains. This alone gives private keys away. */
import { Hono } from "hono";
import type { Kysely } from "kysely";
import { findSigningKeys } from "../store/dkim_keys.ts";
import type { Database } from "../store/schema.ts";
import type { DkimKeySet } from "../wire.ts";
import { jsonBody } from "./json_body.ts";
import { dkimKeysBody } from "./node_schema.ts";

export interface NodeDkimRoutes {
  readonly db: Kysely<Database>;
}

export const nodeDkimRoutes = ({ db }: NodeDkimRoutes) =>
  new Hono().post("/dkim-keys", jsonBody(dkimKeysBody), async (c) => {
    const sets = await Promise.all(
      c.req.valid("json").items.map(async ({ account, domain }) => {
        const keys = await findSigningKeys(db, account, domain);
        const [first] = keys;
        return first === undefined ? null : {
          domain: first.domain,
          keys: keys.map(({ selector, algorithm, private_key }) => ({ selector, algorithm, privateKey: private_key })),
        } satisfies DkimKeySet;
      }),
    );
    return c.json({ sets }, 200);
  });
