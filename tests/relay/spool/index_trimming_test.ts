/** The room that a long queue leaves in the index goes back to the disk. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { openIndex } from "../../../relay/spool/index_opening.ts";
import { type IndexRow, IndexStore } from "../../../relay/spool/index_store.ts";
import { IndexTrimming } from "../../../relay/spool/index_trimming.ts";
import { initialStates } from "../../../relay/spool/recipient_states.ts";
import { envelope, newDirectory, START } from "../../support/spool_on_disk.ts";

const MIB = 1 << 20;
const MANY = 3000;

/** As long as rows become: with a hundred recipients. */
function row(n: number): IndexRow {
  const { account, recipients } = envelope(`m${n}`, { recipients: Array(100).fill("ben@example.net") });
  return {
    id: `m${n}`,
    account,
    receivedAt: START,
    domains: recipients.map(() => "example.net"),
    location: { generation: 1, offset: n, length: 1 },
    large: false,
    dueAt: START,
    recipients: initialStates(envelope(`m${n}`, { recipients })),
  };
}

/** An index of which most rows have been deleted; and its file. */
function afterALongQueue(): { path: string; index: IndexStore; left: IndexRow[] } {
  const path = join(newDirectory(), "index.db");
  const index = new IndexStore(path);
  index.transaction(() => {
    for (let n = 0; n < MANY; n++) index.put(row(n));
  });
  index.transaction(() => {
    for (let n = 0; n < MANY; n++) if (n % 100 !== 0) index.delete(`m${n}`);
  });
  return { path, index, left: Array.from({ length: MANY / 100 }, (_, n) => row(100 * n)) };
}

function assertHolds(index: IndexStore, rows: readonly IndexRow[]): void {
  for (const each of rows) assertEquals(index.get(each.id), { ...each, damaged: false });
}

Deno.test("index: what a long queue leaves in its file is given back but for some, and the rows stay", async () => {
  const { path, index, left } = afterALongQueue();
  const before = index.freePages;
  await new IndexTrimming(index).run();
  assert(before > 4096 && index.freePages <= 4096, `${before} pages were free, ${index.freePages} are`);
  index.close();
  assert(Deno.statSync(path).size < 18 * MIB, `${Deno.statSync(path).size} octets`);
  const again = openIndex(path, () => assert(false, "the index is damaged"));
  assertHolds(again, left);
  again.close();
});

Deno.test("index: its trimming ends behind the present step when the spool is closed", async () => {
  const { index, left } = afterALongQueue();
  const trimming = new IndexTrimming(index);
  const before = index.freePages;
  const trimmed = trimming.run();
  trimming.close();
  await trimmed;
  assert(index.freePages < before && index.freePages > 4096);
  assertHolds(index, left);
  index.close();
});
