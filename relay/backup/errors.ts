/** Why a backup or a restore is not done: what the operator can mend. The message is for people. */
export class BackupRefused extends Error {
  override readonly name = "BackupRefused";
}

/** A disk that is full, a directory that may not be written: the operator's matter too, and no fault of the program. */
export function isDisksMatter(error: unknown): error is Error {
  return error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable ||
    error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.AlreadyExists || error instanceof Deno.errors.FilesystemLoop ||
    (error instanceof Error && "code" in error && DISK_CODES.has(String(error.code))) || isSqlitesDisk(error);
}

const DISK_CODES = new Set(["EROFS", "ENOSPC", "EDQUOT", "EIO", "EFBIG"]);
/** SQLITE_PERM, SQLITE_BUSY, SQLITE_READONLY, SQLITE_IOERR, SQLITE_CORRUPT, SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_NOTADB. */
const SQLITE_CODES = new Set([3, 5, 8, 10, 11, 13, 14, 26]);

function isSqlitesDisk(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && SQLITE_CODES.has(error.errcode as number & 0xff);
}
