/**
 * The messages that a spool has in memory: in hand, or ready to be taken.
 *
 * Memory is bounded: beyond a number of octets, contents are not kept but read when they are wanted.
 */
import type { Envelope, RecipientState } from "../envelope.ts";
import type { Location } from "./log.ts";
import type { LargeContent } from "./record.ts";

/** A message that is not ended and not only in the index. */
export interface Loaded {
  readonly envelope: Envelope;
  recipients: readonly RecipientState[];
  readonly location: Location;
  /** undefined where it is read when it is wanted: from the log, or from its own file if it is `large`. */
  content: Uint8Array | undefined;
  readonly large: LargeContent | undefined;
  taken: boolean;
  /** Whether the index has a row for it. */
  indexed: boolean;
  /** Outcomes on their way to the disk; giving back waits for them. */
  recording: number;
  giveBackWanted: boolean;
}

/** What is known of a message when it comes into memory. */
export type Found = Pick<Loaded, "envelope" | "recipients" | "location" | "content" | "large" | "indexed">;

/** Octets of records whose content is in memory. */
const MAX_CONTENT_OCTETS = 64 << 20;

export class LoadedMessages {
  readonly #byId = new Map<string, Loaded>();
  readonly #ofAccount = new Map<string, number>();
  #octets = 0;

  get size(): number {
    return this.#byId.size;
  }

  /** Whether the content of a record of so many octets can be kept. */
  hasRoomFor(octets: number): boolean {
    return this.#octets + octets <= MAX_CONTENT_OCTETS;
  }

  /**
   * Whether an account may have one more of so many: it may have as many as it leaves free. So there is room for others
   * whatever one sends, and where many have something, each has the same.
   */
  allows(account: string, limit: number): boolean {
    return (this.#ofAccount.get(account) ?? 0) < limit - this.size;
  }

  get(id: string): Loaded | undefined {
    return this.#byId.get(id);
  }

  values(): IterableIterator<Loaded> {
    return this.#byId.values();
  }

  /** Its content is kept if there is room for it. */
  add(found: Found): void {
    const { envelope: { id }, location: { length } } = found;
    const content = this.hasRoomFor(length) ? found.content : undefined;
    if (content !== undefined) this.#octets += length;
    const { account } = found.envelope;
    this.#ofAccount.set(account, (this.#ofAccount.get(account) ?? 0) + 1);
    this.#byId.set(id, { ...found, content, taken: false, recording: 0, giveBackWanted: false });
  }

  dropContent(loaded: Loaded): void {
    if (loaded.content !== undefined) this.#octets -= loaded.location.length;
    loaded.content = undefined;
  }

  delete(loaded: Loaded): void {
    this.dropContent(loaded);
    const { id, account } = loaded.envelope;
    if (!this.#byId.delete(id)) return;
    const left = this.#ofAccount.get(account)! - 1;
    if (left > 0) this.#ofAccount.set(account, left);
    else this.#ofAccount.delete(account);
  }
}
