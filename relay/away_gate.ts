/**
 * Stands before calls to somebody who may be away: once that is known, one call at a time goes through as a probe, and
 * the others are told at once instead of waiting for a deadline each.
 *
 * It is known by a call that failed while nothing was answered since it began: one that is slow or unlucky among others
 * that are answered says nothing.
 */
export interface AwayGateOptions {
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  /** Between two probes, in ms. */
  readonly pauseMs: number;
  /** They are away, as this error has it; or are back, after so many ms. */
  readonly onAway: (error: unknown) => void;
  readonly onBack: (awayMs: number) => void;
}

/** A call that was let through; one of them is to be called when it has ended. */
export interface Passage {
  /** They are known to be away. */
  readonly isProbe: boolean;
  readonly answered: () => void;
  readonly failed: (error: unknown) => void;
  /** It failed, and that says nothing. */
  readonly abandoned: () => void;
}

export class AwayGate {
  readonly #options: AwayGateOptions;
  /** Answers so far. */
  #answers = 0;
  #awaySince: number | undefined;
  #probing = false;
  #nextProbeAt = 0;

  constructor(options: AwayGateOptions) {
    this.#options = options;
  }

  get isAway(): boolean {
    return this.#awaySince !== undefined;
  }

  /** null: they are away, and were asked a moment ago or are being asked now. */
  enter(): Passage | null {
    const { monotonic } = this.#options;
    const isProbe = this.isAway;
    if (isProbe && (this.#probing || monotonic() < this.#nextProbeAt)) return null;
    if (isProbe) this.#probing = true;
    const answersBefore = this.#answers;
    const end = () => {
      if (isProbe) this.#probing = false;
    };
    return {
      isProbe,
      answered: () => {
        end();
        this.#answers++;
        this.#back();
      },
      failed: (error) => {
        end();
        if (this.#answers === answersBefore) this.#away(error);
      },
      abandoned: end,
    };
  }

  #away(error: unknown): void {
    const { monotonic, pauseMs, onAway } = this.#options;
    this.#nextProbeAt = monotonic() + pauseMs;
    if (this.#awaySince !== undefined) return;
    this.#awaySince = monotonic();
    onAway(error);
  }

  #back(): void {
    if (this.#awaySince === undefined) return;
    const awayMs = this.#options.monotonic() - this.#awaySince;
    this.#awaySince = undefined;
    this.#options.onBack(awayMs);
  }
}
