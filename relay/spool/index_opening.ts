/**
 * Opens the index; one that is damaged is set aside, and an empty one takes its place, into which the whole log is
 * replayed.
 *
 * Nothing is lost that way. But what became of a message may stand in a segment that has been used again: some that had
 * ended, or some of whose recipients had theirs, and that lie in a segment that is still needed, are delivered once
 * more. Where only single rows are damaged, the database is kept and their messages are set aside.
 */
import { DatabaseSync } from "node:sqlite";
import { SpoolTooNew } from "./errors.ts";
import { IndexStore, SPOOL_FORMAT } from "./index_store.ts";

/** SQLite's result codes for a file that is not what it was: SQLITE_CORRUPT, SQLITE_NOTADB. */
const DAMAGED = [11, 26];
/** The database and what belongs to it: its log must not be applied to another one. */
const SUFFIXES = ["", "-wal", "-shm"];
/** Memory for the check, in KiB: it looks up each row in each index, and then finds most pages there. */
const CHECK_CACHE_KIB = 64 * 1024;

/** @param onDamage hears under which name the damaged one is kept. */
export function openIndex(path: string, onDamage: (aside: string) => void): IndexStore {
  const index = openWhole(path);
  if (index !== undefined) return index;
  const aside = freeName(`${path}.damaged`);
  for (const suffix of SUFFIXES) renameIfThere(path + suffix, aside + suffix);
  onDamage(aside);
  return new IndexStore(path);
}

/** @throws {SpoolTooNew} nothing was changed. Whether what is there is an index at all is for `openIndex` to find out. */
export function refuseNewer(path: string): void {
  if (!exists(path)) return;
  const format = formatOf(path);
  if (format === undefined || format <= SPOOL_FORMAT) return;
  throw new SpoolTooNew(
    `${path}: a newer version of this program has been here (its spool has format ${format}, this one knows ${SPOOL_FORMAT}): run that one, or a later one`,
  );
}

/** undefined: it cannot be read. */
function formatOf(path: string): number | undefined {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return (db.prepare("PRAGMA user_version").get() as { user_version: number }).user_version;
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  } finally {
    db.close();
  }
}

function openWhole(path: string): IndexStore | undefined {
  if (!isWhole(path)) return undefined;
  const index = new IndexStore(path);
  if (index.factsWhole) return index;
  index.close();
  return undefined;
}

/** Whether the database's structure is what it should be; all of it is read, and what it can make anew itself is. */
function isWhole(path: string): boolean {
  const db = new DatabaseSync(path);
  try {
    db.prepare(`PRAGMA cache_size = -${CHECK_CACHE_KIB}`).run();
    // A prepared statement, whose errors have SQLite's code: a disk that is full or fails is no damage.
    if (finding(db, "integrity_check") === "ok") return true;
    if (finding(db, "quick_check") !== "ok") return false;
    // The tables are whole, so it is an index that does not fit its table.
    db.prepare("REINDEX").run();
    return finding(db, "integrity_check") === "ok";
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  } finally {
    db.close();
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && DAMAGED.includes(error.errcode as number & 0xff);
}

function finding(db: DatabaseSync, check: "integrity_check" | "quick_check"): unknown {
  return Object.values(db.prepare(`PRAGMA ${check}(1)`).get()!)[0];
}

function freeName(wanted: string): string {
  let name = wanted;
  for (let n = 2; exists(name); n++) name = `${wanted}.${n}`;
  return name;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
