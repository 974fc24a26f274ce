/**
 * Records outcomes until they are on stable storage.
 *
 * What a next hop said must be recorded before the message may be tried again (invariant 2), so a spool that fails is
 * asked again and again while the message stays taken; only the end of the process ends that.
 */
import type { Logger } from "@logtape/logtape";
import { delay } from "@std/async/delay.js";
import { SpoolFailure } from "../spool/errors.ts";
import type { Outcome, Queue } from "../spool/types.ts";

export class Recorder {
  readonly #stopping = new AbortController();

  constructor(
    private readonly queue: Pick<Queue, "record">,
    private readonly log: Logger,
    private readonly retryMs: number,
  ) {}

  /** Resolves to whether it was recorded: false when the process ended first. */
  async record(outcome: Outcome): Promise<boolean> {
    while (true) {
      try {
        await this.queue.record(outcome);
        return true;
      } catch (error) {
        if (!(error instanceof SpoolFailure)) throw error;
        const { messageId } = outcome;
        this.log.error("the outcome of an attempt could not be recorded: {error}", { messageId, error });
      }
      try {
        await delay(this.retryMs, { signal: this.#stopping.signal });
      } catch (error) {
        if (!this.#stopping.signal.aborted) throw error;
        return false;
      }
    }
  }

  /** No further tries. */
  stop(): void {
    this.#stopping.abort();
  }
}
