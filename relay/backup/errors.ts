/** Why a backup or a restore is not done: what the operator can mend. The message is for people. */
export class BackupRefused extends Error {
  override readonly name = "BackupRefused";
}

/** A disk that is full, a directory that may not be written: the operator's matter too, and no fault of the program. */
export function isDisksMatter(error: unknown): error is Error {
  return error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable ||
    error instanceof Deno.errors.NotADirectory || error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.AlreadyExists || error instanceof Deno.errors.FilesystemLoop ||
    (error instanceof Error && "code" in error && DISK_CODES.has(String(error.code)));
}

/** ERR_SQLITE_ERROR: what SQLite met. Deno's errors seldom say more, and its statements here are few and tried. */
const DISK_CODES = new Set(["EROFS", "ENOSPC", "EDQUOT", "EIO", "EFBIG", "ERR_SQLITE_ERROR"]);
