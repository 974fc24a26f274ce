/**
 * Whether the control plane can be reached from this process, for its readiness.
 *
 * A relay is ready as long as it can serve somebody: while the control plane is away, clients that it remembers go on,
 * so a load balancer that sees them all away together still has where to send them. When nothing is remembered any
 * more, or at a start before the first answer, it is not.
 */
import { REMEMBERED_MS } from "./control_plane.ts";
import type { Check } from "./relay_health.ts";

/** Nodes ask every second: one that has not heard anything for so long is without it. */
const AWAY_MS = 5000;
/** Refused for its token, it is as good as away, and nothing but a new token helps. */
const REFUSED: ReadonlySet<number> = new Set([401, 403]);

export class ReachOfControlPlane {
  readonly #monotonic: () => number;
  #answeredAt: number | undefined;
  #refused = false;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** It answered with this status. */
  answered(status: number): void {
    this.#refused = REFUSED.has(status);
    // Of trouble of its own it says so with an answer, too.
    if (status < 500 && !this.#refused) this.#answeredAt = this.#monotonic();
  }

  get check(): Check {
    if (this.#refused) return { ok: false, words: "refuses the token in MAILHOP_RELAY_TOKEN" };
    if (this.#answeredAt === undefined) return { ok: false, words: "not reached yet" };
    const silentMs = this.#monotonic() - this.#answeredAt;
    if (silentMs < AWAY_MS) return { ok: true, words: "ok" };
    const since = `away for ${Math.round(silentMs / 1000)} s`;
    return silentMs < REMEMBERED_MS
      ? { ok: true, words: `${since}: clients that are remembered are served` }
      : { ok: false, words: `${since}: nobody is remembered any more` };
  }
}
