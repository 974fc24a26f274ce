/** The control database in its SQLite file: a copy of it as it stands, checked. */
import { DatabaseSync } from "node:sqlite";
import { BackupRefused } from "./errors.ts";
import type { Manifest } from "./manifest.ts";
import type { Progress } from "./progress.ts";
import { Snapshot } from "./snapshot.ts";

/** What the migrations that were run are recorded in. */
const MIGRATIONS = "SELECT name FROM kysely_migration ORDER BY name";

/** @throws {BackupRefused} it is damaged; or Error of the file system or of SQLite. */
export async function copyControlDatabase(from: string, to: string, progress: Progress): Promise<Manifest["database"]> {
  using snapshot = Snapshot.take(from);
  const migrations = snapshot.query<{ name: string }>(MIGRATIONS).map(({ name }) => name);
  const [accounts] = snapshot.query<{ count: number }>("SELECT count(*) AS count FROM account");
  await snapshot.copyTo(to, progress);
  refuseDamaged(from, to);
  return { migrations, accounts: accounts!.count };
}

function refuseDamaged(source: string, copy: string): void {
  using db = new DatabaseSync(copy);
  const finding = Object.values(db.prepare("PRAGMA quick_check(1)").get()!)[0];
  if (finding !== "ok") throw new BackupRefused(`${source} is damaged (${finding}): restore an earlier backup`);
}
