/**
 * The counters in Redis over a bad way: requests that do not arrive, answers that get lost, both late. What callers are
 * told, and what they tell again, never sells a relay twice and never charges one twice.
 *
 * Three control planes, each with a way of its own, work for nodes that do what nodes do: ask for messages and leases,
 * settle, give back, refund what they do not know the outcome of. The ledger is the test's own.
 */
import { assert, assertEquals } from "@std/assert";
import { type Answer, type Caps, type Counters, type Holder, type Request } from "../../../api/counters/counters.ts";
import { CountersUnavailable } from "../../../api/counters/trouble.ts";
import { createUpstashCounters, UpstashStore } from "../../../api/counters/upstash/mod.ts";
import { openDatabase } from "../../../api/store/database.ts";
import type { Settlement } from "../../../api/wire.ts";
import { Draw } from "../../support/draw.ts";
import { needingRedis, startRedis } from "../../support/redis.ts";
import { repeatable, seed, sizeOf } from "../../support/size.ts";
import { UnreliableProxy } from "../../support/unreliable_proxy.ts";
import { newDatabase } from "../database.ts";

const RESERVATIONS = { ci: 20_000, large: 1_000_000 };
const PLANES = 3;
const NODES = 30;
/** So that all limits are reached well before the end. */
const RESERVATIONS_FOR_EACH_ACCOUNT = 500;
const LIMIT = 600;
const BATCH = 16;
const WAY = { latencyMs: 0, cutPerMille: 20, holdPerMille: 20, holdMs: 20 };
/** The whole day in question would have to pass meanwhile. */
const BEFORE_MIDNIGHT_MS = 60_000;

const CAPS: Caps = {
  cap: (blocks) => blocks.reduce((sum, { quantity }) => sum + quantity, 0),
  ndrCap: () => 0,
};

/** What the test knows of an account. */
interface Ledger {
  /** Granted and not given back, as the nodes know it: never more than the limit. */
  outstanding: number;
  settled: number;
  mostOutstanding: number;
}

Deno.test({
  ...needingRedis("counters in Redis, over a bad way: no relay is sold twice, and none is charged twice"),
  fn: repeatable(import.meta.filename, async () => {
    await using stack = new AsyncDisposableStack();
    await waitPastMidnight();
    const draw = new Draw(seed);
    const redis = stack.use(await startRedis());
    const place = stack.use(await newDatabase());
    const { db } = stack.use(await openDatabase(place.location));
    const gateway = new URL(redis.location.url);
    const open = (url: string) =>
      createUpstashCounters({
        ...{
          store: new UpstashStore({ url, token: redis.location.token }, Date.now),
          db,
          now: Date.now,
          log: () => {},
        },
        ...CAPS,
      });
    const proxies = Array.from(
      { length: PLANES },
      (_, n) => stack.use(new UnreliableProxy(Number(gateway.port), WAY, new Draw(seed + n))),
    );
    const planes = proxies.map(({ port }) => open(`http://127.0.0.1:${port}`));
    const total = sizeOf(RESERVATIONS);
    const accounts = Array.from({ length: Math.ceil(total / RESERVATIONS_FOR_EACH_ACCOUNT) }, (_, n) => `account${n}`);
    const ledgers = new Map(accounts.map((name) => [name, { outstanding: 0, settled: 0, mostOutstanding: 0 }]));
    let left = total;
    const nodes = Array.from({ length: NODES }, (_, n) => {
      const holder = { node: `n${n}`, boot: "b1" };
      return new Node(holder, planes[n % PLANES]!, ledgers, accounts, draw, () => (left -= BATCH) >= 0);
    });
    await Promise.all(nodes.map((node) => node.run()));

    assert(proxies.every(({ cuts }) => cuts > total / 2000), `cuts: ${proxies.map(({ cuts }) => cuts)}`);
    const { used } = await open(redis.location.url).today(accounts);
    for (const [name, { settled, outstanding, mostOutstanding }] of ledgers) {
      assert(mostOutstanding <= LIMIT, `${name}: ${mostOutstanding} of ${LIMIT} were granted`);
      assertEquals(outstanding, settled, name);
      assertEquals(used.get(name), { used: settled, ndr: 0, leased: 0 }, name);
    }
    assert([...ledgers.values()].every(({ mostOutstanding }) => mostOutstanding > LIMIT * 0.9), "limits are reached");
  }),
});

async function waitPastMidnight(): Promise<void> {
  const left = 86_400_000 - Date.now() % 86_400_000;
  if (left < BEFORE_MIDNIGHT_MS) await new Promise((resolve) => setTimeout(resolve, left));
}

class Node {
  readonly #holder: Holder;
  readonly #counters: Counters;
  readonly #ledgers: ReadonlyMap<string, Ledger>;
  readonly #accounts: readonly string[];
  readonly #draw: Draw;
  readonly #more: () => boolean;

  constructor(
    holder: Holder,
    counters: Counters,
    ledgers: ReadonlyMap<string, Ledger>,
    accounts: readonly string[],
    draw: Draw,
    more: () => boolean,
  ) {
    this.#holder = holder;
    this.#counters = counters;
    this.#ledgers = ledgers;
    this.#accounts = accounts;
    this.#draw = draw;
    this.#more = more;
  }

  async run(): Promise<void> {
    while (this.#more()) {
      const requests = Array.from({ length: BATCH }, () => this.#request());
      const answers = await this.#reserve(requests);
      if (answers === null) {
        // Whether they were granted is not known, so they are given back: a node does not wait for an answer for ever.
        const refunds = requests.map(({ id, username, relays }) => ({ id, username, relays, day: null }));
        await this.#insist(() => this.#counters.refund(this.#holder, refunds));
        continue;
      }
      for (const [n, { granted }] of answers.entries()) if (granted) this.#granted(requests[n]!);
      for (const [n, { granted, day }] of answers.entries()) if (granted) await this.#spend(requests[n]!, day);
    }
  }

  #request(): Request {
    const lease = this.#draw.below(8) === 0;
    return {
      ...{ id: crypto.randomUUID(), username: this.#draw.of(this.#accounts), ndr: null, lease },
      relays: lease ? 10 + this.#draw.below(20) : 1 + this.#draw.below(3),
      blocks: [{ quantity: LIMIT, activatesAt: 0 }],
    };
  }

  async #reserve(requests: readonly Request[]): Promise<Answer[] | null> {
    try {
      return await this.#counters.reserve(this.#holder, requests);
    } catch (error) {
      if (error instanceof CountersUnavailable) return null;
      throw error;
    }
  }

  #granted({ username, relays }: Request): void {
    const ledger = this.#ledgers.get(username)!;
    ledger.outstanding += relays;
    ledger.mostOutstanding = Math.max(ledger.mostOutstanding, ledger.outstanding);
  }

  /** A message is accepted, or not; a lease is spent on some messages, and the rest goes back. */
  async #spend({ id, username, relays, lease }: Request, day: string): Promise<void> {
    const ledger = this.#ledgers.get(username)!;
    const settlement = (id: string, relays: number): Settlement => ({ id, username, day, relays, ndr: false });
    const spent = lease ? this.#draw.below(relays + 1) : this.#draw.below(4) === 0 ? 0 : relays;
    const settlements = lease
      ? Array.from({ length: spent }, () => ({ ...settlement(crypto.randomUUID(), 1), lease: id }))
      : spent > 0
      ? [settlement(id, relays)]
      : [];
    // Sooner or later than the rest goes back, and now and then once more.
    const settle = () => this.#insist(() => this.#counters.settle(this.#holder, settlements));
    const giveBack = () =>
      lease
        ? this.#insist(() => this.#counters.trim(this.#holder, [{ id, username, day, relays: spent }]))
        : spent === 0
        ? this.#insist(() => this.#counters.refund(this.#holder, [{ id, username, relays, day }]))
        : Promise.resolve();
    const steps = this.#draw.rarely() ? [settle, giveBack, settle, giveBack] : [settle, giveBack];
    if (this.#draw.below(2) === 0) steps.reverse();
    ledger.settled += spent;
    // It may be somebody else's as soon as the store has heard of it.
    ledger.outstanding -= relays - spent;
    for (const step of steps) await step();
  }

  /** As outbox and node do: until it is taken. */
  async #insist(call: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof CountersUnavailable)) throw error;
      }
    }
  }
}
