/**
 * The data directory of a process: made private, proved writable, and held by one process at a time.
 *
 * What stands in the way of that is an answer, not an exception: the operator can mend it. The operator's token is
 * kept here as well, unless the settings give one.
 */
import { encodeBase64Url } from "@std/encoding";
import { join } from "@std/path";
import { token } from "./settings_grammar.ts";

export interface DataDirOptions {
  readonly path: string;
  /** From the settings; null: the one in the directory, made where there is none. */
  readonly adminToken: string | null;
  /** Cryptographically secure. */
  readonly randomBytes: (length: number) => Uint8Array;
  /** Told to whoever finds the directory taken. */
  readonly pid: number;
}

export interface DataDir extends Disposable {
  readonly adminToken: string;
  /** The file of the token; null if the settings gave it. */
  readonly adminTokenFile: string | null;
  /** The token was made just now. */
  readonly isNewToken: boolean;
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
const TOKEN_FILE = "admin-token";
/** 256 bits: not to be guessed. */
const TOKEN_OCTETS = 32;

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
    const admin = await obtainToken(options);
    if (admin === null) {
      return { ok: false, why: `${join(path, TOKEN_FILE)} holds no token: remove it, and a new one is made` };
    }
    const warnings = await privacy(path);
    const kept = held.move();
    return { ok: true, dataDir: { ...admin, warnings, [Symbol.dispose]: () => kept.dispose() } };
  } catch (error) {
    if (!isOperatorsMatter(error)) throw error;
    return { ok: false, why: `the data directory ${path} cannot be used: ${error.message}` };
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

async function obtainToken(
  { path, adminToken, randomBytes }: DataDirOptions,
): Promise<Pick<DataDir, "adminToken" | "adminTokenFile" | "isNewToken"> | null> {
  if (adminToken !== null) return { adminToken, adminTokenFile: null, isNewToken: false };
  const adminTokenFile = join(path, TOKEN_FILE);
  const kept = await readIfThere(adminTokenFile);
  if (kept !== "") {
    return token.parse(kept) !== undefined ? { adminToken: kept, adminTokenFile, isNewToken: false } : null;
  }
  const made = encodeBase64Url(randomBytes(TOKEN_OCTETS));
  await Deno.writeTextFile(adminTokenFile, `${made}\n`, { mode: PRIVATE_FILE });
  return { adminToken: made, adminTokenFile, isNewToken: true };
}

/** "" too for a file that a crash left empty. */
async function readIfThere(path: string): Promise<string> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
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

function isOperatorsMatter(error: unknown): error is Error {
  return error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.AlreadyExists || error instanceof Deno.errors.NotFound ||
    (error instanceof Error && "code" in error && (error.code === "EROFS" || error.code === "ENOSPC"));
}
