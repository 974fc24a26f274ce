/**
 * Grants reservations. What an account may use of its day is in the database, what it has used in the counters, and both
 * may be an ocean away: so they are asked at the same time, the counters by the terms on which the account stood last.
 *
 * Guarantees: no answer rests on what was remembered (invariants 3 and 7). Where the database has other terms, the
 * counters are asked again by these, and what they had granted and does not fit is refunded and refused. Until then it is
 * a debit, as any reservation is; if this process ends before, the node that gets no answer refunds it.
 */
import { type AccountSources, findStandings, type Standing } from "./account_facts.ts";
import type { Answer, Counters, Holder, Request } from "./counters/counters.ts";
import type { NdrWish, ReservationRequest } from "./wire.ts";

export interface GrantingParts extends AccountSources {
  readonly counters: Counters;
  /** Epoch ms. */
  readonly now: () => number;
}

export interface Grants {
  /** In the order of the requests. */
  readonly answers: readonly Answer[];
  /** Of the accounts that there are. */
  readonly standings: ReadonlyMap<string, Standing>;
}

export type Granting = (holder: Holder, items: readonly ReservationRequest[]) => Promise<Grants>;

/** On which an account gets relays. */
type Terms = Pick<Standing, "blocks" | "ndr">;

/** Accounts whose terms are remembered, some hundred octets each. Those not asked for longest are forgotten first. */
const MAX_REMEMBERED = 10_000;
/** Of an account that is not known. */
const COUNTED: NdrWish = { choice: "count", sharePercent: null };

export const createGranting = ({ counters, now, ...sources }: GrantingParts): Granting => {
  const remembered = new Map<string, Terms>();
  const remember = (username: string, terms: Terms): void => {
    remembered.delete(username);
    remembered.set(username, terms);
    for (const oldest of remembered.keys()) {
      if (remembered.size <= MAX_REMEMBERED) break;
      remembered.delete(oldest);
    }
  };
  const ask = async (
    holder: Holder,
    items: readonly ReservationRequest[],
    termsOf: (username: string) => Terms,
  ): Promise<[ReservationRequest, Answer][]> => {
    if (items.length === 0) return [];
    const answers = await counters.reserve(holder, items.map((item) => requestOf(item, termsOf(item.username))));
    return items.map((item, n) => [item, answers[n]!]);
  };

  return async (holder, items) => {
    const usernames = [...new Set(items.map(({ username }) => username))];
    const guesses = new Map(usernames.flatMap((name) => remembered.has(name) ? [[name, remembered.get(name)!]] : []));
    const guessed = items.filter(({ username }) => guesses.has(username));
    const [early, standings] = await Promise.all([
      ask(holder, guessed, (username) => guesses.get(username)!),
      findStandings(sources, usernames, now()),
    ]);
    for (const [username, standing] of standings) remember(username, termsOf(standing));
    const terms = new Map(usernames.map((username) => [username, termsOf(standings.get(username))]));
    const wrong = new Set(usernames.filter((username) => !areSame(guesses.get(username), terms.get(username)!)));
    const late = await ask(
      holder,
      items.filter(({ username }) => wrong.has(username)),
      (username) => terms.get(username)!,
    );
    const mistaken = new Set(early.flatMap(([{ id }, { granted, again }]) => granted && !again ? [id] : []));
    const tooMuch = late.filter(([item, answer]) => mistaken.has(item.id) && !fits(item, answer));
    const refunds = tooMuch.map(([{ id, username, relays }, { day }]) => ({ id, username, day, relays }));
    if (refunds.length > 0) await counters.refund(holder, refunds);
    const refused = tooMuch.map(([item, answer]) => [item, { ...answer, granted: false }] as const);
    const answers = new Map<ReservationRequest, Answer>([...early, ...late, ...refused]);
    return { answers: items.map((item) => answers.get(item)!), standings };
  };
};

/** Unknown and suspended accounts have no blocks to spend; an id that was granted before still is. */
const termsOf = (standing: Standing | undefined): Terms => ({
  blocks: standing?.status === "active" ? standing.blocks : [],
  ndr: standing?.ndr ?? COUNTED,
});

const areSame = (one: Terms | undefined, other: Terms): boolean => JSON.stringify(one) === JSON.stringify(other);

const requestOf = ({ id, username, relays, ndr, lease }: ReservationRequest, terms: Terms): Request => (
  { id, username, relays, lease: lease === true, blocks: terms.blocks, ndr: ndr ? terms.ndr : null }
);

const fits = ({ relays }: ReservationRequest, { used, limit, ndr }: Answer): boolean =>
  used + relays <= limit && (ndr === null || ndr.used + relays <= ndr.limit);
