/**
 * The data directory of a process: made private, proved writable, and held by one process at a time.
 *
 * What stands in the way of that is an answer, not an exception: the operator can mend it.
 */
import { join } from "@std/path";

export interface DataDirOptions {
  readonly path: string;
  /** Told to whoever finds the directory taken. */
  readonly pid: number;
}

export interface DataDir extends Disposable {
  readonly warnings: readonly string[];
}

export type OpenedDataDir = { readonly ok: true; readonly dataDir: DataDir } | {
  readonly ok: false;
  /** What is wrong and what to do, for people. */
  readonly why: string;
};

const PRIVATE_DIR = 0o700;
const PRIVATE_FILE = 0o600;
const NOT_PRIVATE = 0o077;
/** What is in it, beside what this file makes. */
export const CONTROL_DATABASE = "control.db";
export const SPOOL_DIRECTORY = "spool";
/** There while a backup is being restored into the directory: it is not whole. */
export const RESTORE_MARKER = "restore-incomplete";
export const LOCK_FILE = "lock";

/** Holds the directory until disposed of, or until the process ends, however it ends. */
export async function openDataDir(options: DataDirOptions): Promise<OpenedDataDir> {
  const { path } = options;
  try {
    await Deno.mkdir(path, { recursive: true, mode: PRIVATE_DIR });
    using held = new DisposableStack();
    const lock = await takeLock(join(path, LOCK_FILE), options.pid, held);
    if (lock.taken) return { ok: false, why: `the data directory ${path} is in use by another process${lock.by}` };
    if (await isThere(join(path, RESTORE_MARKER))) {
      return { ok: false, why: `the restore into ${path} was interrupted: empty it, and restore the backup again` };
    }
    const warnings = await privacy(path);
    const kept = held.move();
    return { ok: true, dataDir: { warnings, [Symbol.dispose]: () => kept.dispose() } };
  } catch (error) {
    return { ok: false, why: whyUnusable(path, error) };
  }
}

/** Locks the file and puts it into `held`; if another process has the lock, says who (to append; "" if unknown). */
async function takeLock(
  path: string,
  pid: number,
  held: DisposableStack,
): Promise<{ taken: false } | { taken: true; by: string }> {
  const file = held.use(await Deno.open(path, { read: true, write: true, create: true, mode: PRIVATE_FILE }));
  if (await file.tryLock(true)) {
    await file.truncate();
    await file.write(new TextEncoder().encode(`${pid}\n`));
    return { taken: false };
  }
  const holder = (await Deno.readTextFile(path)).trim();
  return { taken: true, by: /^\d+$/.test(holder) ? ` (${holder})` : "" };
}

export async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function privacy(path: string): Promise<string[]> {
  const { mode } = await Deno.stat(path);
  if (mode === null || (mode & NOT_PRIVATE) === 0) return [];
  return [`Other users of this machine may enter the data directory: chmod 700 ${path}`];
}

/** In words for the operator. @throws whatever is none of the operator's business. */
export function whyUnusable(path: string, error: unknown): string {
  if (!isDisksMatter(error)) throw error;
  // Its own words would have all permissions given.
  const why = error instanceof Deno.errors.NotCapable
    ? "no program of Deno's gets there: choose another"
    : error.message;
  return `the data directory ${path} cannot be used: ${why}`;
}

/** Whether the operator can mend it, as a disk that is full, or a directory that may not be written. */
export function isDisksMatter(error: unknown): error is Error {
  return error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable ||
    error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.AlreadyExists || error instanceof Deno.errors.FilesystemLoop ||
    (error instanceof Error && "code" in error && DISK_CODES.has(String(error.code)));
}

/** ERR_SQLITE_ERROR: what SQLite met, of which Deno seldom says more. */
const DISK_CODES = new Set(["EROFS", "ENOSPC", "EDQUOT", "EIO", "EFBIG", "ERR_SQLITE_ERROR"]);
