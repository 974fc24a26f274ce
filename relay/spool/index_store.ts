/**
 * The spool's index: what is looked up by time, in SQLite. It can be made again from the log behind its checkpoint.
 *
 * Guarantees: a message that is not ended has a row here or stands in the log behind the checkpoint. A row whose
 * `due_at` is null is in the hands of the running process, or was set aside by it: nobody looks for it before the next
 * start. Writes are not synced (a power loss rolls back to an earlier state, and the log is replayed from that state's
 * checkpoint), except by `sync`.
 */
import { dirname } from "@std/path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import type { NodeEvent } from "../../api/client.ts";
import type { RecipientState, Reservation } from "../envelope.ts";
import type { LiveShare } from "./live_records.ts";
import type { Location } from "./log.ts";
import { type Place, syncDirectory } from "./segments.ts";

export interface IndexRow {
  readonly id: string;
  /** Whose turn it takes. */
  readonly account: string;
  /** Epoch ms. */
  readonly receivedAt: number;
  /** Those of the recipients, parallel to them, in lower case. */
  readonly domains: readonly string[];
  readonly location: Location;
  /** Whether the content is a file of its own. */
  readonly large: boolean;
  /** Epoch ms; null while the process has it in hand or has set it aside. */
  readonly dueAt: number | null;
  readonly recipients: readonly RecipientState[];
}

/** A row as it is found; of a damaged one nothing but the id, and that it is there, is to be relied on. */
export interface FoundRow extends IndexRow {
  readonly damaged: boolean;
}

/** Something the control plane has to hear of. */
export interface OutboxItem {
  readonly event: NodeEvent;
  /** Of an accepted message: to be settled. */
  readonly reservation: Reservation | null;
}

/**
 * How segments, records and index are written, for all of them: 1 since the first version. A version that writes what
 * an earlier one would misread counts one more here (and has another magic in the segments' headers).
 */
export const SPOOL_FORMAT = 1;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS message (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    domains TEXT NOT NULL,
    generation INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    large INTEGER NOT NULL,
    due_at INTEGER,
    recipients TEXT NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS message_due ON message (due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX IF NOT EXISTS message_turn ON message (account, due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX IF NOT EXISTS message_place ON message (generation, offset, length);
  CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY, item TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS fact (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    checksum INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

interface MessageRecord {
  id: string;
  account: string;
  received_at: number;
  domains: string;
  generation: number;
  offset: number;
  length: number;
  large: number;
  due_at: number | null;
  recipients: string;
  /** CRC-32 of the other columns, `due_at` apart, which is set for many at once. SQLite has none of its own. */
  checksum: number;
}

interface Fact {
  name: string;
  value: string;
  checksum: number;
}

export class IndexStore implements Disposable {
  readonly #path: string;
  readonly #db: DatabaseSync;
  /** Whether the names of the database's files are durable. */
  #named = false;
  readonly #put: StatementSync;
  readonly #get: StatementSync;
  readonly #behind: StatementSync;
  readonly #delete: StatementSync;
  readonly #setAside: StatementSync;
  readonly #putOff: StatementSync;
  readonly #accountBehind: StatementSync;
  readonly #dueOf: StatementSync;
  readonly #nextDue: StatementSync;
  readonly #dueBehind: StatementSync;
  readonly #inSegment: StatementSync;
  /** Forgotten whenever the time of a message may have changed. */
  #knownNextDue: { readonly at: number | undefined } | undefined;

  /** @param path the database file; it is made if it is not there. */
  constructor(path: string) {
    this.#path = path;
    this.#db = new DatabaseSync(path);
    // The first holds for a database that is made now: `giveBackPages` needs it.
    this.#db.exec("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
    this.#db.exec(SCHEMA);
    this.#db.exec(`PRAGMA user_version = ${SPOOL_FORMAT}`);
    this.#put = this.#db.prepare(
      "INSERT OR REPLACE INTO message VALUES (:id, :account, :received_at, :domains, :generation, :offset, :length, :large, :due_at, :recipients, :checksum)",
    );
    this.#get = this.#db.prepare("SELECT * FROM message WHERE id = ?");
    this.#behind = this.#db.prepare("SELECT * FROM message WHERE id > ? ORDER BY id LIMIT ?");
    this.#delete = this.#db.prepare("DELETE FROM message WHERE id = ?");
    this.#setAside = this.#db.prepare("UPDATE message SET due_at = NULL WHERE id = ?");
    this.#putOff = this.#db.prepare("UPDATE message SET due_at = ? WHERE id = ?");
    this.#accountBehind = this.#db.prepare(
      "SELECT min(account) AS account FROM message WHERE due_at IS NOT NULL AND account > ?",
    );
    this.#dueOf = this.#db.prepare("SELECT * FROM message WHERE account = ? AND due_at <= ? ORDER BY due_at LIMIT ?");
    this.#inSegment = this.#db.prepare(
      "SELECT * FROM message WHERE generation = ? AND offset > ? ORDER BY offset LIMIT ?",
    );
    this.#dueBehind = this.#db.prepare(
      "SELECT * FROM message WHERE (due_at, id) > (?, ?) AND due_at IS NOT NULL ORDER BY due_at, id LIMIT ?",
    );
    this.#nextDue = this.#db.prepare("SELECT min(due_at) AS due_at FROM message WHERE due_at IS NOT NULL");
  }

  put(row: IndexRow): void {
    this.#knownNextDue = undefined;
    const { id, account, receivedAt: received_at, location: { generation, offset, length }, dueAt: due_at } = row;
    const recipients = JSON.stringify(row.recipients), domains = JSON.stringify(row.domains);
    const large = row.large ? 1 : 0;
    const columns = { id, account, received_at, domains, generation, offset, length, large, recipients };
    this.#put.run({ ...columns, due_at, checksum: checksumOf(columns) });
  }

  /** Whether the facts are as they were written; each row of a message is looked at when it is read. */
  get factsWhole(): boolean {
    const facts = this.#db.prepare("SELECT * FROM fact").all() as unknown as Fact[];
    return facts.every(({ name, value, checksum }) => checksum === factChecksum(name, value));
  }

  get(id: string): FoundRow | undefined {
    const record = this.#get.get(id) as MessageRecord | undefined;
    return record && toRow(record);
  }

  /** Rows behind an id, in the order of their ids: at most so many, and about so many recipients. */
  behind(id: string, limit: number, recipients: number): FoundRow[] {
    const rows: FoundRow[] = [];
    let count = 0;
    for (const record of this.#behind.iterate(id, limit) as Iterable<unknown>) {
      const row = toRow(record as MessageRecord);
      rows.push(row);
      count += row.recipients.length;
      if (count >= recipients) break;
    }
    return rows;
  }

  delete(id: string): void {
    this.#knownNextDue = undefined;
    this.#delete.run(id);
  }

  /** Nobody looks for the message before the next start; the rest of its row stays as it is, damaged or not. */
  setAside(id: string): void {
    this.#knownNextDue = undefined;
    this.#setAside.run(id);
  }

  /** Messages are looked for at other times than before, all or none; the rest of their rows stays as it is. */
  putOff(messages: Iterable<{ readonly id: string; readonly dueAt: number }>): void {
    this.#knownNextDue = undefined;
    this.transaction(() => {
      for (const { id, dueAt } of messages) this.#putOff.run(dueAt, id);
    });
  }

  /** The next account, by its name, of which something is or will be due. */
  accountBehind(account: string): string | undefined {
    return (this.#accountBehind.get(account) as { account: string | null }).account ?? undefined;
  }

  /** An account's rows due at or before `now`, earliest first. */
  dueOf(account: string, now: number, limit: number): FoundRow[] {
    return (this.#dueOf.all(account, now, limit) as unknown as MessageRecord[]).map(toRow);
  }

  /** Rows that are due later, or at the same time with a later id; earliest first. */
  dueBehind(dueAt: number, id: string, limit: number): FoundRow[] {
    return (this.#dueBehind.all(dueAt, id, limit) as unknown as MessageRecord[]).map(toRow);
  }

  /** It is asked for with each message, also where nothing of the index changes; so the answer is kept until then. */
  nextDueAt(): number | undefined {
    this.#knownNextDue ??= { at: (this.#nextDue.get() as { due_at: number | null }).due_at ?? undefined };
    return this.#knownNextDue.at;
  }

  /** Of the oldest message, by the time in its id. */
  oldestReceivedAt(): number | undefined {
    const oldest = this.#db.prepare("SELECT received_at FROM message ORDER BY id LIMIT 1").get();
    return (oldest as { received_at: number } | undefined)?.received_at;
  }

  /** Whatever an earlier process had in hand, or had set aside, is due now. */
  releaseAll(now: number): void {
    this.#knownNextDue = undefined;
    this.#db.prepare("UPDATE message SET due_at = ? WHERE due_at IS NULL").run(now);
  }

  /** What of each segment is needed. */
  liveByGeneration(): Map<number, LiveShare> {
    const sql = "SELECT generation, count(*) AS messages, sum(length) AS octets FROM message GROUP BY generation";
    const rows = this.#db.prepare(sql).all() as unknown as (LiveShare & { generation: number })[];
    return new Map(rows.map(({ generation, messages, octets }) => [generation, { messages, octets }]));
  }

  /** Rows of messages that lie in a segment behind an offset, in the order of their places. */
  inSegment(generation: number, behind: number, limit: number): FoundRow[] {
    return (this.#inSegment.all(generation, behind, limit) as unknown as MessageRecord[]).map(toRow);
  }

  /** Ids of the messages whose content is a file of its own. */
  largeMessages(): Set<string> {
    const rows = this.#db.prepare("SELECT id FROM message WHERE large = 1").all() as { id: string }[];
    return new Set(rows.map(({ id }) => id));
  }

  /** Pages of the file that hold nothing. */
  get freePages(): number {
    return (this.#db.prepare("PRAGMA freelist_count").get() as { freelist_count: number }).freelist_count;
  }

  /** Makes the file shorter by so many free pages. */
  giveBackPages(count: number): void {
    // Each page is a step of the statement: it is to be run to its end.
    this.#db.prepare(`PRAGMA incremental_vacuum(${count})`).all();
  }

  putOutbox(items: Iterable<OutboxItem>): void {
    const insert = this.#db.prepare("INSERT INTO outbox (item) VALUES (?)");
    for (const item of items) insert.run(JSON.stringify(item));
  }

  /** The oldest items, with the number up to which they may be deleted once they were taken. */
  outbox(limit: number): { items: OutboxItem[]; upTo: number } {
    const rows = this.#db.prepare("SELECT seq, item FROM outbox ORDER BY seq LIMIT ?").all(limit) as {
      seq: number;
      item: string;
    }[];
    return { items: rows.map(({ item }) => JSON.parse(item) as OutboxItem), upTo: rows.at(-1)?.seq ?? 0 };
  }

  /** The number of the newest item; 0 if there is none. */
  lastInOutbox(): number {
    return (this.#db.prepare("SELECT coalesce(max(seq), 0) AS seq FROM outbox").get() as { seq: number }).seq;
  }

  deleteOutbox(upTo: number): void {
    this.#db.prepare("DELETE FROM outbox WHERE seq <= ?").run(upTo);
  }

  /** Forgets all that is known of a message that was not accepted after all. */
  void(id: string): void {
    this.delete(id);
    this.#db.prepare("DELETE FROM outbox WHERE item ->> '$.event.messageId' = ?").run(id);
  }

  getFact(name: string): string | undefined {
    return (this.#db.prepare("SELECT value FROM fact WHERE name = ?").get(name) as { value: string } | undefined)
      ?.value;
  }

  setFact(name: string, value: string): void {
    this.#db.prepare("INSERT OR REPLACE INTO fact VALUES (?, ?, ?)").run(name, value, factChecksum(name, value));
  }

  /** The place from which the log has to be replayed at start; undefined: from its beginning. */
  get checkpoint(): Place | undefined {
    const text = this.getFact("checkpoint");
    return text === undefined ? undefined : JSON.parse(text) as Place;
  }

  set checkpoint(place: Place) {
    this.setFact("checkpoint", JSON.stringify({ generation: place.generation, offset: place.offset }));
  }

  /** Runs `body` in one transaction. */
  transaction(body: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      body();
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#knownNextDue = undefined;
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK"); // SQLite may have rolled it back itself
      throw error;
    }
  }

  /**
   * Makes all that was committed durable, without blocking the event loop as SQLite's own sync would. The write-ahead
   * log is the same file whichever descriptor syncs it. Where SQLite has moved commits on into the database meanwhile,
   * it has synced both files itself, before it began to use the log again from its start.
   */
  async sync(): Promise<void> {
    using wal = await Deno.open(`${this.#path}-wal`);
    await wal.syncData();
    // The files are made when the database is opened, and stay until it is closed.
    if (!this.#named) await syncDirectory(dirname(this.#path));
    this.#named = true;
  }

  close(): void {
    this.#db.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function factChecksum(name: string, value: string): number {
  return crc32(JSON.stringify([name, value])) >>> 0;
}

function checksumOf(columns: Omit<MessageRecord, "due_at" | "checksum">): number {
  const { id, account, received_at, domains, generation, offset, length, large, recipients } = columns;
  const values = [id, account, received_at, domains, generation, offset, length, large, recipients];
  return crc32(JSON.stringify(values)) >>> 0;
}

function toRow(record: MessageRecord): FoundRow {
  const { id, account, received_at, domains, generation, offset, length, large, due_at, recipients } = record;
  const damaged = record.checksum !== checksumOf(record);
  return {
    id,
    account,
    damaged,
    receivedAt: received_at,
    domains: damaged ? [] : JSON.parse(domains) as string[],
    location: { generation, offset, length },
    large: large === 1,
    dueAt: due_at,
    recipients: damaged ? [] : JSON.parse(recipients) as RecipientState[],
  };
}
