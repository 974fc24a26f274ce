/**
 * Durable commits without stopping the event loop: SQLite commits into its write-ahead log without a sync
 * (synchronous=NORMAL), and here that log is synced from another thread before the caller is answered.
 *
 * Why that is enough: a commit is a run of checksummed frames at the end of the log, and recovery replays every
 * whole one it finds, so a synced log keeps the commit. If a checkpoint comes between, SQLite syncs the log before it
 * copies and the database after, and only then starts the log again: the commit is then durable in the database. The
 * file is the same one for as long as a connection is open. SQLite locks the database and the -shm file, never the
 * log, so that closing our descriptor drops no lock (POSIX drops a process's locks on a file when it closes any
 * descriptor of it).
 *
 * After a failed sync the kernel may have dropped the pages and a second sync would lie: the failure is kept, and every
 * later call throws it until the process starts again.
 */

/** Something whose earlier commits can be made durable. */
export interface Durability extends AsyncDisposable {
  /**
   * Resolves when everything committed before the call is on stable storage. Calls that wait at the same time share a
   * sync.
   *
   * @throws Error of the file system: what was committed since the last success may be lost.
   */
  sync(): Promise<void>;
}

/** For a database in memory, where nothing can be kept. */
export const noDurability: Durability = {
  sync: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/**
 * Opens the log of the database at `databasePath`, which must be open in WAL mode and have been written to.
 *
 * @throws Error of the file system.
 */
export const openWalSync = async (databasePath: string): Promise<Durability> => {
  const file = await Deno.open(`${databasePath}-wal`, { read: true });
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  let failure: { readonly error: unknown } | null = null;

  const run = async (): Promise<void> => {
    if (failure !== null) throw failure.error;
    try {
      await file.syncData();
    } catch (error) {
      failure = { error };
      throw error;
    }
  };
  const start = (): Promise<void> => {
    running = run().finally(() => running = null);
    return running;
  };

  return {
    sync() {
      if (running === null && next === null) return start();
      // The one that runs may have begun before our commit; the next one, shared by all who wait, did not.
      next ??= Promise.resolve(running).catch(() => {}).then(() => {
        next = null;
        return start();
      });
      return next;
    },
    async [Symbol.asyncDispose]() {
      await next?.catch(() => {});
      await running?.catch(() => {});
      file.close();
    },
  };
};
