/**
 * One look-up over the network: over the name servers in turn, along CNAMEs, within a total deadline.
 *
 * No cache. It never throws for what the network or a server does: what could not be found out is `failed`.
 */
import { MAX_ALIASES, readAnswer, type Reading } from "./answer.ts";
import { Deadline } from "./deadline.ts";
import { ask } from "./exchange.ts";
import { Slots } from "../slots.ts";
import type { DnsAnswer, NameServer, RecordData, RecordType } from "./types.ts";

export interface LookUpOptions {
  /** In the order of preference; not empty. */
  readonly servers: readonly NameServer[];
  /** How long one server is waited for. */
  readonly attemptTimeoutMs: number;
  /** How long a look-up takes at most, with all its servers, retries, CNAMEs and the wait for its turn. */
  readonly totalTimeoutMs: number;
  /** How often the silent ones among the servers are asked. */
  readonly rounds: number;
  /** Look-ups on the network at once; each has a socket. */
  readonly concurrency: number;
  /** 16 unpredictable bits for a query's id (RFC 5452 4.3). */
  readonly randomId: () => number;
}

export interface LookedUp<T> {
  readonly answer: DnsAnswer<T>;
  /** For how long the answer holds; 0 where it must not be kept. */
  readonly ttlSeconds: number;
}

type Told<T> = Extract<Reading<T>, { kind: "answer" | "alias" }>;

export class NetworkLookUp {
  readonly #options: LookUpOptions;
  readonly #slots: Slots;
  /** Index of the server that answered last: a dead one is not waited for in each look-up. */
  #preferred = 0;

  constructor(options: LookUpOptions) {
    this.#options = options;
    this.#slots = new Slots(options.concurrency);
  }

  /** Looks up `name` (in the form of `queryName`); ends early, as failed, with `closing`. */
  async lookUp<K extends RecordType>(name: string, type: K, closing: AbortSignal): Promise<LookedUp<RecordData[K]>> {
    using deadline = new Deadline(this.#options.totalTimeoutMs, closing);
    if (!await this.#slots.take(deadline.signal)) return failed("too many look-ups at once");
    try {
      return await this.#alongAliases(name, type, deadline.signal);
    } finally {
      this.#slots.release();
    }
  }

  async #alongAliases<K extends RecordType>(
    name: string,
    type: K,
    signal: AbortSignal,
  ): Promise<LookedUp<RecordData[K]>> {
    let owner = name;
    let ttlSeconds = Infinity;
    for (let aliases = 0; aliases <= MAX_ALIASES; aliases++) {
      const told = await this.#askServers(owner, type, signal);
      ttlSeconds = Math.min(ttlSeconds, told.ttlSeconds);
      if (told.kind === "answer") return { answer: told.answer, ttlSeconds };
      owner = told.target;
    }
    return failed("a chain of too many CNAMEs");
  }

  async #askServers<K extends RecordType>(name: string, type: K, signal: AbortSignal): Promise<Told<RecordData[K]>> {
    const { servers, rounds } = this.#options;
    const first = this.#preferred;
    const unhelpful = new Set<number>();
    let why = "no answer in time";
    for (let turn = 0; turn < rounds * servers.length && !signal.aborted; turn++) {
      const index = (first + turn) % servers.length;
      if (unhelpful.has(index)) continue;
      const reading = await this.#askServer(servers[index]!, name, type, signal);
      if (reading.kind === "answer" || reading.kind === "alias") {
        this.#preferred = index;
        return reading;
      }
      why = `${reading.why} from name server ${servers[index]!.hostname}`;
      if (reading.kind === "trouble") unhelpful.add(index);
    }
    return { kind: "answer", ...failed(why) };
  }

  async #askServer<K extends RecordType>(
    server: NameServer,
    name: string,
    type: K,
    signal: AbortSignal,
  ): Promise<Told<RecordData[K]> | { kind: "trouble" | "silent"; why: string }> {
    using attempt = new Deadline(this.#options.attemptTimeoutMs, signal);
    for (const edns of [true, false]) {
      const question = { id: this.#options.randomId(), name, type };
      const response = await ask(server, question, edns, attempt.signal);
      if (response.kind === "unreachable") return { kind: "silent", why: response.why };
      if (response.kind === "malformed") return { kind: "trouble", why: response.why };
      const reading = readAnswer(response.packet, response.rcode, name, type);
      if (reading.kind !== "no-edns") return reading;
    }
    return { kind: "trouble", why: "FORMERR" };
  }
}

function failed<T>(why: string): LookedUp<T> {
  return { answer: { kind: "failed", why }, ttlSeconds: 0 };
}
