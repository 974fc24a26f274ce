/**
 * The resolver: a cache before the network, where equal questions at the same time are one look-up.
 *
 * An answer is kept for its TTL within bounds, a failure for a few seconds so that a broken domain does not cost every
 * message a time-out. Dispose it to close what is open; look-ups that are under way then end as failed.
 */
import { isIP } from "node:net";
import { AnswerCache } from "./cache.ts";
import { type LookedUp, type LookUpOptions, NetworkLookUp } from "./look_up.ts";
import { queryName } from "./names.ts";
import type { DnsAnswer, MxRecord, NameServer, RecordData, RecordType, Resolver } from "./types.ts";

export interface ResolverOptions extends LookUpOptions {
  /** A monotonic clock in milliseconds. */
  readonly now: () => number;
  /** An owner's mistake with a week's TTL is forgotten after this. */
  readonly maxTtlMs: number;
  /** The same for "there is none" (RFC 2308 5); short, since people fix what they were refused for. */
  readonly maxNegativeTtlMs: number;
  /** RFC 2308 7.1 allows up to five minutes. */
  readonly failureTtlMs: number;
  /** About how much memory the answers of each record type may take. */
  readonly cacheOctets: number;
}

/** Everything but the servers. */
export const RESOLVER_DEFAULTS: Omit<ResolverOptions, "servers"> = {
  attemptTimeoutMs: 2_500,
  totalTimeoutMs: 10_000,
  rounds: 2,
  concurrency: 1_000,
  randomId: () => crypto.getRandomValues(new Uint16Array(1))[0]!,
  now: () => performance.now(),
  maxTtlMs: 3_600_000,
  maxNegativeTtlMs: 300_000,
  failureTtlMs: 5_000,
  cacheOctets: 8 * 1024 * 1024,
};

/**
 * A resolver over `servers` with the default limits, of which each can be given otherwise.
 * @throws {RangeError} where there is no server, or one that is not named by its address.
 */
export function createResolver(
  servers: readonly NameServer[],
  options: Partial<Omit<ResolverOptions, "servers">> = {},
): Resolver & AsyncDisposable {
  const answers = new Answers({ ...RESOLVER_DEFAULTS, ...options, servers });
  return Object.assign(new View(answers, 0), { [Symbol.asyncDispose]: () => answers.close() });
}

/** What the cache is asked: answers with a serial number above `after` count. */
class View implements Resolver {
  readonly #answers: Answers;
  readonly #after: number;

  constructor(answers: Answers, after: number) {
    this.#answers = answers;
    this.#after = after;
  }

  mx(name: string): Promise<DnsAnswer<MxRecord>> {
    return this.#answers.get("MX", name, this.#after);
  }

  a(name: string): Promise<DnsAnswer<string>> {
    return this.#answers.get("A", name, this.#after);
  }

  aaaa(name: string): Promise<DnsAnswer<string>> {
    return this.#answers.get("AAAA", name, this.#after);
  }

  txt(name: string): Promise<DnsAnswer<string>> {
    return this.#answers.get("TXT", name, this.#after);
  }

  cname(name: string): Promise<DnsAnswer<string>> {
    return this.#answers.get("CNAME", name, this.#after);
  }

  fresh(): Resolver {
    return new View(this.#answers, this.#answers.serial);
  }
}

/** The answers of one record type: those that are kept and those that are awaited. */
interface Shelf<T> {
  readonly kept: AnswerCache<DnsAnswer<T>>;
  readonly awaited: Map<string, Promise<DnsAnswer<T>>>;
}

type Shelves = { readonly [K in RecordType]: Shelf<RecordData[K]> };

class Answers {
  /** The number of answers kept so far. */
  serial = 0;
  readonly #options: ResolverOptions;
  readonly #network: NetworkLookUp;
  readonly #closing = new AbortController();
  readonly #shelves: Shelves;

  constructor(options: ResolverOptions) {
    if (options.servers.length === 0) throw new RangeError("a resolver needs a name server");
    for (const { hostname } of options.servers) {
      if (isIP(hostname) === 0) throw new RangeError(`a name server is named by its address: ${hostname}`);
    }
    this.#options = options;
    this.#network = new NetworkLookUp(options);
    const shelf = () => ({ kept: new AnswerCache<never>(options.cacheOctets), awaited: new Map<string, never>() });
    this.#shelves = { MX: shelf(), A: shelf(), AAAA: shelf(), TXT: shelf(), CNAME: shelf() };
  }

  get<K extends RecordType>(type: K, name: string, after: number): Promise<DnsAnswer<RecordData[K]>> {
    const shelf: Shelf<RecordData[K]> = this.#shelves[type];
    const kept = shelf.kept.get(name, this.#options.now(), after);
    if (kept !== undefined) return kept;
    const normal = queryName(name);
    // A name that no DNS message can carry does not exist.
    if (normal === null) return Promise.resolve({ kind: "no-domain" });
    if (normal !== name) return this.get(type, normal, after);
    const awaited = shelf.awaited.get(name);
    if (awaited !== undefined) return awaited;
    const answer = this.#lookUp(type, name, shelf);
    shelf.awaited.set(name, answer);
    return answer;
  }

  async #lookUp<K extends RecordType>(
    type: K,
    name: string,
    shelf: Shelf<RecordData[K]>,
  ): Promise<DnsAnswer<RecordData[K]>> {
    try {
      const { answer, ttlSeconds } = await this.#network.lookUp(name, type, this.#closing.signal);
      const holdsMs = this.#holdsMs({ answer, ttlSeconds });
      if (holdsMs > 0) {
        shelf.kept.set(name, {
          answer: Promise.resolve(answer),
          expiresAt: this.#options.now() + holdsMs,
          serial: ++this.serial,
          octets: weigh(name, answer),
        });
      } else {
        // What was known before is refuted, not merely older.
        shelf.kept.delete(name);
      }
      return answer;
    } finally {
      shelf.awaited.delete(name);
    }
  }

  #holdsMs({ answer, ttlSeconds }: LookedUp<unknown>): number {
    const { maxTtlMs, maxNegativeTtlMs, failureTtlMs } = this.#options;
    if (answer.kind === "failed") return failureTtlMs;
    return Math.min(ttlSeconds * 1_000, answer.kind === "found" ? maxTtlMs : maxNegativeTtlMs);
  }

  /** Ends what is under way and waits until its sockets are closed. */
  async close(): Promise<void> {
    this.#closing.abort();
    const shelves: readonly Shelf<unknown>[] = Object.values(this.#shelves);
    await Promise.all(shelves.flatMap((shelf) => [...shelf.awaited.values()]));
  }
}

/** About what an entry takes besides its texts: map slot, promise, objects. */
const ENTRY_OCTETS = 400;
const RECORD_OCTETS = 80;

function weigh(name: string, answer: DnsAnswer<MxRecord | string>): number {
  if (answer.kind !== "found") return ENTRY_OCTETS + name.length;
  return answer.records.reduce(
    (sum, record) => sum + RECORD_OCTETS + (typeof record === "string" ? record : record.exchange).length,
    ENTRY_OCTETS + name.length,
  );
}
