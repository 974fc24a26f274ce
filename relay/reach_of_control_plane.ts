/**
 * Whether the control plane can be reached from this process, for its readiness.
 *
 * A relay is ready as long as it can serve somebody: while the control plane is away, clients that it remembers go on,
 * so a load balancer that sees them all away together still has where to send them. When nothing is remembered any
 * more, or at a start before the first answer, it is not.
 */
import { REMEMBERED_MS } from "./control_plane.ts";
import { isTokenRefused } from "./control_plane_calls.ts";
import type { Check } from "./relay_health.ts";

/** Nodes ask every second: one that has not heard anything for so long is without it. */
const AWAY_MS = 5000;
/** By status. Refused for its token, it is as good as away, and nothing but a new token helps. */
const REFUSALS: ReadonlyMap<number, string> = new Map([
  [401, "refuses the token in MAILHOP_RELAY_TOKEN (mailhop relay-token create makes another one)"],
  [403, "refuses a node, which belongs to another token (mailhop relay-token create LABEL --node NODE hands it over)"],
]);
/** A refusal stands for so long at least: it may be of one node, while others are served. */
const REFUSAL_STANDS_MS = 10_000;
/** Nodes meet it with each call. */
const SAID_AGAIN_MS = 60_000;

export interface ReachOptions {
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  /** Hears that the token is refused, once a minute at most; words to be read behind "the control plane". */
  readonly onRefused: (words: string, status: number) => void;
}

export class ReachOfControlPlane {
  readonly #options: ReachOptions;
  #answeredAt: number | undefined;
  #refusal: { readonly words: string; readonly at: number } | undefined;
  #saidAt = -Infinity;

  constructor(options: ReachOptions) {
    this.#options = options;
  }

  /** It answered so. */
  answered(answer: Pick<Response, "status" | "headers">): void {
    const { status } = answer;
    // It says nothing of this node.
    if (status === 401 && !isTokenRefused(answer)) return;
    const now = this.#options.monotonic(), words = REFUSALS.get(status);
    if (words !== undefined) {
      this.#refusal = { words, at: now };
      this.#say(words, status, now);
      return;
    }
    if (this.#refusal !== undefined && now - this.#refusal.at >= REFUSAL_STANDS_MS) this.#refusal = undefined;
    // Of trouble of its own it says so with an answer, too.
    if (status < 500) this.#answeredAt = now;
  }

  #say(refusal: string, status: number, now: number): void {
    if (now - this.#saidAt < SAID_AGAIN_MS) return;
    this.#saidAt = now;
    this.#options.onRefused(refusal, status);
  }

  get check(): Check {
    if (this.#refusal !== undefined) return { ok: false, words: this.#refusal.words };
    if (this.#answeredAt === undefined) return { ok: false, words: "not reached yet" };
    const silentMs = this.#options.monotonic() - this.#answeredAt;
    if (silentMs < AWAY_MS) return { ok: true, words: "ok" };
    const since = `away for ${Math.round(silentMs / 1000)} s`;
    return silentMs < REMEMBERED_MS
      ? { ok: true, words: `${since}: clients that are remembered are served` }
      : { ok: false, words: `${since}: nobody is remembered any more` };
  }
}
