/**
 * A SQLite database as it stands at one moment, while another process goes on writing to it.
 *
 * The snapshot is a read transaction: in WAL mode writers are not held up by it, and a copy that is made under it is the
 * state of its beginning, however long it takes. (SQLite's backup without one begins anew whenever somebody writes, and
 * would never end beside a busy service.) Meanwhile the database's log grows by what is written.
 */
import { backup, DatabaseSync } from "node:sqlite";
import { isDisksMatter } from "../data_dir.ts";
import { BackupRefused } from "./errors.ts";
import type { Progress } from "./progress.ts";

/** Pages copied between two reports: some MiB. */
const PAGES_AT_ONCE = 2048;
/** How long to wait for whoever recovers the database's log at this moment. */
const BUSY_TIMEOUT_MS = 5000;

const PRIVATE_FILE = 0o600;

export class Snapshot implements Disposable {
  readonly #db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** @throws {BackupRefused} it is not there, or cannot be read. */
  static take(path: string): Snapshot {
    using opened = new DisposableStack();
    try {
      const db = opened.use(new DatabaseSync(path, { readOnly: true }));
      db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}; BEGIN`);
      db.prepare("SELECT count(*) FROM sqlite_schema").get(); // the transaction begins with the first read
      opened.move();
      return new Snapshot(db);
    } catch (error) {
      if (!isDisksMatter(error)) throw error;
      throw new BackupRefused(`${path} cannot be read: ${error.message}`, { cause: error });
    }
  }

  /** Of the snapshot. @throws Error of SQLite, such as one for a table that is not there. */
  query<Row>(sql: string): Row[] {
    return this.#db.prepare(sql).all() as Row[];
  }

  /** Writes the database to a file that is not there yet. It is not synced. */
  async copyTo(path: string, progress: Progress): Promise<void> {
    const pageBytes = this.query<{ page_size: number }>("PRAGMA page_size")[0]!.page_size;
    await backup(this.#db, path, {
      rate: PAGES_AT_ONCE,
      progress: ({ totalPages, remainingPages }) => {
        progress.octets((totalPages - remainingPages) * pageBytes, totalPages * pageBytes);
      },
    });
    await Deno.chmod(path, PRIVATE_FILE);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
