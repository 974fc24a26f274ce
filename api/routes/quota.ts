/** /v1/accounts/{username}/quota: what is left of the day. */
import { z } from "@hono/zod-openapi";
import { type AccountSources, findStandings, spent } from "../account_facts.ts";
import type { Caps, Counters } from "../counters/counters.ts";
import { problem, problemResponses } from "../problem.ts";
import { nextMidnight, rfc3339 } from "../utc_day.ts";
import { accountParam, noSuchAccount } from "./accounts.ts";
import { createRoute, createRouter, json, timeSchema } from "./router.ts";

const quotaSchema = z.object({
  day: z.string().openapi({ description: "The UTC day", format: "date", example: "2026-11-23" }),
  limit: z.int().openapi({ description: "Relays of the day, from the blocks that count now" }),
  used: z.int(),
  remaining: z.int(),
  ndr: z.int().openapi({ description: "Relays used for non-delivery reports, a part of `used`" }),
  ndrLimit: z.int().nullable().openapi({ description: "How many of them may be, where the account limits them" }),
  resetsAt: timeSchema,
  pending: z.array(z.object({ quantity: z.int(), activatesAt: timeSchema }))
    .openapi({ description: "Blocks bought that do not count yet" }),
}).openapi("Quota");

const get = createRoute({
  access: "read",
  method: "get",
  path: "/{username}/quota",
  summary: "Show what is left of the day",
  request: { params: accountParam },
  responses: { 200: json(quotaSchema, "The day so far"), ...problemResponses("unauthorized", "not-found") },
});

export interface QuotaRoutes extends AccountSources {
  readonly counters: Counters;
  readonly caps: Caps;
}

export const quotaRoutes = ({ db, habits, counters, caps }: QuotaRoutes) =>
  createRouter().openapi(get, async (c) => {
    const { username } = c.req.valid("param");
    const { day, now, used: usage } = await counters.today([username]);
    const standing = (await findStandings({ db, habits }, [username], now)).get(username);
    if (standing === undefined) return problem(c, "not-found", noSuchAccount);
    const { used, ndr } = spent(usage.get(username));
    const limit = caps.cap(standing.blocks, now);
    return c.json({
      day,
      limit,
      used,
      // Blocks cancelled during the day can leave less than was used.
      remaining: Math.max(0, limit - used),
      ndr,
      ndrLimit: standing.ndr.choice === "limit" ? caps.ndrCap(standing.blocks, now, standing.ndr) : null,
      resetsAt: rfc3339(nextMidnight(now)),
      pending: standing.blocks.filter(({ activatesAt }) => activatesAt > now)
        .map(({ quantity, activatesAt }) => ({ quantity, activatesAt: rfc3339(activatesAt) })),
    }, 200);
  });
