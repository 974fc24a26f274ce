/** What a node asks of recipients: has the address failed for good with this account's mail, and what then. */
import { Hono } from "hono";
import type { Kysely } from "kysely";
import type { Database } from "../store/schema.ts";
import { findSuppression, findSuppressionChoice } from "../store/suppressions.ts";
import type { SuppressionFacts, SuppressionQuestion } from "../wire.ts";
import { jsonBody } from "./json_body.ts";
import { suppressionsBody } from "./node_schema.ts";

export interface NodeSuppressionRoutes {
  readonly db: Kysely<Database>;
}

export const nodeSuppressionRoutes = ({ db }: NodeSuppressionRoutes) => {
  const answer = async ({ account, address }: SuppressionQuestion): Promise<SuppressionFacts | null> => {
    const row = await findSuppression(db, account, address);
    if (row === undefined) return null;
    const choice = await findSuppressionChoice(db, account);
    return choice === "off" ? null : { choice, reply: row.reply, failedAt: row.failed_at };
  };
  return new Hono().post(
    "/suppressions",
    jsonBody(suppressionsBody),
    async (c) => c.json({ items: await Promise.all(c.req.valid("json").items.map(answer)) }, 200),
  );
};
