/**
 * Takes a backup of a data directory, whether its service runs or not.
 *
 * The spool comes first and the control database last: so whatever a node has told the control plane of, and forgotten
 * then, is in the database's copy. What it has not told yet is in the spool's, and is told once more when it was told
 * between the two, which changes nothing (invariant 4, and events have ids).
 *
 * Nothing bears the backup's name before all of it is on stable storage: it is made as `<name>.incomplete`, its manifest
 * is written last, and then it is renamed. Trouble leaves nothing behind; a kill leaves what is recognised.
 */
import { basename, dirname, join, relative, resolve } from "@std/path";
import { CONTROL_DATABASE, isThere, LOCK_FILE, RESTORE_MARKER, SPOOL_DIRECTORY } from "../data_dir.ts";
import { SHARD } from "../shard_directories.ts";
import { SPOOL_FORMAT } from "../spool/index_store.ts";
import { syncDirectory } from "../spool/segments.ts";
import { copyControlDatabase } from "./control_database.ts";
import { BackupRefused } from "./errors.ts";
import { copyFile, filesBelow, sumUp, syncAll } from "./files.ts";
import { BACKUP_FORMAT, encodeManifest, type Manifest, MANIFEST_FILE } from "./manifest.ts";
import type { Progress } from "./progress.ts";
import { copyShard } from "./shard_copy.ts";

export interface TakeOptions {
  readonly dataDir: string;
  /** The backup's directory; it must not be there yet, or be empty. */
  readonly target: string;
  /** Whether the control database is not in the data directory, but on a PostgreSQL server. */
  readonly databaseElsewhere: boolean;
  /** Epoch ms. */
  readonly now: () => number;
  readonly progress: Progress;
}

const PRIVATE_DIR = 0o700;
const PRIVATE_FILE = 0o600;
/** A data directory has one of these at least. */
const SIGNS = new Set([CONTROL_DATABASE, SPOOL_DIRECTORY, LOCK_FILE]);
/** Of a process, or half written: `x.new` becomes `x` when it is whole. */
const NOT_KEPT = /^(lock|.*\.new)$/;
/** Copied in their own ways. */
const DATABASE_FILES = /^(control|index)\.db/;

/** @throws {BackupRefused}, or Error of the file system or of SQLite. */
export async function takeBackup(options: TakeOptions): Promise<Manifest> {
  const { target } = options;
  await refuseWhatCannotBe(options);
  const incomplete = `${target}.incomplete`;
  try {
    await Deno.mkdir(incomplete, { mode: PRIVATE_DIR });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    throw new BackupRefused(
      `${incomplete} is there: another backup is running, or one was interrupted. In that case remove it`,
    );
  }
  try {
    const manifest = await fill(incomplete, options);
    await Deno.rename(incomplete, target);
    await syncDirectory(dirname(resolve(target)));
    return manifest;
  } catch (error) {
    await Deno.remove(incomplete, { recursive: true });
    throw error;
  }
}

async function refuseWhatCannotBe({ dataDir, target, databaseElsewhere }: TakeOptions): Promise<void> {
  const names = await namesIn(dataDir);
  if (!names.some((name) => SIGNS.has(name))) {
    throw new BackupRefused(`${dataDir} is not the data directory of a relay (MAILHOP_DATA_DIR says which one is)`);
  }
  if (!names.includes(CONTROL_DATABASE) && !databaseElsewhere) {
    throw new BackupRefused(
      `${dataDir} has no ${CONTROL_DATABASE}. If the service uses PostgreSQL, set DATABASE_URL here as well`,
    );
  }
  if (names.includes(RESTORE_MARKER)) throw new BackupRefused(`${dataDir} is only partly restored`);
  if (!relative(resolve(dataDir), resolve(target)).startsWith("..")) {
    throw new BackupRefused(`${target} is in the data directory itself, and would be lost with it`);
  }
  const parent = dirname(resolve(target));
  if (!await isThere(parent)) throw new BackupRefused(`${parent} is not there: make it first`);
  if (await isThere(target) && (await namesIn(target)).length > 0) {
    throw new BackupRefused(`${target} is not empty: each backup has a directory of its own`);
  }
}

async function namesIn(directory: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(directory))).map(({ name }) => name);
}

async function fill(target: string, options: TakeOptions): Promise<Manifest> {
  const { dataDir, databaseElsewhere, now, progress } = options;
  const beganAt = new Date(now()).toISOString();
  const shards = await copySpool(join(dataDir, SPOOL_DIRECTORY), join(target, SPOOL_DIRECTORY), progress);
  progress.step("control database");
  const from = join(dataDir, CONTROL_DATABASE), to = join(target, CONTROL_DATABASE);
  const database = databaseElsewhere ? null : await copyControlDatabase(from, to, progress);
  progress.step("keys and tokens");
  await copyOthers(dataDir, target);
  const endedAt = new Date(now()).toISOString();
  const files = await seal(target, progress);
  const manifest = { format: BACKUP_FORMAT, spoolFormat: SPOOL_FORMAT, beganAt, endedAt, database, shards, files };
  const path = join(target, MANIFEST_FILE);
  await Deno.writeTextFile(`${path}.new`, encodeManifest(manifest), { mode: PRIVATE_FILE });
  using file = await Deno.open(`${path}.new`);
  await file.sync();
  await Deno.rename(`${path}.new`, path);
  await syncDirectory(target);
  return manifest;
}

async function copySpool(source: string, target: string, progress: Progress): Promise<Manifest["shards"]> {
  const shards: Manifest["shards"][number][] = [];
  if (!await isThere(source)) return shards;
  const numbers = (await namesIn(source)).filter((name) => SHARD.test(name)).map(Number);
  for (const shard of numbers.sort((one, other) => one - other)) {
    progress.step(`spool shard ${shard}`);
    const from = join(source, `${shard}`), to = join(target, `${shard}`);
    await Deno.mkdir(to, { recursive: true, mode: PRIVATE_DIR });
    try {
      const { messages, damaged } = await copyShard({ source: from, target: to, progress });
      await copyOthers(from, to);
      shards.push({ shard, messages, damaged });
    } catch (error) {
      // One that was adopted is removed when all its mail has ended and the control plane knows.
      if (await isThere(from)) throw error;
      await Deno.remove(to, { recursive: true });
    }
  }
  return shards;
}

/** The small files of a directory, and what is in directories that are not copied in ways of their own. */
async function copyOthers(source: string, target: string): Promise<void> {
  const ownWays = new Set([SPOOL_DIRECTORY, "segments", "large"]);
  for (const path of await filesBelowBut(source, ownWays)) {
    if (NOT_KEPT.test(basename(path)) || DATABASE_FILES.test(path)) continue;
    await copyFile(join(source, path), join(target, path), () => {});
  }
}

async function filesBelowBut(directory: string, without: ReadonlySet<string>): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(directory));
  const below = await Promise.all(entries.map(async ({ name, isFile, isDirectory }) => {
    if (isFile) return [name];
    return isDirectory && !without.has(name)
      ? (await filesBelow(join(directory, name))).map((path) => `${name}/${path}`)
      : [];
  }));
  return below.flat();
}

/** Brings all to stable storage and says what it is. */
async function seal(target: string, progress: Progress): Promise<Manifest["files"]> {
  progress.step("checksums");
  const paths = await filesBelow(target);
  const sizes = await Promise.all(paths.map(async (path) => (await Deno.stat(join(target, path))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const files: Manifest["files"][number][] = [];
  let done = 0;
  for (const path of paths) {
    files.push({ path, ...await sumUp(join(target, path), (octets) => progress.octets(done += octets, total)) });
  }
  await syncAll(target);
  return files;
}
