/**
 * The spool of one node: messages that were acknowledged and have not ended.
 *
 * The log is the truth, the index finds what is due, memory holds what is in hand. Guarantees: see `types.ts`. A
 * directory belongs to one process at a time; the data directory's lock sees to that.
 */
import { join } from "@std/path";
import type { NodeEvent } from "../../api/client.ts";
import type { Envelope, RecipientState } from "../envelope.ts";
import { contentInFile, contentInMemory } from "./content.ts";
import { Draft } from "./draft.ts";
import { SpoolDamaged, SpoolFailure } from "./errors.ts";
import type { IndexStore } from "./index_store.ts";
import { type Location, type Log, readAt } from "./log.ts";
import type { Outbox } from "./outbox.ts";
import type { LargeContent, RecipientChange } from "./record.ts";
import type { Segments } from "./segments.ts";
import type { Content, NewMessage, Outcome, Queue, QueuedMessage } from "./types.ts";

/** A message that is not ended and not only in the index. */
interface Held {
  readonly envelope: Envelope;
  recipients: readonly RecipientState[];
  readonly location: Location;
  /** The content, where it is not a file of its own. */
  readonly content: Uint8Array;
  readonly large: LargeContent | undefined;
  taken: boolean;
  /** Whether the index has a row for it. */
  indexed: boolean;
  /** Outcomes on their way to the disk; the release waits for them. */
  recording: number;
  releaseWanted: boolean;
}

export interface SpoolParts {
  readonly segments: Segments;
  readonly log: Log;
  readonly index: IndexStore;
  readonly outbox: Outbox;
  /** Where large contents are. */
  readonly largeDirectory: string;
  readonly now: () => number;
  /** Hears of messages that cannot be read any more, and of trouble in the background. */
  readonly onDamage: (messageId: string, damage: SpoolDamaged) => void;
  readonly onTrouble: (error: unknown) => void;
}

/** Messages and octets in memory; beyond, new ones wait in the index. */
const MAX_HELD = 4096;
const MAX_HELD_OCTETS = 64 << 20;
/** Rows that are loaded from the index in one go. */
const LOAD_BATCH = 128;
/** When an outcome could not be stored, the message is tried again after this: the disk needs time, too. */
const RETRY_AFTER_FAILURE_MS = 60_000;

export class Spool implements Queue {
  readonly #parts: SpoolParts;
  readonly #held = new Map<string, Held>();
  #heldOctets = 0;
  /** Ids of held messages that are due and not taken, in order; a Set keeps order and gives up its first cheaply. */
  readonly #ready = new Set<string>();
  readonly #listeners: (() => void)[] = [];
  /** Messages with their content in each segment. */
  readonly #live: Map<number, number>;
  #durableCheckpoint = 0;
  #loading: Promise<void> | undefined;
  #checkpointing: Promise<void> | undefined;
  #closed = false;

  /** Use `openSpool`, which replays the log first. */
  constructor(parts: SpoolParts) {
    this.#parts = parts;
    this.#live = parts.index.messagesByGeneration();
  }

  /** Messages in hand or ready, not those that wait in the index. */
  get heldMessages(): number {
    return this.#held.size;
  }

  /** All messages that are not ended. */
  count(): number {
    let unindexed = 0;
    for (const held of this.#held.values()) if (!held.indexed) unindexed++;
    return this.#parts.index.count() + unindexed;
  }

  /** Begins the content of a message; `expectedOctets` is a hint. */
  draft(id: string, expectedOctets: number): Draft {
    return new Draft(this.#parts.largeDirectory, this.#largePath(id), expectedOctets);
  }

  /**
   * Takes a message over: when this resolves it is on stable storage and will be delivered or returned.
   *
   * @throws {SpoolFailure} if it could not be stored; the draft is the caller's still, to be discarded.
   */
  async accept(envelope: Envelope, draft: Draft): Promise<void> {
    if (this.#closed) throw new SpoolFailure("the spool is closed");
    if (!draft.large) return this.#acceptContent(envelope, draft.head());
    let large: LargeContent;
    try {
      large = await draft.sync();
    } catch (cause) {
      throw new SpoolFailure("the content could not be stored", { cause });
    }
    const meta = { accept: { envelope, large } };
    await this.#parts.log.append(
      { meta, content: NOTHING },
      (location) => this.#add(envelope, location, NOTHING, large),
    );
  }

  #acceptContent(envelope: Envelope, content: Uint8Array): Promise<void> {
    const meta = { accept: { envelope } };
    return this.#parts.log.append({ meta, content }, (location) => this.#add(envelope, location, content, undefined));
  }

  onAvailable(listener: () => void): void {
    this.#listeners.push(listener);
  }

  take(now: number): QueuedMessage | undefined {
    for (const id of this.#ready) {
      this.#ready.delete(id);
      const held = this.#held.get(id)!;
      held.taken = true;
      const { envelope, recipients } = held;
      return { envelope, recipients, content: () => Promise.resolve(this.#content(held)) };
    }
    if (this.#loading === undefined && (this.#parts.index.nextDueAt() ?? Infinity) <= now) {
      this.#loading = this.#load(now).catch(this.#parts.onTrouble).finally(() => {
        this.#loading = undefined;
        this.#notify();
      });
    }
    return undefined;
  }

  nextDueAt(): number | undefined {
    if (this.#ready.size > 0) return 0;
    // What is being loaded is announced when it is there.
    return this.#loading === undefined ? this.#parts.index.nextDueAt() : undefined;
  }

  async record(outcome: Outcome): Promise<void> {
    const held = this.#held.get(outcome.messageId);
    if (held === undefined) throw new TypeError(`message ${outcome.messageId} was not taken`);
    held.recording++;
    const { messageId, changes, events, dsn } = outcome;
    const meta = { outcome: { messageId, changes, events }, ...(dsn && { accept: { envelope: dsn.envelope } }) };
    try {
      await this.#parts.log.append({ meta, content: dsn?.content ?? NOTHING }, (location) => {
        held.recipients = applyChanges(held.recipients, changes);
        this.#pushEvents(events);
        if (dsn !== undefined) this.#addDsn(dsn, location);
      });
    } catch (error) {
      const dueAt = this.#parts.now() + RETRY_AFTER_FAILURE_MS;
      held.recipients = held.recipients.map((state) => state.status === "queued" ? { ...state, dueAt } : state);
      throw error;
    } finally {
      held.recording--;
      if (held.releaseWanted && held.recording === 0) this.#release(held);
    }
  }

  release(messageId: string): void {
    const held = this.#held.get(messageId);
    if (held === undefined) return;
    held.releaseWanted = true;
    if (held.recording === 0) this.#release(held);
  }

  /** Writes what is in memory only to the index, so that the next start has less to replay. */
  checkpoint(): Promise<void> {
    return this.#checkpointing ??= this.#checkpoint().finally(() => this.#checkpointing = undefined);
  }

  /** Stores all and ends; delivery must have ended before. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#loading;
    await this.#checkpointing;
    await this.#parts.outbox.close();
    await this.checkpoint();
    await this.#parts.log.close();
    this.#parts.index.close();
  }

  #add(envelope: Envelope, location: Location, content: Uint8Array, large: LargeContent | undefined): void {
    const dueAt = envelope.receivedAt;
    const recipients = initialStates(envelope, dueAt);
    this.#live.set(location.generation, (this.#live.get(location.generation) ?? 0) + 1);
    this.#parts.outbox.push({ event: acceptedEvent(envelope), reservation: envelope.reservation });
    if (this.#held.size >= MAX_HELD || this.#heldOctets + content.length > MAX_HELD_OCTETS) {
      this.#parts.index.put({ id: envelope.id, location, large: large !== undefined, dueAt, recipients });
    } else {
      this.#hold({ envelope, recipients, location, content, large, indexed: false });
    }
    this.#notify();
  }

  #addDsn(dsn: NewMessage, location: Location): void {
    this.#add(dsn.envelope, location, dsn.content, undefined);
  }

  #hold(message: Omit<Held, "taken" | "recording" | "releaseWanted">): void {
    const held = { ...message, taken: false, recording: 0, releaseWanted: false };
    this.#held.set(message.envelope.id, held);
    this.#heldOctets += message.content.length;
    this.#ready.add(message.envelope.id);
  }

  #release(held: Held): void {
    const { id } = held.envelope;
    this.#held.delete(id);
    this.#heldOctets -= held.content.length;
    const queued = held.recipients.filter(({ status }) => status === "queued");
    if (queued.length === 0) {
      this.#end(held);
      return;
    }
    const dueAt = queued.reduce((earliest, state) => Math.min(earliest, state.dueAt), Infinity);
    const { location, recipients } = held;
    this.#parts.index.put({ id, location, large: held.large !== undefined, dueAt, recipients });
    this.#notify();
  }

  #end(held: Held): void {
    const { id } = held.envelope;
    if (held.indexed) this.#parts.index.delete(id);
    if (held.large !== undefined) Deno.remove(this.#largePath(id)).catch(this.#parts.onTrouble);
    const { generation } = held.location;
    const left = (this.#live.get(generation) ?? 1) - 1;
    if (left > 0) this.#live.set(generation, left);
    else this.#live.delete(generation);
    if (left === 0 && generation < this.#durableCheckpoint) this.#parts.segments.recycle(generation);
  }

  /** Takes due messages from the index into memory. */
  async #load(now: number): Promise<void> {
    for (const row of this.#parts.index.due(now, LOAD_BATCH)) {
      if (this.#closed || this.#held.size >= MAX_HELD) return;
      try {
        const { meta, content } = await readAt(this.#parts.segments, row.location);
        const { envelope, large } = meta.accept!;
        this.#hold({ envelope, recipients: row.recipients, location: row.location, content, large, indexed: true });
        this.#parts.index.put({ ...row, dueAt: null });
      } catch (error) {
        if (!(error instanceof SpoolDamaged)) throw error;
        this.#setAside(row.id, error);
      }
      this.#notify();
    }
  }

  /** A message whose record is damaged is reported and not tried again by itself; its row stays for the operator. */
  #setAside(id: string, damage: SpoolDamaged): void {
    const row = this.#parts.index.get(id)!;
    this.#parts.index.put({ ...row, dueAt: Number.MAX_SAFE_INTEGER });
    this.#parts.onDamage(id, damage);
  }

  #content(held: Held): Content {
    if (held.large === undefined) return contentInMemory(held.content);
    return contentInFile(this.#largePath(held.envelope.id), held.large);
  }

  async #checkpoint(): Promise<void> {
    const { index, outbox, log, segments } = this.#parts;
    const place = log.position;
    if (place === undefined) return;
    index.transaction(() => {
      for (const [id, held] of this.#held) {
        const { location, recipients } = held;
        index.put({ id, location, large: held.large !== undefined, dueAt: null, recipients });
        held.indexed = true;
      }
      outbox.persist();
      index.checkpoint = place;
    });
    await index.sync();
    this.#durableCheckpoint = place.generation;
    for (const { generation } of segments.used()) {
      if (generation < place.generation && !this.#live.has(generation)) segments.recycle(generation);
    }
  }

  #pushEvents(events: readonly NodeEvent[]): void {
    for (const event of events) this.#parts.outbox.push({ event, reservation: null });
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }

  #largePath(id: string): string {
    return join(this.#parts.largeDirectory, id);
  }
}

const NOTHING = new Uint8Array(0);

/** The states of a message that was just accepted: each recipient is due. */
export function initialStates(envelope: Envelope, dueAt: number): RecipientState[] {
  return envelope.recipients.map(() => ({ status: "queued", attempts: 0, dueAt, lastReply: null }));
}

export function applyChanges(
  states: readonly RecipientState[],
  changes: readonly RecipientChange[],
): RecipientState[] {
  const changed = [...states];
  for (const { recipient, state } of changes) changed[recipient] = state;
  return changed;
}

/** The history's first entry for a message; its id is the message's own, so that it is stable. */
export function acceptedEvent(envelope: Envelope): NodeEvent {
  return {
    id: envelope.id,
    messageId: envelope.id,
    account: envelope.account,
    at: envelope.receivedAt,
    type: "accepted",
    sender: envelope.reversePath,
    recipients: [...envelope.recipients],
    sizeBytes: envelope.sizeBytes,
    relays: envelope.reservation?.relays ?? 0,
    messageIdField: envelope.messageIdField,
    origin: envelope.origin,
  };
}
