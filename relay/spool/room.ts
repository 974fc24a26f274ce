/**
 * Whether the disk has room for more mail, and for what becomes of it.
 *
 * When no file can be made for the time behind the log's present one, intake stops: what is left of the present file is
 * for outcomes, so that delivery goes on, which is what makes room. When that comes to an end too, delivery stops: what
 * was sent without a record of it would be sent again. Room is looked for again where mail is offered, where
 * delivery wants to go on, and where somebody wants to know.
 */
import type { Log } from "./log.ts";
import type { Segments } from "./segments.ts";

export interface RoomParts {
  readonly segments: Segments;
  readonly log: Pick<Log, "octetsLeft">;
  /** Epoch ms. */
  readonly now: () => number;
  /** Gives back what is not needed. */
  readonly compact: () => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
}

/** Where mail is offered, room is looked for this often at most: a try writes until the disk is full again. */
const LOOK_AGAIN_MS = 5000;
/** For what becomes of one message: the outcomes of a few next hops, or a report about them, in usual words. */
const OUTCOME_OCTETS = 8 * 1024;
const FULL: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);

export class Room {
  readonly #parts: RoomParts;
  #lookedAt = -Infinity;
  #looking: Promise<boolean> | undefined;

  constructor(parts: RoomParts) {
    this.#parts = parts;
  }

  /** Why there is none, in words. */
  get why(): string {
    const { trouble } = this.#parts.segments;
    const isFull = trouble instanceof Error && "code" in trouble && FULL.has(String(trouble.code));
    return isFull ? "the spool's disk is full" : "the spool's disk takes no new file";
  }

  /**
   * Whether what becomes of one message more can be recorded, where so many are in hand.
   *
   * @param octets that something else would write before.
   */
  forOutcomes(inHand: number, octets = 0): boolean {
    const { segments, log } = this.#parts;
    return !segments.short || log.octetsLeft >= octets + (inHand + 1) * OUTCOME_OCTETS;
  }

  /**
   * Resolves to whether mail may be taken in now; all that ask meanwhile share one look.
   *
   * @param lookAgainMs so long after a look there is no other one.
   */
  async forMail(lookAgainMs = LOOK_AGAIN_MS): Promise<boolean> {
    const { segments, now } = this.#parts;
    if (!segments.short) return true;
    if (this.#looking !== undefined) return await this.#looking;
    const passedMs = now() - this.#lookedAt;
    // Less than none: the clock was set back.
    if (passedMs >= 0 && passedMs < lookAgainMs) return false;
    this.#lookedAt = now();
    return await (this.#looking = this.#look().finally(() => this.#looking = undefined));
  }

  async #look(): Promise<boolean> {
    const { segments, compact, onTrouble } = this.#parts;
    try {
      await compact();
    } catch (error) {
      onTrouble(error);
    }
    segments.prepare();
    await segments.settle();
    if (segments.short) onTrouble(segments.trouble);
    return !segments.short;
  }
}
