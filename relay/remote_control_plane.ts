/**
 * The control plane over HTTP, at one address or several: the `fetch` behind the nodes of a process in role `relay`.
 *
 * It stays with the address that answers, begins with the preferred one, and goes back to that when it is ready again.
 * A call that fails at one address is tried at the next, where it may be repeated; all of it within the deadline that
 * the nodes give a call. The answer is read whole, within a bound.
 */
import type { Fetch } from "../api/client.ts";
import { CALL_DEADLINE_MS } from "./control_plane_calls.ts";
import type { Origin } from "./direct_fetch.ts";
import { rootWords } from "./error_words.ts";

export interface RemoteControlPlaneOptions {
  /** The preferred one first; at least one. */
  readonly origins: readonly Origin[];
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  readonly onNews: (message: string, facts: Record<string, unknown>) => void;
  /** Hears of each answer, of whichever address, when it is there. */
  readonly onAnswer: (answer: Pick<Response, "status" | "headers">, roundTripMs: number) => void;
  /** Between two looks at addresses that are preferred to the one in use, in ms. */
  readonly lookBackMs?: number;
  /** For one try while there is another address to turn to, in ms. */
  readonly tryMs?: number;
}

/**
 * Calls whose repetition changes nothing more: they ask, or what they tell bears an id, or says how something stands.
 * Not here: a report on the policy, which adds counts (POST /v1/node/policy), and the call for notices, which hands them
 * out (POST /v1/node/notices).
 */
const REPEATABLE: readonly RegExp[] = [
  /^GET \//,
  /^POST \/v1\/node\/login$/,
  /^POST \/v1\/node\/(domain-owners|dkim-keys|suppressions)$/,
  /^POST \/v1\/node\/(reservations|settlements|refunds|leases|recover)$/,
  /^POST \/v1\/node\/(events|decisions|queue)$/,
];
/** A proxy without its server, a control plane without its database: another address may be better off. */
const ELSEWHERE: ReadonlySet<number> = new Set([502, 503, 504]);
/** Leaves room for a second address; what takes longer is as good as away. */
const TRY_MS = 4000;
/** Of a call; the nodes' own deadline is a little longer, so that they hear why. */
const TOTAL_MS = CALL_DEADLINE_MS - 200;
/** The preferred address is nearer; but it is not worth much trouble to be back at once. */
const LOOK_BACK_MS = 30_000;
/** The largest that there is, a module of the policy, is far below. */
const MAX_ANSWER_OCTETS = 32 * 1024 * 1024;
/** They are of the connection, or of a body that is unpacked by now. */
const NOT_PASSED_ON = ["connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"];

/** What a try came to. */
type Outcome = { readonly response: Response } | { readonly why: string; readonly late: boolean };

export class RemoteControlPlane implements Disposable {
  readonly #options: RemoteControlPlaneOptions;
  /** Index of the address in use. */
  #current = 0;
  #lookingBack: ReturnType<typeof setTimeout> | undefined;
  readonly #closing = new AbortController();

  constructor(options: RemoteControlPlaneOptions) {
    this.#options = options;
  }

  /** The address in use. */
  get origin(): string {
    return this.#options.origins[this.#current]!.url;
  }

  /** As the global one; rejects where no address has answered. */
  readonly fetch: Fetch = async (input, init = {}) => {
    if (input instanceof Request) throw new TypeError("a call of the control plane has a URL");
    const { pathname, search } = new URL(input);
    const { origins, monotonic } = this.#options;
    const places = this.#places(`${init.method ?? "GET"} ${pathname}`);
    const deadline = monotonic() + TOTAL_MS;
    let outcome: Outcome | undefined;
    for (const [at, place] of places.entries()) {
      const again = place === places[at - 1];
      // The same address again: only where a connection was lost, which it may have closed as idle.
      if (again && (outcome === undefined || "response" in outcome || outcome.late)) break;
      const hasAnother = places[at + 1] !== undefined && places[at + 1] !== place;
      const left = deadline - monotonic();
      if (left <= 0) break;
      const limitMs = hasAnother ? Math.min(left, this.#options.tryMs ?? TRY_MS) : left;
      outcome = await this.#try(origins[place]!, pathname + search, init, limitMs);
      if ("response" in outcome && !ELSEWHERE.has(outcome.response.status)) {
        this.#use(place);
        return outcome.response;
      }
      // A call that is not repeated: the next one is to go elsewhere.
      if (places.length === 1 && place === this.#current) this.#use((place + 1) % origins.length);
    }
    if (outcome !== undefined && "response" in outcome) return outcome.response;
    throw new TypeError(`the control plane did not answer${outcome === undefined ? "" : ` at ${outcome.why}`}`);
  };

  [Symbol.dispose](): void {
    clearTimeout(this.#lookingBack);
    this.#closing.abort();
    for (const origin of this.#options.origins) origin[Symbol.dispose]();
  }

  /** Which addresses a call is tried at, in turn. */
  #places(call: string): number[] {
    const current = this.#current;
    if (!REPEATABLE.some((pattern) => pattern.test(call))) return [current];
    const others = this.#options.origins.map((_, at) => at).filter((at) => at !== current);
    return others.length === 0 ? [current, current] : [current, ...others];
  }

  async #try({ url, fetch }: Origin, path: string, init: RequestInit, limitMs: number): Promise<Outcome> {
    const { monotonic, onAnswer } = this.#options;
    const askedAt = monotonic();
    const limit = AbortSignal.timeout(Math.ceil(limitMs));
    try {
      const response = await fetch(path, { ...init, signal: AbortSignal.any([limit, this.#closing.signal]) });
      const body = await readBounded(response);
      onAnswer(response, monotonic() - askedAt);
      return { response: copyOf(response, body) };
    } catch (error) {
      return { why: `${url}: ${rootWords(error)}`, late: limit.aborted };
    }
  }

  #use(place: number): void {
    if (place === this.#current) return;
    this.#current = place;
    this.#options.onNews("the control plane is asked at another address", { url: this.origin });
    if (place > 0) this.#lookBackLater();
  }

  #lookBackLater(): void {
    clearTimeout(this.#lookingBack);
    this.#lookingBack = setTimeout(() => void this.#lookBack(), this.#options.lookBackMs ?? LOOK_BACK_MS);
  }

  /** Goes back to the first address that is ready for nodes. */
  async #lookBack(): Promise<void> {
    for (const [place, origin] of this.#options.origins.entries()) {
      if (place >= this.#current || this.#closing.signal.aborted) break;
      const outcome = await this.#try(origin, "/readyz", {}, this.#options.tryMs ?? TRY_MS);
      if ("response" in outcome && await servesNodes(outcome.response)) return this.#use(place);
    }
    if (this.#current > 0 && !this.#closing.signal.aborted) this.#lookBackLater();
  }
}

/** From the answer of /readyz; where the control plane has nodes of its own, how those are is no matter of others. */
async function servesNodes(response: Response): Promise<boolean> {
  if (response.ok) return true;
  try {
    const { checks: { database, counters = "ok" } } = await response.json();
    return database === "ok" && counters === "ok";
  } catch {
    return false;
  }
}

/** @throws {TypeError} it is too long, or the connection was lost. */
async function readBounded(response: Response): Promise<Uint8Array<ArrayBuffer> | null> {
  if (response.body === null) return null;
  const chunks: Uint8Array[] = [];
  let octets = 0;
  for await (const chunk of response.body) {
    octets += chunk.length;
    if (octets > MAX_ANSWER_OCTETS) throw new TypeError(`an answer has more than ${MAX_ANSWER_OCTETS} octets`);
    chunks.push(chunk);
  }
  if (octets === 0) return null;
  const whole = new Uint8Array(octets);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function copyOf({ status, headers }: Response, body: Uint8Array<ArrayBuffer> | null): Response {
  const passedOn = new Headers(headers);
  for (const name of NOT_PASSED_ON) passedOn.delete(name);
  return new Response(body, { status, headers: passedOn });
}
