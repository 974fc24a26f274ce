/** A spool that keeps what it accepts in memory, and fails when it is told to. For small messages only. */
import type { Envelope } from "../../relay/envelope.ts";
import { Draft } from "../../relay/spool/draft.ts";
import type { Spool } from "../../relay/spool/spool.ts";

/** RFC 5321 4.4: the date is the last part of the field. */
const DATE_END = " +0000\r\n";

export interface KeptMessage {
  readonly envelope: Envelope;
  /** The trace field that the relay added, and what came below it; a character is an octet. */
  readonly trace: string;
  readonly content: string;
}

export class MemorySpool implements Pick<Spool, "draft" | "accept"> {
  readonly messages: KeptMessage[] = [];
  /** Message ids. */
  readonly discarded: string[] = [];
  /** What writing to a draft, or accepting one, fails with. */
  failing: { write?: Error; accept?: Error } = {};
  /** Called when octets of a message have come. */
  onWrite: () => void = () => {};
  /** Accepting waits for this. */
  gate: Promise<void> = Promise.resolve();

  draft(id: string, expectedOctets: number): Draft {
    return new MemoryDraft(id, expectedOctets, this);
  }

  async accept(envelope: Envelope, draft: Draft): Promise<void> {
    await this.gate;
    if (this.failing.accept !== undefined) throw this.failing.accept;
    const stored = Array.from(draft.head(), (octet) => String.fromCharCode(octet)).join("");
    // The date ends the field: a content that begins with a blank only looks like more of it.
    const end = stored.indexOf(DATE_END) + DATE_END.length;
    this.messages.push({ envelope, trace: stored.slice(0, end), content: stored.slice(end) });
  }
}

class MemoryDraft extends Draft {
  readonly #id: string;
  readonly #spool: MemorySpool;

  constructor(id: string, expectedOctets: number, spool: MemorySpool) {
    super("/nowhere", "/nowhere/large", expectedOctets);
    this.#id = id;
    this.#spool = spool;
  }

  override write(octets: Uint8Array): void | Promise<void> {
    this.#spool.onWrite();
    return this.#spool.failing.write === undefined ? super.write(octets) : Promise.reject(this.#spool.failing.write);
  }

  override discard(): Promise<void> {
    this.#spool.discarded.push(this.#id);
    return super.discard();
  }
}
