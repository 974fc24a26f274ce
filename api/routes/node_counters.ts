/**
 * A node's charges: reserve, settle, refund, give leases back, and refund what an earlier boot left open. What a
 * reservation makes true of the account's day is said here.
 */
import { Hono } from "hono";
import { type AccountSources, findStandings, type Standing } from "../account_facts.ts";
import type { Answer, Counters, Holder, Request } from "../counters/counters.ts";
import { LimitsUnknown } from "../counters/request_limits.ts";
import { dailyNotice, type Notice, type NoticeBoard } from "../notices.ts";
import { usageNotices } from "../usage_notices.ts";
import { dayOf } from "../utc_day.ts";
import type { NdrWish, ReservationFacts, ReservationRequest } from "../wire.ts";
import { jsonBody } from "./json_body.ts";
import { leasesBody, recoverBody, refundsBody, reservationsBody, settlementsBody } from "./node_schema.ts";

export interface NodeCounterRoutes extends AccountSources {
  readonly counters: Counters;
  readonly notices: NoticeBoard;
  readonly now: () => number;
  readonly log: (message: string, facts: Record<string, unknown>) => void;
}

/** Of an account that is not known. */
const COUNTED: NdrWish = { choice: "count", sharePercent: null };

const factsOf = (
  { relays, lease }: ReservationRequest,
  answer: Answer,
  standing: Standing | undefined,
): ReservationFacts => {
  const today = dayOf(answer.now);
  // What is leased is not spent: it may be spent on this account's next message.
  const counted = answer.granted && lease !== true && answer.day === today ? relays : 0;
  return {
    ...answer,
    relays,
    account: standing === undefined ? null : { ...standing, day: today, used: answer.used - answer.leased + counted },
  };
};

/** Of a refused one a recorded decision tells (decision_log.ts). */
const noticesOf = ({ username, ...request }: ReservationRequest, { granted, now, ...answer }: Answer): Notice[] => {
  // One that was granted on another day says nothing of this one.
  if (!granted || answer.day !== dayOf(now)) return [];
  // Of a lease nothing is spent yet.
  const relays = request.lease === true ? 0 : request.relays;
  const ndr = answer.ndr && answer.ndr.used + relays;
  const use = { now, used: answer.used - answer.leased + relays, limit: answer.limit, ndr };
  return usageNotices(use).map((content) => dailyNotice(username, answer.day, content));
};

/**
 * What comes of each request, in their order. null: the policy fails for it, which is its account's trouble and not the
 * others' of the batch; nothing was decided, so it is no refusal.
 */
const answersTo = async (
  use: Pick<NodeCounterRoutes, "counters" | "log">,
  holder: Holder,
  requests: readonly Request[],
): Promise<(Answer | null)[]> => {
  try {
    return await use.counters.reserve(holder, requests);
  } catch (error) {
    if (!(error instanceof LimitsUnknown)) throw error;
    const { whys } = error;
    const { failed = [], others = [] } = Object.groupBy(requests, ({ id }) => whys.has(id) ? "failed" : "others");
    const errors = new Map(failed.map(({ id, username }) => [username, whys.get(id)]));
    for (const [username, error] of errors) use.log("the policy fails for an account", { username, error });
    const answers = (await answersTo(use, holder, others)).values();
    return requests.map(({ id }) => whys.has(id) ? null : answers.next().value ?? null);
  }
};

export const nodeCounterRoutes = ({ db, habits, counters, notices, now, log }: NodeCounterRoutes) =>
  new Hono()
    .post("/reservations", jsonBody(reservationsBody), async (c) => {
      const { node, boot, items } = c.req.valid("json");
      const standings = await findStandings({ db, habits }, [...new Set(items.map((item) => item.username))], now());
      const requests = items.map(({ id, username, relays, ndr, lease = false }) => {
        const standing = standings.get(username);
        return {
          ...{ id, username, relays, lease },
          // Unknown and suspended accounts have no blocks to spend; an id that was granted before still is.
          blocks: standing?.status === "active" ? standing.blocks : [],
          ndr: ndr ? standing?.ndr ?? COUNTED : null,
        };
      });
      const answers = await answersTo({ counters, log }, { node, boot }, requests);
      const facts = items.map((item, n) => {
        const answer = answers[n] ?? null;
        return answer && factsOf(item, answer, standings.get(item.username));
      });
      try {
        await notices.say(items.flatMap((item, n) => answers[n] ? noticesOf(item, answers[n]) : []));
      } catch (error) {
        // The relays are granted; the next reservation says it.
        log("a notice could not be kept", { error });
      }
      return c.json({ items: facts }, 200);
    })
    .post("/settlements", jsonBody(settlementsBody), async (c) => {
      const { node, boot, items } = c.req.valid("json");
      await counters.settle({ node, boot }, items);
      return c.json({}, 200);
    })
    .post("/refunds", jsonBody(refundsBody), async (c) => {
      const { node, boot, items } = c.req.valid("json");
      await counters.refund({ node, boot }, items);
      return c.json({}, 200);
    })
    .post("/leases", jsonBody(leasesBody), async (c) => {
      const { node, boot, items, held } = c.req.valid("json");
      await counters.trim({ node, boot }, items);
      return c.json({ wanted: await counters.wanted(held) }, 200);
    })
    .post("/recover", jsonBody(recoverBody), async (c) => {
      const refunded = await counters.recover(c.req.valid("json"));
      return c.json({ refunded }, 200);
    });
