/** /v1/accounts/{username}/quota: what is left of the day, and what to do about it. */
import { z } from "@hono/zod-openapi";
import { type AccountSources, findStandings, spent } from "../account_facts.ts";
import type { Caps, Counters } from "../counters/counters.ts";
import { NOTICE_TYPES, type NoticeContent, type NoticeFacts, noticeWords, pageAddress } from "../notice_words.ts";
import { dailyOnce } from "../notices.ts";
import { problem, problemResponses } from "../problem.ts";
import { findNotice } from "../store/notices.ts";
import { type DayUse, ndrNotice, usageNotices } from "../usage_notices.ts";
import { nextMidnight, rfc3339 } from "../utc_day.ts";
import { accountParam, noSuchAccount } from "./accounts.ts";
import { createRoute, createRouter, json, timeSchema } from "./router.ts";

const measureSchema = z.enum(["relays", "recipients", "refused-recipients"]);

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
  brake: z.object({
    recipients: z.int().openapi({ description: "Different recipients of the day", example: 12 }),
    outcomes: z.int().openapi({ description: "Recipients whose fate became known on the day", example: 12 }),
    refused: z.int().openapi({ description: "Of these, those that were refused for good", example: 0 }),
    releasedUntil: timeSchema.nullable().openapi({ description: "By the operator", example: null }),
    held: z.object({ at: timeSchema, measure: measureSchema, used: z.int(), limit: z.int() }).nullable().openapi({
      description: "When it first refused mail today, and what was beyond the account's habit; null: it has not",
      example: null,
    }),
  }).openapi({ description: "What the brake compares with the account's habit" }),
  advice: z.array(z.object({
    type: z.enum(NOTICE_TYPES),
    text: z.string(),
    help: z.string().nullable().openapi({ example: "/help/quota" }),
  })).openapi({
    description: "What is true of the day now, in words, as in notices, with the help page",
    example: [],
  }),
}).openapi("Quota");

const get = createRoute({
  access: "read",
  method: "get",
  path: "/{username}/quota",
  summary: "Show what is left of the day",
  request: { params: accountParam },
  responses: { 200: json(quotaSchema, "The day so far"), ...problemResponses("unauthorized", "not-found") },
});

/** What there is to say of the day as it stands. */
const trueOf = (use: DayUse & { readonly ndr: number }, brake: NoticeFacts["brake"] | null): NoticeContent[] => [
  ...usageNotices({ ...use, ndr: null }),
  // One report is enough here: whoever looks wants to know what it is.
  ...(use.ndr > 0 ? [ndrNotice(use, use.ndr)] : []),
  ...(brake === null ? [] : [{ type: "brake", detail: brake } as const]),
];

const measured = ({ measure, used, limit }: NoticeFacts["brake"]) => ({ measure, used, limit });

export interface QuotaRoutes extends AccountSources {
  readonly counters: Counters;
  readonly caps: Caps;
  /** Where everybody finds the help pages; null: nowhere. */
  readonly help: { readonly url: string | null };
}

export const quotaRoutes = ({ db, habits, counters, caps, help }: QuotaRoutes) => {
  const advise = (content: NoticeContent) => {
    const { text, page } = noticeWords(content);
    return { type: content.type, text, help: page === null ? null : pageAddress(page, help.url) };
  };
  return createRouter().openapi(get, async (c) => {
    const { username } = c.req.valid("param");
    const { day, now, used: usage } = await counters.today([username]);
    const standing = (await findStandings({ db, habits }, [username], now)).get(username);
    if (standing === undefined) return problem(c, "not-found", noSuchAccount);
    const { used, ndr } = spent(usage.get(username));
    const limit = caps.cap(standing.blocks, now);
    const braked = await findNotice(db, dailyOnce("brake", username, day));
    const brake: NoticeFacts["brake"] | null = braked === undefined ? null : JSON.parse(braked.detail);
    const { brakeReleasedUntil } = standing;
    const holds = brake !== null && (brakeReleasedUntil ?? 0) <= now;
    const advice = trueOf({ now, used, limit, ndr }, holds ? brake : null).map(advise);
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
      brake: {
        ...standing.today,
        releasedUntil: brakeReleasedUntil === null ? null : rfc3339(brakeReleasedUntil),
        held: brake && { at: rfc3339(braked?.at ?? now), ...measured(brake) },
      },
      advice,
    }, 200);
  });
};
