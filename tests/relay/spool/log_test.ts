import { assert, assertEquals, assertRejects } from "@std/assert";
import { SpoolDamaged, SpoolFailure } from "../../../relay/spool/errors.ts";
import { type Location, Log, readAt, scan } from "../../../relay/spool/log.ts";
import type { Record } from "../../../relay/spool/record.ts";
import { FIRST_RECORD_OFFSET, Segments } from "../../../relay/spool/segments.ts";
import { FailingDisk } from "../../support/failing_disk.ts";
import { contentOf, envelope, newDirectory } from "../../support/spool_on_disk.ts";

const SEGMENT_BYTES = 64 * 1024;

interface OpenLog extends AsyncDisposable {
  readonly directory: string;
  readonly segments: Segments;
  readonly log: Log;
  /** How often a segment's end was announced. */
  readonly ends: { count: number };
}

async function openLog(segmentBytes = SEGMENT_BYTES): Promise<OpenLog> {
  const directory = newDirectory();
  const segments = await Segments.open(directory, segmentBytes);
  const ends = { count: 0 };
  const log = new Log(segments, () => ends.count++);
  return { directory, segments, log, ends, [Symbol.asyncDispose]: () => log.close() };
}

function message(id: string, octets = 100): Record {
  return { meta: { accept: { envelope: envelope(id), large: undefined } }, content: contentOf(id, octets) };
}

/** Appends and resolves to the place. */
async function append(log: Log, record: Record): Promise<Location> {
  const { promise, resolve } = Promise.withResolvers<Location>();
  await log.append(record, resolve);
  return await promise;
}

/** The accepted and voided ids of all segments, in order. */
async function idsOnDisk(segments: Segments): Promise<string[]> {
  const ids: string[] = [];
  for (const segment of segments.used()) {
    for await (const { record: { meta } } of scan(segment, FIRST_RECORD_OFFSET, () => {})) {
      if (meta.accept) ids.push(meta.accept.envelope.id);
      for (const id of meta.void ?? []) ids.push(`void ${id}`);
    }
  }
  return ids;
}

Deno.test("log: appends that wait share a sync, and become durable in their order", async () => {
  using disk = new FailingDisk();
  await using open = await openLog();
  const order: string[] = [];
  await Promise.all(
    Array.from({ length: 50 }, (_, n) => open.log.append(message(`m${n}`), () => order.push(`m${n}`))),
  );
  assertEquals(order, Array.from({ length: 50 }, (_, n) => `m${n}`));
  assertEquals(disk.syncs, 2); // the first goes at once, the rest gathers meanwhile
  assertEquals(await idsOnDisk(open.segments), order);
});

Deno.test("log: nothing is announced before its sync has ended, and the position passes it afterwards", async () => {
  await using open = await openLog();
  const syncs: PromiseWithResolvers<void>[] = [];
  const next = open.segments.next.bind(open.segments);
  open.segments.next = async () => {
    const taken = await next();
    taken.file.syncData = () => {
      syncs.push(Promise.withResolvers<void>());
      asked.resolve();
      return syncs.at(-1)!.promise;
    };
    return taken;
  };
  const asked = Promise.withResolvers<void>();
  let durable = false;
  const appended = open.log.append(message("m"), () => {
    durable = true;
    assertEquals(open.log.position, undefined);
  });
  await asked.promise;
  assert(!durable);
  syncs[0]!.resolve();
  await appended;
  assert(durable);
  assert(open.log.position!.offset > FIRST_RECORD_OFFSET);
});

Deno.test("log: a full segment is followed by the next one; each record can be read by its place", async () => {
  await using open = await openLog();
  const places: Location[] = [];
  for (let n = 0; n < 20; n++) places.push(await append(open.log, message(`m${n}`, 10_000)));
  assertEquals(open.segments.used().length, 4);
  assertEquals(open.ends.count, 3);
  for (const [n, place] of places.entries()) {
    assertEquals((await readAt(open.segments, place)).content, contentOf(`m${n}`, 10_000));
  }
});

Deno.test("log: a group never outgrows a segment, however much waits", async () => {
  await using open = await openLog();
  await Promise.all(Array.from({ length: 30 }, (_, n) => append(open.log, message(`m${n}`, 10_000))));
  for (const { path } of open.segments.used()) assertEquals((await Deno.stat(path)).size, SEGMENT_BYTES);
  assertEquals((await idsOnDisk(open.segments)).length, 30);
});

Deno.test("log: a record that is longer than a group may be is one of its own, and those around it keep their order", async () => {
  using disk = new FailingDisk();
  await using open = await openLog(4 << 20);
  const long = contentOf("long", 3 << 20);
  const order: string[] = [];
  const appended = ["first", "before", "long", "behind"].map((id) =>
    open.log.append({ ...message(id), ...(id === "long" && { content: long }) }, () => order.push(id))
  );
  await Promise.all(appended);
  assertEquals(order, ["first", "before", "long", "behind"]);
  assertEquals(disk.syncs, 4);
  assertEquals(await idsOnDisk(open.segments), order);
  const place = await append(open.log, { ...message("once more"), content: long });
  assertEquals((await readAt(open.segments, place)).content, long);
  assertEquals(open.segments.used().length, 2);
});

Deno.test("log: a record that no segment can hold is refused, and the others go on", async () => {
  await using open = await openLog();
  const tooLong = open.log.append(message("long", SEGMENT_BYTES), () => {});
  const fits = append(open.log, message("m"));
  await assertRejects(() => tooLong, SpoolFailure);
  await fits;
});

for (const fault of ["failingWrites", "failingSyncs"] as const) {
  Deno.test(`log: ${fault}: the group is refused, its file retired, its messages void, and the next goes on`, async () => {
    using disk = new FailingDisk();
    await using open = await openLog();
    await append(open.log, message("before"));
    disk[fault] = 1;
    const refused = await Promise.allSettled([append(open.log, message("refused"))]);
    assert(refused[0].status === "rejected" && refused[0].reason instanceof SpoolFailure);
    const { path: failed, generation } = open.segments.used()[0]!;
    assertEquals(open.log.position, { generation, offset: SEGMENT_BYTES });
    assertEquals(open.ends.count, 1);
    const octets = await Deno.readFile(failed);
    const place = await append(open.log, message("after"));
    assert(place.generation > generation);
    assertEquals(await Deno.readFile(failed), octets); // never written again
    const kept = fault === "failingSyncs" ? ["refused"] : []; // half a group is no record
    assertEquals(await idsOnDisk(open.segments), ["before", ...kept, "void refused", "after"]);
    await open.segments.recycle(generation);
    await assertRejects(() => Deno.stat(failed), Deno.errors.NotFound);
  });
}

Deno.test("log: while no file can be had all is refused; once there is one it goes on, with nothing to void", async () => {
  await using open = await openLog();
  await Deno.rename(open.directory, `${open.directory}-away`);
  for (let n = 0; n < 3; n++) await assertRejects(() => append(open.log, message(`m${n}`)), SpoolFailure);
  await Deno.rename(`${open.directory}-away`, open.directory);
  await append(open.log, message("after"));
  assertEquals(await idsOnDisk(open.segments), ["after"]);
});

Deno.test("log: thousands of refused messages are voided, in records of bounded length", async () => {
  using disk = new FailingDisk();
  await using open = await openLog(4 << 20);
  const first = open.log.append(message("first"), () => disk.failingSyncs = 1); // all that gathers meanwhile is a group
  const ids = Array.from({ length: 1800 }, (_, n) => `m${n}`);
  const results = await Promise.allSettled(ids.map((id) => append(open.log, message(id, 0))));
  await first;
  assert(results.every(({ status }) => status === "rejected"));
  await append(open.log, message("after", 0));
  const found = await idsOnDisk(open.segments);
  assertEquals(found.filter((id) => id.startsWith("void")), ids.map((id) => `void ${id}`));
});

Deno.test("log: after its end it refuses", async () => {
  const { log } = await openLog();
  const last = append(log, message("last"));
  await log.close();
  await last;
  await assertRejects(() => log.append(message("late"), () => {}), SpoolFailure);
});

Deno.test("scan: a damaged record is reported once, with where it begins, and the records around it are given", async () => {
  await using open = await openLog();
  const places: Location[] = [];
  for (const id of ["a", "b", "c", "d", "e"]) places.push(await append(open.log, message(id)));
  const [segment] = open.segments.used();
  await flip(segment!.path, places[1]!.offset + 60);
  await flip(segment!.path, places[2]!.offset);
  const damage: number[] = [], ids: string[] = [];
  for await (const { record } of scan(segment!, FIRST_RECORD_OFFSET, (offset) => damage.push(offset))) {
    ids.push(record.meta.accept!.envelope.id);
  }
  assertEquals(ids, ["a", "d", "e"]);
  assertEquals(damage, [places[1]!.offset]);
  await assertRejects(() => readAt(open.segments, places[1]!), SpoolDamaged);
  assertEquals((await readAt(open.segments, places[4]!)).content, contentOf("e", 100));
});

Deno.test("scan: a damaged last record is reported", async () => {
  await using open = await openLog();
  await append(open.log, message("a"));
  const last = await append(open.log, message("b"));
  const [segment] = open.segments.used();
  await flip(segment!.path, last.offset + 60);
  const damage: number[] = [];
  for await (const _ of scan(segment!, FIRST_RECORD_OFFSET, (offset) => damage.push(offset)));
  assertEquals(damage, [last.offset]);
});

Deno.test("scan: a message cannot pass off a part of itself as a record, even when its own is damaged", async () => {
  await using open = await openLog();
  // What a client can know: the format and a likely generation. It fills the content with records of that kind.
  const stolen = await forgedRecords();
  const place = await append(open.log, { ...message("m"), content: stolen });
  await append(open.log, message("behind"));
  const [segment] = open.segments.used();
  await flip(segment!.path, place.offset + 60);
  const ids: string[] = [];
  for await (const { record } of scan(segment!, FIRST_RECORD_OFFSET, () => {})) {
    ids.push(record.meta.accept!.envelope.id);
  }
  assertEquals(ids, ["behind"]);
});

/** The first octets of another log's first segment, at every alignment to 8. */
async function forgedRecords(): Promise<Uint8Array> {
  await using other = await openLog();
  const { offset, length } = await append(other.log, message("forged"));
  const forged = (await Deno.readFile(other.segments.used()[0]!.path)).subarray(offset, offset + length);
  const octets = new Uint8Array(8 * (length + 1));
  for (let shift = 0; shift < 8; shift++) octets.set(forged, shift * (length + 1));
  return octets;
}

async function flip(path: string, offset: number): Promise<void> {
  const octets = await Deno.readFile(path);
  octets[offset]! ^= 1;
  await Deno.writeFile(path, octets);
}
