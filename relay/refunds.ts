/**
 * Reservations that are to be given back: told together, and until they are taken or the node ends, whose next start
 * makes that good. Bounded: what finds no room stays a debit until then.
 */
import type { Refund } from "../api/client.ts";

export interface RefundsOptions {
  /** Tells the control plane. */
  readonly send: (refunds: readonly Refund[]) => Promise<unknown>;
  /** Resolves after so many ms, or as soon as `closing` aborts. */
  readonly sleep: (ms: number) => Promise<void>;
  readonly closing: AbortSignal;
  readonly onTrouble: (error: unknown) => void;
}

/** In one call, which others wait behind; the control plane takes twice as many. */
const MAX_BATCH = 256;
/** Some hundred octets each: a minute or more of a loaded node that finds no counters. */
const MAX_WAITING = 20_000;
const RETRY_MS = 5000;

export class Refunds {
  readonly #options: RefundsOptions;
  /** By id: naming one twice is telling it once. */
  readonly #waiting = new Map<string, Refund>();
  #telling: Promise<void> | undefined;

  constructor(options: RefundsOptions) {
    this.#options = options;
  }

  /** Resolves when nothing waits any more, or the node ends. */
  push(refund: Refund): Promise<void> {
    if (this.#waiting.size < MAX_WAITING) this.#waiting.set(refund.id, refund);
    return this.#telling ??= this.#tell();
  }

  async #tell(): Promise<void> {
    const { send, sleep, closing, onTrouble } = this.#options;
    // What is pushed in the same turn of the event loop goes together.
    await Promise.resolve();
    while (this.#waiting.size > 0 && !closing.aborted) {
      const batch = [...this.#waiting.values().take(MAX_BATCH)];
      try {
        await send(batch);
        for (const { id } of batch) this.#waiting.delete(id);
      } catch (error) {
        onTrouble(error);
        await sleep(RETRY_MS);
      }
    }
    this.#telling = undefined;
  }
}
