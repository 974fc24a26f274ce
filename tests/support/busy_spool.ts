/**
 * A spool under load in this process, with a ledger: messages are accepted without end, most are delivered, some only
 * when their segment was compacted meanwhile, and some stay.
 *
 *     await using busy = new BusySpool(spool);
 *     await busy.accepted(500);
 */
import type { Spool } from "../../relay/spool/spool.ts";
import { accept, change, contentOf, envelope, octetsOf, START } from "./spool_on_disk.ts";

/** Messages that are being accepted, and delivered, at the same time. */
const AT_ONCE = 8;

export class BusySpool implements AsyncDisposable {
  /** Ids of messages whose acceptance was confirmed. */
  readonly acknowledged = new Set<string>();
  /** Of those whose delivery has begun to be recorded. */
  readonly attempted = new Set<string>();
  readonly #spool: Spool;
  readonly #work: Promise<void[]>;
  #number = 0;
  #enough = false;
  #watchers: { readonly count: number; readonly reached: () => void }[] = [];

  constructor({ spool }: { spool: Spool }) {
    this.#spool = spool;
    this.#work = Promise.all(Array.from({ length: AT_ONCE }, () => this.#goOn()));
  }

  /** Acknowledged messages of which no delivery has begun. */
  waiting(): Set<string> {
    return this.acknowledged.difference(this.attempted);
  }

  /** Resolves when so many messages are acknowledged. */
  accepted(count: number): Promise<void> {
    if (this.acknowledged.size >= count) return Promise.resolve();
    return new Promise((reached) => this.#watchers.push({ count, reached }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#enough = true;
    await this.#work;
  }

  async #goOn(): Promise<void> {
    while (!this.#enough) {
      const id = `m${this.#number++}`;
      await accept(this.#spool, envelope(id), contentOf(id, octetsOf(id)));
      this.acknowledged.add(id);
      for (const { count, reached } of this.#watchers) if (this.acknowledged.size >= count) reached();
      await this.#deliverOne();
    }
  }

  async #deliverOne(): Promise<void> {
    // Time goes by with the messages, so that what is deferred comes back.
    const now = START + this.#number;
    const message = this.#spool.take(now);
    if (message === undefined) return;
    const { envelope: { id: messageId }, recipients: [recipient] } = message;
    const wait = recipient!.attempts > 0 ? undefined : waitOf(messageId);
    if (wait === undefined) this.attempted.add(messageId);
    const changes = [wait === undefined ? change("delivered") : change("queued", now + wait)];
    await this.#spool.record({ messageId, changes, events: [] });
    this.#spool.giveBack(messageId);
  }
}

/** One in eight is deferred for a while, one in sixty-four for so long that its segment is compacted, or for good. */
function waitOf(id: string): number | undefined {
  const kind = contentOf(id, 1)[0]!;
  if (kind % 8 !== 0) return undefined;
  return kind % 64 !== 0 ? 50 : kind % 128 === 0 ? 2000 : 10_000_000;
}
