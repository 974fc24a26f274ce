/**
 * What a backup says of itself: `manifest.json`, written when all else is on stable storage. A directory without one is
 * no backup.
 */
import { join } from "@std/path";
import { BackupRefused } from "./errors.ts";

export interface Manifest {
  readonly format: number;
  readonly spoolFormat: number;
  /** RFC 3339. What was acknowledged before the beginning is in the backup, what came after the end is not. */
  readonly beganAt: string;
  readonly endedAt: string;
  /** null: it is elsewhere. */
  readonly database: { readonly migrations: readonly string[]; readonly accounts: number } | null;
  readonly shards: readonly {
    readonly shard: number;
    /** That had not ended. */
    readonly messages: number;
    /** Ids of those that the spool itself had not whole. */
    readonly damaged: readonly string[];
  }[];
  /** All but this one. */
  readonly files: readonly BackedUpFile[];
}

export interface BackedUpFile {
  /** From the backup's directory, with slashes. */
  readonly path: string;
  readonly sizeBytes: number;
  /** In hex. */
  readonly sha256: string;
}

/** Of the backup itself; a later version that lays it out otherwise counts one more. */
export const BACKUP_FORMAT = 1;
export const MANIFEST_FILE = "manifest.json";

export function encodeManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** @throws {BackupRefused} */
export async function readManifest(backup: string): Promise<Manifest> {
  const path = join(backup, MANIFEST_FILE);
  try {
    const value: unknown = JSON.parse(await Deno.readTextFile(path));
    const { format } = fieldsOf(value);
    if (typeof format === "number" && format > BACKUP_FORMAT) {
      throw new BackupRefused(`${backup} was made by a newer version of this program: restore it with that one`);
    }
    if (isManifest(value)) return value;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new BackupRefused(`${backup} is no whole backup: it has no ${MANIFEST_FILE}, which is written last`);
    }
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new BackupRefused(`${path} is damaged`);
}

function isManifest(value: unknown): value is Manifest {
  const { format, spoolFormat, beganAt, endedAt, database, shards, files } = fieldsOf(value);
  return format === BACKUP_FORMAT && typeof spoolFormat === "number" && typeof beganAt === "string" &&
    typeof endedAt === "string" && typeof database === "object" && Array.isArray(shards) && Array.isArray(files) &&
    files.every(isFile);
}

function isFile(value: unknown): value is BackedUpFile {
  const { path, sizeBytes, sha256 } = fieldsOf(value);
  return typeof path === "string" && staysInside(path) && Number.isSafeInteger(sizeBytes) &&
    typeof sha256 === "string";
}

function fieldsOf(value: unknown): Partial<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}

/** Whoever made the backup shall not have a restore write elsewhere. */
function staysInside(path: string): boolean {
  return path.split("/").every((part) => part !== "" && part !== "." && part !== "..") && !path.includes("\0");
}
