/**
 * The spool of one node: messages that were acknowledged and have not ended.
 *
 * The log is the truth, the index finds what is due, memory holds what is in hand. Guarantees: see `types.ts`. A
 * directory belongs to one process at a time; the data directory's lock sees to that.
 */
import { join } from "@std/path";
import type { NodeEvent } from "../../api/client.ts";
import type { Envelope } from "../envelope.ts";
import { acceptedEvent } from "./accepted_event.ts";
import { Compactor } from "./compaction.ts";
import { contentInFile, ContentInMemory } from "./content.ts";
import { Draft } from "./draft.ts";
import { DueLoader } from "./due_loader.ts";
import { type SpoolDamaged, SpoolFailure } from "./errors.ts";
import { entries, type QueueEntry } from "./entries.ts";
import { FairOrder } from "./fair_order.ts";
import { Hastening } from "./hastening.ts";
import { indexFacts } from "./index_row.ts";
import { type Found, type Loaded, LoadedMessages } from "./loaded.ts";
import type { IndexRow, IndexStore, OutboxItem } from "./index_store.ts";
import { IndexTrimming } from "./index_trimming.ts";
import { LiveRecords } from "./live_records.ts";
import { type Location, type Log, readAt } from "./log.ts";
import type { Outbox } from "./outbox.ts";
import { applyChanges, earliestDue, initialStates } from "./recipient_states.ts";
import type { LargeContent } from "./record.ts";
import { Room } from "./room.ts";
import type { Segments } from "./segments.ts";
import { Turns } from "./turns.ts";
import type { Content, Outcome, Queue, QueuedMessage, WaitsUntil } from "./types.ts";

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
  /** Hears what happened to messages, when it is durable. */
  readonly onEvent: (event: NodeEvent) => void;
}

/** A message that was not taken to be looked at. */
export type SeenMessage = Pick<Loaded, "envelope" | "recipients" | "taken">;

/** Messages in memory: at about 2 KiB for an envelope and its states this is some MiB, beside what `loaded.ts` allows. */
const MAX_LOADED = 4096;
/** Of these so many may come straight from their senders; beyond, new ones queue up in the index behind those there. */
const MAX_LOADED_NEW = 3072;
/** Where the index does not take them, memory has to: up to so many the spool goes on accepting. */
const MAX_LOADED_WITHOUT_INDEX = 2 * MAX_LOADED;
/** When an outcome could not be stored, the message is tried again after this: the disk needs time, too. */
const RETRY_AFTER_FAILURE_MS = 60_000;
/** Where there is no room for outcomes, delivery asks again after this: others may have made some. */
const NO_ROOM_PAUSE_MS = 1000;
/** Room is looked for then, so often at most: a look writes until the disk is full again, beside whatever is on it. */
const DELIVERYS_LOOK_MS = 30_000;

export class Spool implements Queue {
  readonly #parts: SpoolParts;
  readonly #loaded = new LoadedMessages();
  /** Loaded messages that are due and not taken. */
  readonly #ready = new FairOrder();
  /** Messages given back that the index did not take, with the time when they are due; undefined: ended. */
  readonly #unstored = new Map<string, number | undefined>();
  readonly #listeners: (() => void)[] = [];
  readonly #loader: DueLoader;
  readonly #live: LiveRecords;
  readonly #compactor: Compactor;
  readonly #trimming: IndexTrimming;
  readonly #hastening: Hastening;
  readonly #room: Room;
  /** Messages that are taken. */
  #inHand = 0;
  #durableCheckpoint = 0;
  #checkpointing: Promise<void> | undefined;
  /** Files being removed. */
  readonly #background = new Set<Promise<void>>();
  #closed = false;

  /** Use `openSpool`, which replays the log first. */
  constructor(parts: SpoolParts) {
    this.#parts = parts;
    this.#live = new LiveRecords(parts.index.liveByGeneration());
    const turns = new Turns();
    const isLoaded = (id: string) => this.#loaded.get(id) !== undefined;
    this.#compactor = new Compactor({
      ...parts,
      live: this.#live,
      turns,
      isLoaded,
      mayMove: (octets) => this.#room.forOutcomes(this.#inHand, octets),
      onEmptied: (generation) => parts.segments.recycle(generation),
    });
    this.#trimming = new IndexTrimming(parts.index);
    this.#hastening = new Hastening({ ...parts, turns, onProgress: () => this.#notify() });
    this.#room = new Room({ ...parts, compact: () => this.compact() });
    this.#loader = new DueLoader({
      ...parts,
      turns,
      largePath: (id) => this.#largePath(id),
      isLoaded,
      hasRoom: (account) => this.#loaded.allows(account, MAX_LOADED),
      takeOver: (found, isDue) => this.#takeOver(found, isDue),
      onProgress: () => this.#tell(),
    });
  }

  /** Messages in hand or ready, not those that wait in the index. */
  get loadedMessages(): number {
    return this.#loaded.size;
  }

  /** Segments of the log that hold something, the others are free. */
  get segmentsInUse(): number {
    return this.#parts.segments.used().length;
  }

  /** Octets of these segments. */
  get segmentOctets(): number {
    return this.segmentsInUse * this.#parts.segments.sizeBytes;
  }

  /** All messages that are not ended, whatever their number, from memory. */
  count(): number {
    return this.#live.messages;
  }

  /** When the oldest of them was accepted, epoch ms; undefined: there is none. Looks at each that is in memory. */
  oldestAt(): number | undefined {
    let oldest = this.#parts.index.oldestReceivedAt() ?? Infinity;
    for (const { envelope } of this.#loaded.values()) oldest = Math.min(oldest, envelope.receivedAt);
    return oldest === Infinity ? undefined : oldest;
  }

  /** Begins the content of a message; `expectedOctets` is a hint. */
  draft(id: string, expectedOctets: number): Draft {
    return new Draft(this.#parts.largeDirectory, id, expectedOctets);
  }

  /**
   * Takes a message over: when this resolves it is on stable storage and will be delivered or returned.
   *
   * @throws {SpoolFailure} if it could not be stored; the draft is the caller's still, to be discarded.
   */
  async accept(envelope: Envelope, draft: Draft): Promise<void> {
    if (this.#closed) throw new SpoolFailure("the spool is closed");
    const trouble = this.#parts.segments.short ? await this.trouble() : this.#indexTrouble();
    if (trouble !== null) throw new SpoolFailure(trouble);
    const large = draft.large ? await this.#store(draft) : undefined;
    const content = large === undefined ? draft.take() : undefined;
    const meta = { accept: { envelope, large } };
    await this.#parts.log.append(
      { meta, content: content ?? NOTHING },
      (location) => this.#add(envelope, location, content, large),
    );
  }

  /**
   * Why no mail can be taken over now, in words; null: nothing is known to stand in the way.
   *
   * @param lookAgainMs room on the disk is looked for again so long after the last look; as for offered mail, unless told.
   */
  async trouble(lookAgainMs?: number): Promise<string | null> {
    return await this.#room.forMail(lookAgainMs) ? this.#indexTrouble() : this.#room.why;
  }

  #indexTrouble(): string | null {
    const isOver = this.#loaded.size >= MAX_LOADED_WITHOUT_INDEX || this.#parts.outbox.full;
    return isOver ? "the spool's index does not take what is over" : null;
  }

  onAvailable(listener: () => void): void {
    this.#listeners.push(listener);
  }

  take(
    now: number,
    mayTake: (account: string) => boolean = () => true,
    waitsUntil: WaitsUntil = () => undefined,
  ): QueuedMessage | undefined {
    if (!this.#room.forOutcomes(this.#inHand)) return this.#lookForRoom();
    this.#readyUnstored(now);
    this.#loader.start(now, waitsUntil);
    const id = this.#ready.take(mayTake);
    return id === undefined ? undefined : this.#take(this.#loaded.get(id)!);
  }

  #lookForRoom(): undefined {
    this.#inBackground(this.#room.forMail(DELIVERYS_LOOK_MS).then((found) => found ? this.#tell() : undefined));
  }

  /** All messages that have not ended, but for those that come while it is read: in pages, without their contents. */
  entries(): AsyncGenerator<QueueEntry[]> {
    return entries(this.#loaded, this.#parts.index);
  }

  /** A certain message as it stands, whoever has it; undefined where it is not there. */
  async peek(id: string): Promise<SeenMessage | undefined> {
    const loaded = this.#loaded.get(id);
    if (loaded === undefined) {
      const found = await this.#loader.peek(id);
      return found && { ...found, taken: false };
    }
    const { envelope, recipients, taken } = loaded;
    return earliestDue(recipients) === undefined ? undefined : { envelope, recipients, taken };
  }

  /**
   * Takes a certain message, due or not, as `take` does. "taken": somebody has it, or it cannot be read now, so that it
   * is to be asked for again; undefined: it is not there, or was set aside as damaged.
   */
  async claim(id: string): Promise<QueuedMessage | "taken" | undefined> {
    const isThere = this.#loaded.get(id) !== undefined || await this.#loader.load(id);
    const loaded = this.#loaded.get(id);
    if (!isThere) return undefined;
    if (loaded === undefined || loaded.taken) return "taken";
    if (earliestDue(loaded.recipients) === undefined) return undefined;
    this.#ready.remove(loaded.envelope.account, id);
    this.#unstored.delete(id);
    return this.#take(loaded);
  }

  nextDueAt(): number | undefined {
    if (!this.#room.forOutcomes(this.#inHand)) return this.#parts.now() + NO_ROOM_PAUSE_MS;
    if (!this.#ready.empty) return 0;
    let earliest = this.#loader.nextDueAt() ?? Infinity;
    for (const dueAt of this.#unstored.values()) earliest = Math.min(earliest, dueAt ?? Infinity);
    return earliest === Infinity ? undefined : earliest;
  }

  async record(outcome: Outcome): Promise<void> {
    const loaded = this.#loaded.get(outcome.messageId);
    if (!loaded?.taken) throw new TypeError(`message ${outcome.messageId} was not taken`);
    loaded.recording++;
    const { messageId, changes, events, dsn } = outcome;
    const meta = { outcome: { messageId, changes, events }, ...(dsn && { accept: { envelope: dsn.envelope } }) };
    try {
      await this.#parts.log.append({ meta, content: dsn?.content ?? NOTHING }, (location) => {
        loaded.recipients = applyChanges(loaded.recipients, changes);
        this.#pushEvents(events);
        if (dsn !== undefined) this.#add(dsn.envelope, location, dsn.content, undefined);
      });
    } catch (error) {
      const dueAt = this.#parts.now() + RETRY_AFTER_FAILURE_MS;
      loaded.recipients = loaded.recipients.map((state) => state.status === "queued" ? { ...state, dueAt } : state);
      throw error;
    } finally {
      loaded.recording--;
      if (loaded.giveBackWanted && loaded.recording === 0) this.#giveBack(loaded);
    }
  }

  hasten(domains: ReadonlySet<string>): void {
    this.#inBackground(this.#hastening.run(domains));
  }

  giveBack(messageId: string): void {
    const loaded = this.#loaded.get(messageId);
    if (!loaded?.taken) return;
    loaded.giveBackWanted = true;
    if (loaded.recording === 0) this.#giveBack(loaded);
  }

  #take(loaded: Loaded): QueuedMessage {
    loaded.taken = true;
    this.#inHand++;
    const { envelope, recipients } = loaded;
    return { envelope, recipients, content: () => this.#content(loaded) };
  }

  /** Writes what is in memory only to the index, so that the next start has less to replay. */
  checkpoint(): Promise<void> {
    return this.#checkpointing ??= this.#checkpoint().finally(() => this.#checkpointing = undefined);
  }

  /** As at the end of a segment, but waits: a checkpoint, and what it leaves of mostly dead segments is moved. */
  async compact(): Promise<void> {
    await this.checkpoint();
    await this.#compactor.run(this.#durableCheckpoint);
  }

  /** Stores all and ends; delivery must have ended before. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#trimming.close();
    this.#hastening.close();
    await this.#loader.close();
    await this.#compactor.close();
    await this.#parts.log.close();
    await this.#parts.outbox.close();
    try {
      await this.#checkpointing?.catch(() => {}); // whoever asked for that one hears of its trouble
      await this.checkpoint();
      await Promise.all(this.#background);
    } finally {
      this.#parts.index.close();
    }
  }

  /** Makes a large content durable. */
  async #store(draft: Draft): Promise<LargeContent> {
    try {
      return await draft.sync();
    } catch (cause) {
      throw new SpoolFailure("the content could not be stored", { cause });
    }
  }

  /** Never throws: the message is durable already. */
  #add(
    envelope: Envelope,
    location: Location,
    content: Uint8Array | undefined,
    large: LargeContent | undefined,
  ): void {
    const dueAt = envelope.receivedAt;
    const recipients = initialStates(envelope);
    this.#live.add(location);
    this.#push({ event: acceptedEvent(envelope), reservation: envelope.reservation });
    const fits = this.#loaded.allows(envelope.account, MAX_LOADED_NEW) &&
      (content === undefined || this.#loaded.hasRoomFor(location.length));
    const row = () => ({ ...indexFacts(envelope), location, large: large !== undefined, dueAt, recipients });
    if (fits || !this.#tryPut(row())) {
      this.#takeOver({ envelope, recipients, location, content, large, indexed: false }, true);
    }
    this.#notify();
  }

  #tryPut(row: IndexRow): boolean {
    try {
      this.#parts.index.put(row);
      return true;
    } catch (error) {
      this.#parts.onTrouble(error);
      return false;
    }
  }

  #takeOver(found: Found, isDue: boolean): void {
    this.#loaded.add(found);
    const { account, id } = found.envelope;
    if (isDue) this.#ready.add(account, id);
  }

  #giveBack(loaded: Loaded): void {
    this.#inHand--;
    const { id } = loaded.envelope;
    const dueAt = earliestDue(loaded.recipients);
    try {
      this.#putRow(loaded, dueAt ?? null);
      this.#letGo(loaded);
    } catch (error) {
      // Nothing but memory and the log knows how it stands: a checkpoint may only pass it with it.
      this.#parts.onTrouble(error);
      Object.assign(loaded, { taken: false, giveBackWanted: false });
      this.#loaded.dropContent(loaded);
      this.#unstored.set(id, dueAt);
    }
    this.#notify();
  }

  /** Writes how a message stands, with the time when it is looked for. One that has ended has no row. */
  #putRow({ envelope, location, large, recipients, indexed }: Loaded, dueAt: number | null): void {
    const { index } = this.#parts;
    if (earliestDue(recipients) !== undefined) {
      index.put({ ...indexFacts(envelope), location, large: large !== undefined, dueAt, recipients });
    } else if (indexed) {
      index.delete(envelope.id);
    }
  }

  /** The index has all about it, or it has ended. */
  #letGo(loaded: Loaded): void {
    this.#loaded.delete(loaded);
    if (earliestDue(loaded.recipients) !== undefined) return;
    const { segments } = this.#parts;
    if (loaded.large !== undefined) this.#inBackground(Deno.remove(this.#largePath(loaded.envelope.id)));
    const { generation } = loaded.location;
    this.#live.delete(loaded.location);
    const needed = this.#live.has(generation) || generation >= this.#durableCheckpoint;
    if (!needed) this.#inBackground(segments.recycle(generation));
  }

  /** Makes ready what is due of that which the index did not take. */
  #readyUnstored(now: number): void {
    for (const [id, dueAt] of this.#unstored) {
      if (dueAt === undefined || dueAt > now) continue;
      this.#unstored.delete(id);
      this.#ready.add(this.#loaded.get(id)!.envelope.account, id);
    }
  }

  #content({ envelope: { id }, location, content, large }: Loaded): Content | Promise<Content> {
    if (large !== undefined) return contentInFile(this.#largePath(id), large);
    return content === undefined ? this.#contentInLog(location) : new ContentInMemory(content);
  }

  async #contentInLog(location: Location): Promise<Content> {
    return new ContentInMemory((await readAt(this.#parts.segments, location)).content);
  }

  async #checkpoint(): Promise<void> {
    const { index, outbox, log, segments } = this.#parts;
    const place = log.position;
    if (place === undefined) return;
    index.transaction(() => {
      for (const loaded of this.#loaded.values()) this.#putRow(loaded, this.#unstored.get(loaded.envelope.id) ?? null);
      outbox.persist();
      index.checkpoint = place;
    });
    outbox.persisted();
    for (const loaded of this.#loaded.values()) loaded.indexed = true;
    if (this.#unstored.size > 0) {
      for (const id of this.#unstored.keys()) this.#letGo(this.#loaded.get(id)!);
      this.#unstored.clear();
      this.#notify();
    }
    await index.sync();
    this.#durableCheckpoint = place.generation;
    for (const { generation } of segments.used()) {
      if (generation < place.generation && !this.#live.has(generation)) await segments.recycle(generation);
    }
    if (this.#closed) return;
    this.#inBackground(this.#compactor.run(place.generation));
    this.#inBackground(this.#trimming.run());
  }

  #pushEvents(events: readonly NodeEvent[]): void {
    for (const event of events) this.#push({ event, reservation: null });
  }

  #push(item: OutboxItem): void {
    this.#parts.outbox.push(item);
    this.#parts.onEvent(item.event);
  }

  #inBackground(work: Promise<void>): void {
    const watched = work.catch(this.#parts.onTrouble).finally(() => this.#background.delete(watched));
    this.#background.add(watched);
  }

  /** Something is due, or has left room for others. */
  #notify(): void {
    this.#loader.look();
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #largePath(id: string): string {
    return join(this.#parts.largeDirectory, id);
  }
}

const NOTHING = new Uint8Array(0);
