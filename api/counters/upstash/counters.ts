/**
 * Counters in Upstash Redis, for several regions: each call is one script, which Redis runs by itself.
 *
 * Redis must keep what it has said: it is not to evict keys. Upstash copies writes to its replicas after it has
 * answered, so what was granted in the moment before a fail-over may be forgotten, and granted again; the settlements
 * of the messages that were accepted charge it all the same.
 */
import type { Kysely } from "kysely";
import type { Database } from "../../store/schema.ts";
import { putUsage, type Used } from "../../store/usage.ts";
import { dayOf } from "../../utc_day.ts";
import { type Answer, type Caps, type Counters, type Holder, type Request, WANTED_MS } from "../counters.ts";
import { lastOpenDay } from "../kept_days.ts";
import { CountersUnavailable } from "../trouble.ts";
import { createBeginning } from "./beginning.ts";
import {
  accountsKey,
  BEGUN_KEY,
  DAY_PREFIX,
  dayKey,
  daysKeptAt,
  forgottenAt,
  openKey,
  reservationKey,
} from "./keys.ts";
import { limitsAt } from "./limits.ts";
import type { UpstashStore } from "./store.ts";

export interface UpstashCounters extends Caps {
  readonly store: UpstashStore;
  /** Hears of the days that are over. */
  readonly db: Kysely<Database>;
  /** Epoch ms, of this machine. */
  readonly now: () => number;
  readonly log: (message: string, facts: Record<string, unknown>) => void;
}

/** Reservations, or accounts, that one call looks at: Redis does nothing else meanwhile. */
const SCAN_BATCH = 500;
/** What reserve.lua says in place of the time where the counters have not begun. */
const NOT_BEGUN = -1;
/** Computed for a clock that was wrong, the limits are computed anew: once is enough, unless midnight comes between. */
const MAX_RUNS = 4;

/** For when it is forgotten: what is not known does not count. */
const NOT_KEPT = 0;
/** When what is not known yet of `day` is forgotten, epoch ms. */
const keptUntil = (day: string, now: number): number => day > lastOpenDay(now) ? NOT_KEPT : forgottenAt(day);

/** {granted, day, used, leased, used by non-delivery reports}, as reserve.lua says. */
type Row = readonly [granted: number, day: string, used: number, leased: number, ndr: number];

export const createUpstashCounters = ({ store, db, now, log, ...caps }: UpstashCounters): Counters => {
  const begin = createBeginning({ store, db, log });

  const reserve = async (holder: Holder, requests: readonly Request[]): Promise<Answer[]> => {
    let clock = await store.time();
    for (let runs = 0; runs < MAX_RUNS; runs++) {
      const { day, from, until, items } = limitsAt(clock, requests, caps);
      const asked = now();
      const [time, ...rows] = await store.run<[number, ...Row[]]>(
        "reserve",
        [
          ...[openKey(holder.node), accountsKey(day), BEGUN_KEY],
          ...requests.flatMap(({ id, username }) => [reservationKey(id), dayKey(username, day)]),
        ],
        [
          ...[day, from, until, forgottenAt(day), holder.node, holder.boot],
          ...requests.flatMap(({ id, username, relays, lease }, n) => {
            const { limit, ndr } = items[n]!;
            return [id, username, relays, limit, ndr ?? "", lease ? "1" : "0"];
          }),
        ],
      );
      if (time === NOT_BEGUN) {
        await begin();
        continue;
      }
      store.learnTime(asked, time);
      if (rows.length === requests.length) {
        return requests.map(({ id }, n) => {
          const [granted, day, used, leased, ndrUsed] = rows[n]!, { limit, ndr } = items[n]!;
          const answer = { id, granted: granted === 1, day, now: time, used, leased, limit };
          return { ...answer, ndr: ndr === null ? null : { used: ndrUsed, limit: ndr } };
        });
      }
      clock = time;
    }
    throw new CountersUnavailable("the counters' clock runs away");
  };

  /** In the order of the usernames; null: nothing was used. */
  const figuresOf = async (usernames: readonly string[], day: string): Promise<(Used | null)[]> => {
    const days = await store.fields(usernames.map((username) => dayKey(username, day)), "used", "ndr", "leased");
    return days.map(({ used, ndr, leased }) =>
      used === null ? null : { used: Number(used), ndr: Number(ndr), leased: Number(leased) }
    );
  };

  const keepDay = async (usernames: readonly string[], day: string): Promise<void> => {
    const figures = await figuresOf(usernames, day);
    const rows = usernames.flatMap((username, n) =>
      figures[n] === null ? [] : [{ username, day, ...figures[n]!, wanted_at: 0 }]
    );
    await putUsage(db, rows);
  };

  async function* accountsOf(day: string): AsyncGenerator<readonly string[]> {
    let cursor = "0";
    do {
      const [next, usernames] = await store.members(accountsKey(day), cursor, SCAN_BATCH);
      yield usernames;
      cursor = next;
    } while (cursor !== "0");
  }

  return {
    reserve: async (holder, requests) => requests.length === 0 ? [] : await reserve(holder, requests),
    async settle({ node, boot }, settlements) {
      if (settlements.length === 0) return;
      const time = await store.time();
      await store.run(
        "settle",
        [
          openKey(node),
          ...settlements.flatMap((
            { id, username, day, lease = id },
          ) => [reservationKey(id), dayKey(username, day), accountsKey(day), reservationKey(lease)]),
        ],
        [
          ...[node, boot],
          ...settlements.flatMap((
            { id, username, day, relays, ndr, lease = "" },
          ) => [id, username, day, relays, ndr ? "1" : "0", keptUntil(day, time), lease]),
        ],
      );
    },
    async refund({ node }, refunds) {
      if (refunds.length === 0) return;
      const time = await store.time(), today = dayOf(time);
      await store.run(
        "refund",
        [openKey(node), ...refunds.map(({ id }) => reservationKey(id))],
        [
          ...[DAY_PREFIX, node],
          ...refunds.flatMap((
            { id, username, day, relays },
          ) => [id, username, day ?? today, relays, keptUntil(day ?? today, time)]),
        ],
      );
    },
    async trim({ node }, trims) {
      if (trims.length === 0) return;
      await store.run(
        "trim",
        [openKey(node), ...trims.map(({ id }) => reservationKey(id))],
        [DAY_PREFIX, node, ...trims.flatMap(({ id, relays }) => [id, relays])],
      );
    },
    async wanted(usernames) {
      if (usernames.length === 0) return [];
      const time = await store.time(), day = dayOf(time);
      const days = await store.fields(usernames.map((username) => dayKey(username, day)), "wanted");
      return usernames.filter((_, n) => Number(days[n]!.wanted) >= time - WANTED_MS);
    },
    async recover({ node, boot }) {
      let cursor = "0", total = 0;
      do {
        const found: [string, ...string[]] = await store.run("abandoned", [openKey(node)], [boot, cursor, SCAN_BATCH]);
        const [next, ...ids] = found;
        // One that is forgotten by now leaves no tombstone: it is of a day that is closed.
        const args = ids.flatMap((id) => [id, "", "", 0, NOT_KEPT]);
        if (ids.length > 0) {
          total += await store.run<number>("refund", [openKey(node), ...ids.map(reservationKey)], [
            ...[DAY_PREFIX, node],
            ...args,
          ]);
        }
        cursor = next;
      } while (cursor !== "0");
      return total;
    },
    async today(usernames) {
      const time = await store.time(), day = dayOf(time);
      const days = await figuresOf(usernames, day);
      const used = usernames.flatMap((username, n) => days[n] === null ? [] : [[username, days[n]!] as const]);
      return { day, now: time, used: new Map(used) };
    },
    async keepDays(usernames) {
      // What was copied shall not be made less by what an emptied Redis has.
      if (!await store.isThere(BEGUN_KEY)) await begin();
      // What nodes tell of a day late counts until it is forgotten.
      const days = daysKeptAt(await store.time());
      if (usernames !== undefined) await Promise.all(days.map((day) => keepDay(usernames, day)));
      else for (const day of days) for await (const some of accountsOf(day)) await keepDay(some, day);
    },
  };
};
