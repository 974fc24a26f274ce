/**
 * Whether the disk has room for more mail.
 *
 * When no file can be made for the time behind the log's present one, intake stops: what is left of the present file is
 * for outcomes, so that delivery goes on, which is what makes room. It is looked for again where mail is offered, and
 * where somebody wants to know.
 */
import type { Segments } from "./segments.ts";

export interface RoomParts {
  readonly segments: Segments;
  /** Epoch ms. */
  readonly now: () => number;
  /** Gives back what is not needed. */
  readonly compact: () => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
}

/** Where mail is offered, room is looked for this often at most: a try writes until the disk is full again. */
const LOOK_AGAIN_MS = 5000;

export class Room {
  readonly #parts: RoomParts;
  #lookedAt = -Infinity;
  #looking: Promise<boolean> | undefined;

  constructor(parts: RoomParts) {
    this.#parts = parts;
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
    if (now() - this.#lookedAt < lookAgainMs) return false;
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
    // A spare whose making failed is put away first: it would stand in the way of a new try.
    await segments.settle();
    segments.prepare();
    await segments.settle();
    return !segments.short;
  }
}
