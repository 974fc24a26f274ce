/**
 * Checks a backup, and makes a data directory of it.
 *
 * The directory has a marker in it from before its first file until all of them are on stable storage: no service
 * starts on a part.
 */
import { join } from "@std/path";
import { isThere, RESTORE_MARKER, SPOOL_DIRECTORY } from "../data_dir.ts";
import { SPOOL_FORMAT } from "../spool/index_store.ts";
import { syncDirectory } from "../spool/segments.ts";
import { BackupRefused } from "./errors.ts";
import { copyFile, sumUp, syncAll } from "./files.ts";
import { type BackedUpFile, type Manifest, readManifest } from "./manifest.ts";
import type { Progress } from "./progress.ts";

export interface CheckOptions {
  readonly backup: string;
  /** The first of these migrations of the control database that this version does not know. */
  readonly unknownMigration: (names: readonly string[]) => string | undefined;
  readonly progress: Progress;
}

export interface RestoreOptions extends CheckOptions {
  /** It must not be there yet, or be empty. */
  readonly dataDir: string;
  /** Whether mail that waited for delivery is restored, too. */
  readonly withSpool: boolean;
}

const PRIVATE_DIR = 0o700;
const PRIVATE_FILE = 0o600;
/** What a file system has in its own root. */
const LOST_AND_FOUND = "lost+found";
/** Damaged files that are named; the rest is counted. */
const MAX_NAMED = 5;

/** Reads all of it. @throws {BackupRefused} it is not whole, or of a newer version; or Error of the file system. */
export async function checkBackup({ backup, unknownMigration, progress }: CheckOptions): Promise<Manifest> {
  const manifest = await readManifest(backup);
  const newer = unknownMigration(manifest.database?.migrations ?? []);
  if (newer !== undefined || manifest.spoolFormat > SPOOL_FORMAT) {
    const what = newer ?? `spool format ${manifest.spoolFormat}`;
    throw new BackupRefused(
      `${backup} was made with a newer version of this program (${what}): restore it with that one`,
    );
  }
  progress.step("check");
  const total = sizeOf(manifest.files);
  const wrong: string[] = [];
  let done = 0;
  for (const file of manifest.files) {
    const fault = await faultOf(join(backup, file.path), file, (octets) => progress.octets(done += octets, total));
    if (fault !== undefined) wrong.push(`${file.path} ${fault}`);
  }
  if (wrong.length === 0) return manifest;
  const more = wrong.length > MAX_NAMED ? `, and ${wrong.length - MAX_NAMED} more` : "";
  throw new BackupRefused(`${backup} is not whole: ${wrong.slice(0, MAX_NAMED).join(", ")}${more}`);
}

/** @throws {BackupRefused} nothing is left then; or Error of the file system. */
export async function restoreBackup(options: RestoreOptions): Promise<Manifest> {
  const { backup, dataDir, withSpool, progress } = options;
  await refuseUnlessEmpty(dataDir);
  const manifest = await checkBackup(options);
  const wanted = manifest.files.filter(({ path }) => withSpool || !path.startsWith(`${SPOOL_DIRECTORY}/`));
  progress.step("restore");
  await Deno.mkdir(dataDir, { recursive: true, mode: PRIVATE_DIR });
  const marker = join(dataDir, RESTORE_MARKER);
  try {
    await Deno.writeTextFile(marker, "", { createNew: true, mode: PRIVATE_FILE });
    await syncDirectory(dataDir);
    const total = sizeOf(wanted);
    let done = 0;
    for (const file of wanted) {
      const copied = await copyFile(join(backup, file.path), join(dataDir, file.path), (octets) => {
        progress.octets(done += octets, total);
      });
      if (copied.sha256 !== file.sha256) throw new BackupRefused(`${join(backup, file.path)} changes while it is read`);
    }
    await syncAll(dataDir);
  } catch (error) {
    await empty(dataDir);
    throw error;
  }
  await Deno.remove(marker);
  await syncDirectory(dataDir);
  return manifest;
}

async function refuseUnlessEmpty(dataDir: string): Promise<void> {
  if (!await isThere(dataDir)) return;
  const names = await namesIn(dataDir);
  if (names.length === 0) return;
  const interrupted = names.includes(RESTORE_MARKER)
    ? "what an interrupted restore left is in it"
    : "it is in use, or was";
  throw new BackupRefused(`${dataDir} is not empty: ${interrupted}. Empty it, or set MAILHOP_DATA_DIR to another one`);
}

/** The marker goes last. */
async function empty(dataDir: string): Promise<void> {
  const names = await namesIn(dataDir);
  const rest = names.filter((name) => name !== RESTORE_MARKER);
  for (const name of [...rest, RESTORE_MARKER]) await Deno.remove(join(dataDir, name), { recursive: true });
}

async function namesIn(directory: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(directory));
  return entries.map(({ name }) => name).filter((name) => name !== LOST_AND_FOUND);
}

function sizeOf(files: readonly BackedUpFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

async function faultOf(
  path: string,
  file: BackedUpFile,
  onOctets: (octets: number) => void,
): Promise<string | undefined> {
  try {
    const { sizeBytes, sha256 } = await sumUp(path, onOctets);
    if (sizeBytes !== file.sizeBytes) return `has ${sizeBytes} octets instead of ${file.sizeBytes}`;
    return sha256 === file.sha256 ? undefined : "is damaged";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "is missing";
    throw error;
  }
}
