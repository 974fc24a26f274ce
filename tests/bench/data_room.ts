/** What a data directory takes of the disk, and what the history in it is made of. */
import { join } from "@std/path";
import { DatabaseSync } from "node:sqlite";

const BLOCK_OCTETS = 512;
const CONTROL = "control.db";

export function mebibytes(octets: number): string {
  return `${(octets / 2 ** 20).toFixed(0)} MiB`;
}

/** The log's segments, the index, the control plane's database; with what belongs to them. */
export function roomOf(dataDir: string): string {
  const room = { segments: 0, index: 0, control: 0 };
  for (const { path, octets } of filesBelow(dataDir)) {
    if (path.endsWith(".segment")) room.segments += octets;
    else if (path.includes("index.db")) room.index += octets;
    else if (path.includes(CONTROL)) room.control += octets;
  }
  return Object.entries(room).map(([name, octets]) => `${name} ${mebibytes(octets)}`).join(", ");
}

/** Events of each type, and what the database takes for each message. */
export function historyOf(dataDir: string): string {
  const db = new DatabaseSync(join(dataDir, CONTROL), { readOnly: true });
  try {
    const types = db.prepare("SELECT type, count(*) AS n FROM event GROUP BY type").all() as {
      type: string;
      n: number;
    }[];
    const { n } = db.prepare("SELECT count(*) AS n FROM message").get() as { n: number };
    const { size } = Deno.statSync(join(dataDir, CONTROL));
    const events = types.map(({ type, n }) => `${n} ${type}`).join(", ");
    return `${n} messages, ${events}; ${Math.round(size / n)} octets for each message`;
  } finally {
    db.close();
  }
}

function* filesBelow(directory: string): Generator<{ path: string; octets: number }> {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    const path = join(directory, name);
    if (isDirectory) yield* filesBelow(path);
    else {
      try {
        yield { path, octets: BLOCK_OCTETS * (Deno.statSync(path).blocks ?? 0) };
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error; // it has gone meanwhile
      }
    }
  }
}
