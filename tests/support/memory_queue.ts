/**
 * A `Queue` in memory, for tests of delivery: the rules of the real one without the disk.
 *
 * Tests wait for what is recorded and given back instead of for time.
 */
import type { NodeEvent } from "../../api/client.ts";
import type { Envelope, RecipientState } from "../../relay/envelope.ts";
import { domainOf } from "../../relay/spool/index_row.ts";
import { SpoolFailure } from "../../relay/spool/errors.ts";
import type { Content, Outcome, Queue, QueuedMessage } from "../../relay/spool/types.ts";

interface Stored {
  readonly envelope: Envelope;
  recipients: RecipientState[];
  readonly content: Content;
  taken: boolean;
}

export class MemoryQueue implements Queue {
  readonly messages = new Map<string, Stored>();
  readonly outcomes: Outcome[] = [];
  readonly givenBack: string[] = [];
  /** How many calls of `record` are to fail from now on. */
  failingRecords = 0;
  readonly #listeners: (() => void)[] = [];
  #changed = Promise.withResolvers<void>();

  add(envelope: Envelope, content: Uint8Array | Content, states: Partial<RecipientState> = {}): void {
    const state: RecipientState = {
      status: "queued",
      attempts: 0,
      dueAt: envelope.receivedAt,
      lastReply: null,
      delayReported: false,
      ...states,
    };
    const recipients = envelope.recipients.map(() => state);
    const stored = content instanceof Uint8Array ? inMemory(content) : content;
    this.messages.set(envelope.id, { envelope, recipients, content: stored, taken: false });
    this.wake();
  }

  take(now: number, mayTake: (account: string) => boolean): QueuedMessage | undefined {
    for (const message of this.messages.values()) {
      if (!mayTake(message.envelope.account)) continue;
      if (message.taken || !message.recipients.some((state) => state.status === "queued" && state.dueAt <= now)) {
        continue;
      }
      message.taken = true;
      const { envelope, recipients, content } = message;
      return { envelope, recipients: [...recipients], content: () => Promise.resolve(content) };
    }
    return undefined;
  }

  nextDueAt(): number | undefined {
    const due = [...this.messages.values()].filter(({ taken }) => !taken)
      .flatMap(({ recipients }) => recipients.filter(({ status }) => status === "queued").map(({ dueAt }) => dueAt));
    return due.length === 0 ? undefined : Math.min(...due);
  }

  onAvailable(listener: () => void): void {
    this.#listeners.push(listener);
  }

  record(outcome: Outcome): Promise<void> {
    if (this.failingRecords > 0) {
      this.failingRecords--;
      return Promise.reject(new SpoolFailure("injected"));
    }
    const message = this.messages.get(outcome.messageId);
    if (message === undefined) throw new Error(`unknown message ${outcome.messageId}`);
    for (const { recipient, state } of outcome.changes) message.recipients[recipient] = state;
    this.outcomes.push(outcome);
    if (outcome.dsn !== undefined) this.add(outcome.dsn.envelope, outcome.dsn.content);
    this.#notify();
    return Promise.resolve();
  }

  hasten(domains: ReadonlySet<string>): void {
    for (const { envelope, recipients } of this.messages.values()) {
      for (const [n, state] of recipients.entries()) {
        if (domains.has(domainOf(envelope.recipients[n]!))) recipients[n] = { ...state, dueAt: envelope.receivedAt };
      }
    }
    this.wake();
  }

  giveBack(messageId: string): void {
    this.messages.get(messageId)!.taken = false;
    this.givenBack.push(messageId);
    this.wake();
  }

  /** Says that something may be due, as a fake clock that has moved cannot. */
  wake(): void {
    for (const listener of this.#listeners) listener();
    this.#notify();
  }

  get events(): NodeEvent[] {
    return this.outcomes.flatMap(({ events }) => events);
  }

  statuses(messageId: string): string[] {
    return this.messages.get(messageId)!.recipients.map(({ status }) => status);
  }

  /** Resolves when `condition` holds; it is looked at after each change. */
  async until(condition: (queue: this) => boolean): Promise<void> {
    while (!condition(this)) await this.#changed.promise;
  }

  /** Resolves when the message was given back for the n-th time. */
  async round(messageId: string, times = 1): Promise<void> {
    await this.until(({ givenBack }) => givenBack.filter((id) => id === messageId).length >= times);
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

export function inMemory(octets: Uint8Array): Content {
  return {
    sizeBytes: octets.length,
    async *chunks() {
      yield octets;
    },
  };
}
