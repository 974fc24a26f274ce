import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { SpoolFailure } from "../../../relay/spool/errors.ts";
import { FailingDisk } from "../../support/failing_disk.ts";
import {
  accept,
  change,
  contentOf,
  crashCopy,
  envelope,
  finish,
  newDirectory,
  nextTurn,
  openTestSpool,
  readContent,
  segmentFiles,
  START,
  state,
  takeAll,
  takeIds,
  type TestSpool,
} from "../../support/spool_on_disk.ts";

const SECOND = 1000;
const SEGMENT_BYTES = 64 * 1024;
const LATER = START + SECOND;
const LARGE = 300 * 1024;

/** Leaves so many deferred messages, each among others of its segment that have ended; in hand up to now. */
async function leaveDeferred(test: TestSpool, count: number, octets = 20_000): Promise<string[]> {
  const ids = await deferAmongOthers(test, count, octets);
  await test.spool.compact();
  for (const id of ids) test.spool.giveBack(id);
  return ids;
}

async function deferAmongOthers(test: TestSpool, count: number, octets: number, prefix = ""): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, n) => `${prefix}deferred${n}`);
  for (const id of ids) {
    await accept(test.spool, envelope(id), contentOf(id, octets));
    test.spool.take(START);
    await test.spool.record({ messageId: id, changes: [change("queued", LATER)], events: [] });
    for (let n = 0; n < 3; n++) {
      await accept(test.spool, envelope(`${id}-${n}`), contentOf(id, 20_000));
      await finish(test, test.spool.take(START)!.envelope.id);
    }
  }
  return ids;
}

async function assertIntact(test: TestSpool, ids: readonly string[], octets = 20_000): Promise<void> {
  const messages = await takeAll(test, LATER);
  assertEquals(messages.map(({ envelope: { id } }) => id).sort(), ids.toSorted());
  for (const message of messages) {
    assertEquals(message.recipients, [state("queued", LATER)]);
    assertEquals(await readContent(message), contentOf(message.envelope.id, octets));
  }
}

Deno.test("compaction: old deferred messages do not keep the segments of those that have ended", async () => {
  await using test = await openTestSpool(newDirectory(), { segmentBytes: SEGMENT_BYTES });
  const ids = await leaveDeferred(test, 40, 1000);
  await test.spool.compact();
  const needed = Math.ceil(ids.length * 1600 / SEGMENT_BYTES);
  assert(test.spool.segmentsInUse <= 2 * needed + 4, `${test.spool.segmentsInUse} segments are in use`);
  await assertIntact(test, ids, 1000);
  assertEquals(test.troubles, []);
});

Deno.test("compaction: goes on by itself as mail goes through", async () => {
  await using test = await openTestSpool(newDirectory(), { segmentBytes: SEGMENT_BYTES });
  const ids = await deferAmongOthers(test, 20, 200);
  for (const id of ids) test.spool.giveBack(id);
  for (let n = 0; test.spool.segmentsInUse > 6; n++) {
    assert(n < 1000);
    await accept(test.spool, envelope(`m${n}`), contentOf(`m${n}`, 20_000));
    await finish(test, test.spool.take(START)!.envelope.id);
  }
  await assertIntact(test, ids, 200);
});

Deno.test("compaction: a crash at any turn of a pass loses nothing, changes no state and tells nothing twice", async () => {
  await using test = await openTestSpool(newDirectory(), { segmentBytes: SEGMENT_BYTES });
  const ids = await leaveDeferred(test, 10);
  await test.spool.checkpoint();
  await test.outbox.drained();
  let ended = false;
  const compacted = test.spool.compact().then(() => ended = true);
  for (let crashes = 0; !ended; crashes++) {
    const told: string[] = [];
    await using restarted = await openTestSpool(crashCopy(test.directory), {
      segmentBytes: SEGMENT_BYTES,
      deliver: (items) => Promise.resolve(void told.push(...items.map(({ event }) => event.id))),
    });
    await assertIntact(restarted, ids);
    await restarted.outbox.drained();
    assertEquals(told, []);
    assertEquals(restarted.damagedSegments, []);
    await nextTurn();
  }
  await compacted;
  await assertIntact(test, ids);
});

Deno.test("compaction: a message with a file of its own keeps it", async () => {
  await using test = await openTestSpool(newDirectory(), { segmentBytes: SEGMENT_BYTES });
  const ids = await leaveDeferred(test, 8, LARGE);
  await test.spool.compact();
  await using restarted = await openTestSpool(crashCopy(test.directory), { segmentBytes: SEGMENT_BYTES });
  await assertIntact(restarted, ids, LARGE);
});

Deno.test("compaction: a message in hand is left where it is, and can be read to its end", async () => {
  await using test = await openTestSpool(newDirectory(), { segmentBytes: SEGMENT_BYTES });
  const ids = await leaveDeferred(test, 10);
  const messages = await takeAll(test, LATER);
  const before = test.spool.segmentsInUse;
  await test.spool.compact();
  assert(test.spool.segmentsInUse >= Math.min(before, ids.length));
  for (const message of messages) {
    assertEquals(await readContent(message), contentOf(message.envelope.id, 20_000));
    await finish(test, message.envelope.id);
  }
  await test.spool.checkpoint();
  assert(test.spool.segmentsInUse <= 2);
});

Deno.test("compaction: where the disk does not take the copies, the messages are where they were", async () => {
  using disk = new FailingDisk();
  await using test = await openTestSpool(newDirectory(), { segmentBytes: SEGMENT_BYTES });
  const ids = await leaveDeferred(test, 10);
  disk.failingSyncs = 1;
  await test.spool.compact();
  assertEquals(test.troubles.length, 1);
  {
    await using restarted = await openTestSpool(crashCopy(test.directory), { segmentBytes: SEGMENT_BYTES });
    await assertIntact(restarted, ids);
  }
  await test.spool.compact();
  assertEquals(test.troubles.length, 1);
  await assertIntact(test, ids);
});

Deno.test("compaction: where the disk is full it leaves the rest of the log to what becomes of mail", async () => {
  using disk = new FailingDisk();
  await using test = await openTestSpool(newDirectory(), { segmentBytes: SEGMENT_BYTES });
  const { spool } = test;
  const ids = await deferAmongOthers(test, 8, 30_000);
  await accept(spool, envelope("in hand"), contentOf("in hand", 100));
  spool.take(START);
  const { open } = Deno;
  Deno.open = (path, options) => options?.createNew ? Promise.reject(new Error("injected")) : open(path, options);
  try {
    await assertRejects(async () => {
      for (let n = 0;; n++) await accept(spool, envelope(`last${n}`), contentOf(`last${n}`, 20_000));
    }, SpoolFailure);
    for (const id of ids) spool.giveBack(id);
    const { syncs } = disk;
    // There is room for what becomes of the one in hand and of another, but not for a deferred one as well.
    await spool.compact();
    assertEquals(disk.syncs, syncs);
  } finally {
    Deno.open = open;
  }
  const { syncs } = disk, segments = spool.segmentsInUse;
  assertEquals(await spool.trouble(0), null);
  await spool.compact();
  assert(disk.syncs > syncs && spool.segmentsInUse < segments, `${spool.segmentsInUse} of ${segments} segments`);
  await finish(test, "in hand");
});

Deno.test("compaction: a damaged message is set aside and reported once, its neighbours are moved", async () => {
  await using test = await openTestSpool(newDirectory(), { segmentBytes: SEGMENT_BYTES });
  const ids = await leaveDeferred(test, 10);
  const [first] = segmentFiles(test.directory);
  const octets = await Deno.readFile(first!);
  octets[4096 + 5000]! ^= 1; // within the first deferred message
  await Deno.writeFile(first!, octets);
  await test.spool.compact();
  await test.spool.compact();
  assertEquals(test.damagedMessages.map(({ id }) => id), [ids[0]]);
  assertEquals((await takeIds(test, LATER)).sort(), ids.slice(1).sort());
  assertEquals(test.spool.count(), ids.length);
});

Deno.test("compaction: what was moved is found again without the index, large contents too", async () => {
  const directory = newDirectory();
  const expected: string[] = [];
  {
    await using test = await openTestSpool(directory, { segmentBytes: SEGMENT_BYTES });
    const large = await deferAmongOthers(test, 1, LARGE, "large-"), small = await deferAmongOthers(test, 19, 1000);
    expected.push(...large, ...small);
    for (const id of expected) test.spool.giveBack(id);
    for (let n = 0; n < 2; n++) await test.spool.compact();
  }
  await Deno.writeFile(join(directory, "index.db"), new Uint8Array(8192).fill(0xff));
  await using test = await openTestSpool(directory, { segmentBytes: SEGMENT_BYTES });
  assertEquals(test.damagedIndexes.length, 1);
  const found = await takeAll(test, LATER);
  const ids = found.map(({ envelope: { id } }) => id);
  assertEquals(expected.filter((id) => !ids.includes(id)), []);
  for (const message of found.filter(({ envelope: { id } }) => expected.includes(id))) {
    const { id } = message.envelope;
    assertEquals(await readContent(message), contentOf(id, id.startsWith("large-") ? LARGE : 1000));
  }
});
