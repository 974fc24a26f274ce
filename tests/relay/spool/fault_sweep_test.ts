/**
 * Every write and every sync of a spool's life fails once: a run of accepting, delivering, deferring, bouncing,
 * checkpoints and compaction is repeated with a fault at its first call, its second, and so on to the last. Each time,
 * what was acknowledged is there, after a crash and in the process itself, and nothing else is.
 */
import { assert, assertEquals } from "@std/assert";
import { DiskFaults, type Fault } from "../../support/disk_faults.ts";
import {
  accept,
  change,
  contentOf,
  crashCopy,
  dsnFor,
  envelope,
  newDirectory,
  openTestSpool,
  readContent,
  START,
  takeAll,
  type TestSpool,
} from "../../support/spool_on_disk.ts";

const SEGMENT_BYTES = 24 * 1024;
const LARGE = 257 * 1024;
const LATER = START + 1000;
/** Longer than a spool whose disk was full waits before it looks for room again. */
const ROOM_MS = 5001;

/** What the run was told; what it was not told of may be either way. */
class Ledger {
  readonly #octets = new Map<string, number>();
  readonly #queued = new Set<string>();
  readonly #unknown = new Set<string>();
  readonly refused = new Set<string>();

  async accept({ spool }: TestSpool, id: string, octets: number): Promise<void> {
    this.#octets.set(id, octets);
    try {
      await accept(spool, envelope(id), contentOf(id, octets));
      this.#queued.add(id);
    } catch {
      this.refused.add(id);
    }
  }

  /** A round of delivery; a DSN makes up for a bounce. */
  async record({ spool }: TestSpool, messageId: string, status: "queued" | "delivered" | "bounced"): Promise<void> {
    const dsn = status === "bounced" ? dsnFor(messageId) : undefined;
    if (dsn !== undefined) this.#octets.set(dsn.envelope.id, dsn.content.length);
    const ids = [messageId, ...dsn === undefined ? [] : [dsn.envelope.id]];
    try {
      await spool.record({ messageId, changes: [change(status, LATER)], events: [], ...(dsn && { dsn }) });
      if (status !== "queued") this.#queued.delete(messageId);
      if (dsn !== undefined) this.#queued.add(dsn.envelope.id);
    } catch {
      if (status !== "queued") { for (const id of ids) this.#unknown.add(id); }
    }
    spool.giveBack(messageId);
  }

  /** All that is queued is in the spool as it was handed in; beside it at most what is unknown. */
  async check(test: TestSpool, mayHave: ReadonlySet<string> = new Set()): Promise<void> {
    const found = new Set<string>();
    // Where there was no room for what becomes of messages, few are given out; the disk is well now.
    await test.spool.trouble(0);
    for (const message of await takeAll(test, Infinity)) {
      const { id } = message.envelope;
      assert(!found.has(id), `${id} is there twice`);
      found.add(id);
      assert(this.#queued.has(id) || this.#unknown.has(id) || mayHave.has(id), `${id} is back`);
      assertEquals(await readContent(message), contentOf(id, this.#octets.get(id)!));
      test.spool.giveBack(id);
    }
    for (const id of this.#queued) assert(found.has(id) || this.#unknown.has(id), `${id} is lost`);
    assertEquals(test.damagedMessages, []);
  }
}

/** A life that comes by every place where the spool writes. */
async function live(test: TestSpool, ledger: Ledger): Promise<void> {
  const { spool } = test;
  await Promise.all([1, 2, 3].map((n) => ledger.accept(test, `a${n}`, 5000)));
  await ledger.accept(test, "large", LARGE);
  for (let n = 0; n < 4; n++) {
    await ledger.accept(test, `b${n}`, 9000);
    const message = spool.take(START);
    if (message !== undefined) await ledger.record(test, message.envelope.id, n % 2 === 0 ? "queued" : "bounced");
  }
  await spool.checkpoint().catch(() => {});
  for (let n = 0; n < 4; n++) {
    const message = spool.take(START);
    if (message !== undefined) await ledger.record(test, message.envelope.id, "delivered");
    await ledger.accept(test, `c${n}`, 9000);
  }
  await spool.compact().catch(() => {});
  await ledger.accept(test, "last", 100);
}

/** Runs it with a fault, then checks what a crash leaves, and how the process itself goes on. */
async function runWith(prepare: (faults: DiskFaults) => void): Promise<boolean> {
  using faults = new DiskFaults();
  let now = START;
  const test = await openTestSpool(newDirectory(), { segmentBytes: SEGMENT_BYTES, now: () => now });
  const ledger = new Ledger();
  faults.files = faults.statements = 0;
  prepare(faults);
  await live(test, ledger);
  const { struck, lasting } = faults;
  faults.heal();
  const crashed = crashCopy(test.directory);
  {
    await using restarted = await openTestSpool(crashed, { segmentBytes: SEGMENT_BYTES });
    // Where nothing could be written behind a refused group, nothing can say that it was refused.
    await ledger.check(restarted, lasting ? ledger.refused : undefined);
  }
  now += ROOM_MS;
  await ledger.accept(test, "healed", 100);
  assert(!ledger.refused.has("healed"), "the spool does not go on");
  await ledger.check(test);
  await test.close();
  await using again = await openTestSpool(test.directory, { segmentBytes: SEGMENT_BYTES });
  await ledger.check(again);
  return struck;
}

async function sweep(what: "failingFile" | "failingStatement", fault: Fault, lasting: boolean): Promise<void> {
  let call = 1;
  while (
    await runWith((faults) => {
      Object.assign(faults, { fault, lasting, [what]: call });
    }).catch((cause) => {
      throw new Error(`with a fault at call ${call}`, { cause });
    })
  ) call++;
  assert(call > 20, `only ${call} calls were seen`);
}

for (const fault of ["full", "broken", "short"] as const) {
  Deno.test(`faults: a ${fault} disk at each write and sync of a file in turn`, () =>
    sweep("failingFile", fault, false));
}
Deno.test("faults: each file call in turn, and all behind it", () => sweep("failingFile", "full", true));
Deno.test("faults: each statement and sync of the index in turn", () => sweep("failingStatement", "broken", false));
Deno.test("faults: each statement of the index in turn, and all behind it", () =>
  sweep("failingStatement", "broken", true));
