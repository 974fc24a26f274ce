import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { copyShard, type ShardCopy } from "../../../relay/backup/shard_copy.ts";
import type { Progress } from "../../../relay/backup/progress.ts";
import { BusySpool } from "../../support/busy_spool.ts";
import {
  accept,
  change,
  contentOf,
  envelope,
  finish,
  newDirectory,
  octetsOf,
  openTestSpool,
  queuedAfterCrash,
  readContent,
  segmentFiles,
  START,
  takeAll,
  takeIds,
  type TestSpool,
} from "../../support/spool_on_disk.ts";

const SILENT: Progress = { step() {}, octets() {} };
/** So small that the busy spool uses each again within some tens of milliseconds. */
const SEGMENT_BYTES = 512 * 1024;
const COPIES = 6, MOST_COPIES = 20;

async function copyOf(source: TestSpool): Promise<{ directory: string; result: ShardCopy }> {
  const directory = newDirectory();
  return { directory, result: await copyShard({ source: source.directory, target: directory, progress: SILENT }) };
}

/** Opened as a service does it: what it finds, by id, with the contents. */
async function restored(directory: string): Promise<Map<string, Uint8Array>> {
  await using spool = await openTestSpool(directory, { segmentBytes: SEGMENT_BYTES });
  const messages = await takeAll(spool, Infinity);
  assertEquals([spool.damagedMessages, spool.damagedSegments, spool.damagedIndexes], [[], [], []]);
  const contents = messages.map(async (message) => [message.envelope.id, await readContent(message)] as const);
  return new Map(await Promise.all(contents));
}

Deno.test("a copy of a busy shard has every message that was acknowledged before it and not ended after it", async () => {
  await using source = await openTestSpool(newDirectory(), { segmentBytes: SEGMENT_BYTES });
  await using busy = new BusySpool(source);
  await busy.accepted(500);
  let roundsInAll = 0, copies = 0;
  // On a busy machine the spool may be too slow for all of them: then some more are made.
  while (copies < COPIES || (roundsInAll === copies && copies < MOST_COPIES)) {
    const before = busy.waiting();
    const { directory, result } = await copyOf(source);
    const wanted = before.difference(busy.attempted);
    assert(wanted.size > 0);
    roundsInAll += result.rounds;
    copies++;

    const found = await restored(directory);
    assertEquals([...wanted.difference(new Set(found.keys()))], [], `copy ${copies} lacks messages`);
    assertEquals([found.size, [...result.damaged]], [result.messages, []]);
    for (const [id, content] of found) assertEquals(content, contentOf(id, octetsOf(id)));
    await Deno.remove(directory, { recursive: true });
    await Deno.mkdir(directory);
  }
  assert(roundsInAll > copies, "segments were used again while they were copied, or this test shows nothing");
  assertEquals(source.troubles, []);
});

/** Runs `moveOn` between the moment of the index's copy and the copies of the log, in each of the first rounds. */
async function copyWhile(source: TestSpool, rounds: number, moveOn: () => Promise<void>) {
  const { readDir } = Deno;
  const segments = join(source.directory, "segments");
  // A round lists the segments twice: before that moment and after it. Then it copies them.
  let lists = 0;
  Deno.readDir = async function* (path) {
    yield* readDir(path);
    if (path === segments && ++lists % 2 === 0 && lists <= 2 * rounds) await moveOn();
  };
  try {
    return await copyOf(source);
  } finally {
    Deno.readDir = readDir;
  }
}

Deno.test("all that is to be copied is used again before it is: that costs a round, no message", async () => {
  await using source = await openTestSpool(newDirectory(), { segmentBytes: SEGMENT_BYTES });
  await using busy = new BusySpool(source);
  await busy.accepted(300);
  const before = busy.waiting();
  const { directory, result } = await copyWhile(source, 2, () => busy.accepted(busy.acknowledged.size + 2000));
  assert(result.rounds >= 3, `${result.rounds} rounds`);
  const found = new Set((await restored(directory)).keys());
  assertEquals([...before.difference(busy.attempted).difference(found)], []);
});

Deno.test("a message that only the log has, in a segment that is used again before it is copied, is in the copy", async () => {
  await using source = await openTestSpool(newDirectory(), { segmentBytes: SEGMENT_BYTES });
  const { spool } = source;
  await accept(spool, envelope("m"), contentOf("m", octetsOf("m")));
  const [first] = segmentFiles(source.directory);
  const header = () => Deno.readFile(first!).then((octets) => octets.subarray(0, 16).toHex());
  const used = await header();
  const { directory, result } = await copyWhile(source, 1, async () => {
    await takeIds(source, Infinity);
    await spool.record({ messageId: "m", changes: [change("queued", START + 1e9)], events: [] });
    spool.giveBack("m");
    for (let n = 0; await header() === used; n++) {
      await accept(spool, envelope(`x${n}`), contentOf(`x${n}`, 100_000));
      for (const id of await takeIds(source, START)) await finish(source, id);
      if (n % 10 === 0) await spool.compact();
    }
  });
  assertEquals(result.rounds, 2);
  assertEquals([...(await restored(directory)).keys()], ["m"]);
});

Deno.test("a copy of a shard at rest: the same node, the same messages, no segment that holds nothing", async () => {
  await using source = await openTestSpool(newDirectory(), { segmentBytes: SEGMENT_BYTES, node: "the node" });
  for (let n = 0; n < 300; n++) await accept(source.spool, envelope(`m${n}`), contentOf(`m${n}`, octetsOf(`m${n}`)));
  for (const id of await takeIds(source, Infinity)) if (id !== "m150") await finish(source, id);
  const { directory, result } = await copyOf(source);
  assertEquals(result, { messages: 1, damaged: [], rounds: 1 });
  assertEquals(segmentFiles(directory).length, 1);
  await using copy = await openTestSpool(directory, { segmentBytes: SEGMENT_BYTES });
  assertEquals([copy.nodeId, await takeIds(copy, Infinity)], ["the node", ["m150"]]);
});

Deno.test("what the node has not told the control plane yet is in the copy", async () => {
  await using source = await openTestSpool(newDirectory(), { deliver: () => Promise.reject(new Error("away")) });
  await accept(source.spool, envelope("m1"), contentOf("m1", 100));
  const { directory } = await copyOf(source);
  const told: string[] = [];
  await using copy = await openTestSpool(directory, {
    deliver: (items) => {
      for (const { event, reservation } of items) told.push(`${event.type} ${event.messageId} ${reservation?.id}`);
      return Promise.resolve();
    },
  });
  assertEquals(await copy.outbox.drained(), true);
  assertEquals(told, ["accepted m1 reservation of m1"]);
});

Deno.test("what the spool itself has lost is named, and the rest is copied", async () => {
  await using source = await openTestSpool(newDirectory(), { segmentBytes: SEGMENT_BYTES });
  for (const id of ["m1", "m2", "m3"]) await accept(source.spool, envelope(id), contentOf(id, 300 * 1024));
  await Deno.remove(join(source.directory, "large", "m2"));
  const { directory, result } = await copyOf(source);
  assertEquals(result, { messages: 3, damaged: ["m2"], rounds: 2 });
  await using copy = await openTestSpool(directory, { segmentBytes: SEGMENT_BYTES });
  assertEquals(await takeIds(copy, Infinity), ["m1", "m3"]);
  assertEquals(copy.damagedMessages.map(({ id }) => id), ["m2"]);
});

Deno.test("a restored shard whose log was empty keeps what it takes in through a crash", async () => {
  await using source = await openTestSpool(newDirectory(), { segmentBytes: SEGMENT_BYTES });
  await accept(source.spool, envelope("m1"), contentOf("m1", 100));
  await finish(source, (await takeIds(source, Infinity))[0]!);
  const { directory } = await copyOf(source);
  assertEquals(segmentFiles(directory), []);
  await (await openTestSpool(directory, { segmentBytes: SEGMENT_BYTES })).close();
  await using copy = await openTestSpool(directory, { segmentBytes: SEGMENT_BYTES });
  await accept(copy.spool, envelope("m2"), contentOf("m2", 100));
  assertEquals(await queuedAfterCrash(directory), ["m2"]);
});
