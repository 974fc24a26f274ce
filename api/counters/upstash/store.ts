/**
 * The door to Redis over Upstash's REST: scripts, joined and with a deadline.
 *
 * Calls of the same turn of the event loop go in one request. What took too long or failed on the way may have been
 * done all the same; each call counts once however often it is made, so it is made again, until `CountersUnavailable`.
 * A script that breaks off would do so again: that is an error of ours, and says nothing of Redis.
 */
import { Redis } from "@upstash/redis/cloudflare"; // the build that reads no environment
import { CountersUnavailable } from "../trouble.ts";
import abandoned from "./abandoned.lua" with { type: "text" };
import begin from "./begin.lua" with { type: "text" };
import refund from "./refund.lua" with { type: "text" };
import reserve from "./reserve.lua" with { type: "text" };
import settle from "./settle.lua" with { type: "text" };
import trim from "./trim.lua" with { type: "text" };

/** Where the database is, and the token that may read and write. */
export interface UpstashLocation {
  readonly url: string;
  readonly token: string;
}

const SCRIPTS = { abandoned, begin, refund, reserve, settle, trim };
type ScriptName = keyof typeof SCRIPTS;

/** A round trip around the world takes 0.3 s. Three tries end well before a node gives up its call (10 s). */
const TRY_MS = 2000;
const TRIES = 3;
/** While it does not answer a call is one short try: whoever asks has something else to go by, or nothing. */
const TRY_WHILE_AWAY_MS = 1000;
/** How long Redis's clock is believed to run as ours does. */
const CLOCK_HOLDS_MS = 60_000;

/** Redis's clock against this machine's, when it was read: epoch ms, of this machine. */
interface Clock {
  readonly aheadMs: number;
  readonly readAt: number;
}

export class UpstashStore {
  readonly #redis: Redis;
  readonly #hashes = new Map<ScriptName, Promise<string>>();
  readonly #now: () => number;
  /** The last call got no answer. */
  #away = false;
  #clock: Clock | undefined;

  /** @param now epoch ms, of this machine. */
  constructor({ url, token }: UpstashLocation, now: () => number) {
    this.#now = now;
    this.#redis = new Redis({
      ...{ url, token },
      // Without these it tries five times for an unbounded time, encodes answers twice, and guesses at types.
      retry: false,
      signal: () => AbortSignal.timeout(this.#away ? TRY_WHILE_AWAY_MS : TRY_MS),
      responseEncoding: false,
      automaticDeserialization: false,
      enableTelemetry: false,
      enableAutoPipelining: true,
    });
  }

  /** @throws {CountersUnavailable} */
  async run<Result>(name: ScriptName, keys: string[], args: (string | number)[]): Promise<Result> {
    return await this.#tried(async () => {
      const hash = await this.#hashOf(name);
      try {
        return await this.#redis.evalsha<(string | number)[], Result>(hash, keys, args);
      } catch (error) {
        if (!String(error).includes("NOSCRIPT")) throw error;
        return await this.#redis.eval<(string | number)[], Result>(SCRIPTS[name], keys, args);
      }
    });
  }

  /** Fields of hashes, as text; null where there is none. Of several, all in one request. @throws {CountersUnavailable} */
  async fields<Field extends string>(
    keys: readonly string[],
    ...fields: Field[]
  ): Promise<Record<Field, string | null>[]> {
    const found = await this.#tried(() => Promise.all(keys.map((key) => this.#redis.hmget(key, ...fields))));
    // Where answers are not deserialized, they are as Redis has them, whatever the client's types say.
    return (found as unknown as (string | null)[][]).map((values) =>
      Object.fromEntries(fields.map((field, n) => [field, values[n] ?? null])) as Record<Field, string | null>
    );
  }

  /** @throws {CountersUnavailable} */
  async isThere(key: string): Promise<boolean> {
    return await this.#tried(() => this.#redis.exists(key)) === 1;
  }

  /** @throws {CountersUnavailable} */
  async set(key: string, value: string): Promise<void> {
    await this.#tried(() => this.#redis.set(key, value));
  }

  /** Some members of a set, and the cursor of the next ones; "0" at first and at last. @throws {CountersUnavailable} */
  async members(key: string, cursor: string, count: number): Promise<[string, string[]]> {
    return await this.#tried(async () => {
      const [next, members] = await this.#redis.sscan(key, cursor, { count });
      return [next, members.map(String)];
    });
  }

  /** What Redis's clock shows, as far as is known here. @throws {CountersUnavailable} */
  async time(): Promise<number> {
    const { aheadMs } = this.#knownClock() ?? await this.#tried(async () => {
      const before = this.#now();
      const [seconds, microseconds] = await this.#redis.time();
      return this.learnTime(before, Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000));
    });
    return Math.floor(this.#now() + aheadMs);
  }

  /** Redis's clock showed `time` in the answer to a call that was made at `before`. */
  learnTime(before: number, time: number): Clock {
    const now = this.#now();
    // It was read somewhere on the way.
    return this.#clock = { aheadMs: time - (before + now) / 2, readAt: now };
  }

  #knownClock() {
    const elapsed = this.#now() - (this.#clock?.readAt ?? -Infinity);
    return elapsed >= 0 && elapsed < CLOCK_HOLDS_MS ? this.#clock : undefined;
  }

  async #tried<Result>(call: () => Promise<Result>): Promise<Result> {
    for (let tries = this.#away ? TRIES : 1;; tries++) {
      try {
        const result = await call();
        this.#away = false;
        return result;
      } catch (error) {
        const cause = withoutCommand(error);
        if (isOfScript(cause)) {
          this.#away = false;
          throw new Error("a script of the counters broke off", { cause });
        }
        if (tries < TRIES) continue;
        this.#away = true;
        throw new CountersUnavailable("the counters do not answer", { cause });
      }
    }
  }

  /** SHA-1 of a script, by which Redis knows those that it has seen. */
  #hashOf(name: ScriptName): Promise<string> {
    const known = this.#hashes.get(name) ?? sha1(SCRIPTS[name]);
    this.#hashes.set(name, known);
    return known;
  }
}

const sha1 = async (text: string): Promise<string> =>
  new Uint8Array(await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text))).toHex();

/** In what Redis says of a script that broke off: its name for it, and then the line. */
const IN_SCRIPT = "user_script:";
/** What it says there of itself, in capitals; and Upstash, of a quota. Later, or elsewhere, the script would run. */
const NOT_NOW = /\b(?:BUSY|CLUSTERDOWN|LOADING|MASTERDOWN|MISCONF|NOREPLICAS|OOM|READONLY|TRYAGAIN|exceeded)\b/;

const isOfScript = ({ message }: Error): boolean => message.includes(IN_SCRIPT) && !NOT_NOW.test(message);

/** Characters of what went wrong that are kept. */
const MAX_WORDS = 300;

/** The client adds the whole request to what went wrong: customers' names, and much of them. */
const withoutCommand = (error: unknown): Error =>
  new Error(String(error).split(", command was:")[0]!.slice(0, MAX_WORDS));
