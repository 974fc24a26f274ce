import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { crc32 } from "node:zlib";
import { SpoolTooNew } from "../../../relay/spool/errors.ts";
import { FIRST_RECORD_OFFSET, Segments } from "../../../relay/spool/segments.ts";
import { DiskFaults } from "../../support/disk_faults.ts";
import { newDirectory, nextTurn, segmentFiles } from "../../support/spool_on_disk.ts";
import { join } from "@std/path";

const SIZE = 64 * 1024;

async function openIn(directory: string, size = SIZE): Promise<Segments> {
  return await Segments.open(join(directory, "segments"), size);
}

async function use(segments: Segments): Promise<{ path: string; generation: number; salt: number }> {
  const { segment, file } = await segments.next();
  file.close();
  return segment;
}

Deno.test("segments: a new file has its full size, is filled, and only its owner may read it", async () => {
  const directory = newDirectory();
  const segments = await openIn(directory);
  const { path } = await use(segments);
  const { size, mode, blocks } = await Deno.stat(path);
  assertEquals(size, SIZE);
  assertEquals(mode! & 0o777, 0o600);
  assert(blocks! * 512 >= SIZE);
});

Deno.test("segments: each use of a file has a higher generation and another salt, also after a restart", async () => {
  const directory = newDirectory();
  const segments = await openIn(directory);
  const first = await use(segments);
  await segments.recycle(first.generation);
  const second = await use(segments);
  assertEquals(second.path, first.path);
  assert(second.generation > first.generation);
  assertNotEquals(second.salt, first.salt);
  const again = await openIn(directory);
  assertEquals(again.used(), [second]);
  assert((await use(again)).generation > second.generation);
});

Deno.test("segments: a file that was made ahead is used, and none is made beside those that are free", async () => {
  const directory = newDirectory();
  const segments = await openIn(directory);
  const generations: number[] = [];
  for (let n = 0; n < 20; n++) {
    generations.push((await use(segments)).generation);
    segments.prepare();
    if (generations.length > 2) await segments.recycle(generations.shift()!);
  }
  await segments.settle();
  assert(segmentFiles(directory).length <= 4, `${segmentFiles(directory).length} files`);
});

Deno.test("segments: a file that is made ahead goes to the disk in parts, one that is waited for at once", async () => {
  using disk = new DiskFaults();
  const segments = await openIn(newDirectory(), 1 << 20);
  await use(segments);
  assertEquals(disk.dataSyncs, 0);
  segments.prepare();
  while (disk.dataSyncs < 4) await nextTurn();
  await segments.settle();
  assertEquals((await Deno.stat((await use(segments)).path)).size, 1 << 20);
  assertEquals(disk.dataSyncs, 4);
});

Deno.test("segments: of the files that a long queue leaves a few are kept, also after a restart", async () => {
  const directory = newDirectory();
  const segments = await openIn(directory);
  const used = await Array.fromAsync({ length: 20 }, () => use(segments));
  for (const { generation } of used.slice(0, 15)) await segments.recycle(generation);
  assertEquals(segmentFiles(directory).length, 8 + 5);
  const again = await openIn(directory);
  for (const { generation } of again.used()) await again.recycle(generation);
  assertEquals([segmentFiles(directory).length, again.used()], [8, []]);
});

Deno.test("segments: a file whose making was interrupted is removed at start", async () => {
  const directory = newDirectory();
  await openIn(directory);
  await Deno.writeFile(join(directory, "segments", "000001.segment"), new Uint8Array(1000));
  const segments = await openIn(directory);
  assertEquals(segmentFiles(directory), []);
  assertEquals((await Deno.stat((await use(segments)).path)).size, SIZE);
});

Deno.test("segments: files of another size are used up, and then removed", async () => {
  const directory = newDirectory();
  const { generation, path } = await use(await openIn(directory, 2 * SIZE));
  const segments = await openIn(directory);
  assertEquals(segments.get(generation)?.path, path);
  await segments.recycle(generation);
  assertEquals(segmentFiles(directory), []);
});

Deno.test("segments: a damaged header is read from its copy; where both are damaged the file is left as it is", async () => {
  const directory = newDirectory();
  const segment = await use(await openIn(directory));
  const octets = await Deno.readFile(segment.path);
  octets.fill(0xff, 0, 512);
  await Deno.writeFile(segment.path, octets);
  assertEquals((await openIn(directory)).used(), [segment]);
  octets.fill(0xff, 0, FIRST_RECORD_OFFSET);
  await Deno.writeFile(segment.path, octets);
  const segments = await openIn(directory);
  assertEquals(segments.used(), []);
  assertEquals(segments.damaged, [segment.path]);
  assertNotEquals((await use(segments)).path, segment.path);
  assertEquals(await Deno.readFile(segment.path), octets);
});

Deno.test("segments: behind a checkpoint whose file is gone the next generation is higher all the same", async () => {
  const segments = await openIn(newDirectory());
  segments.continueBehind(41);
  assertEquals((await use(segments)).generation, 42);
  segments.continueBehind(7);
  assertEquals((await use(segments)).generation, 43);
});

Deno.test("segments: a file of a newer version's format is refused, and left as it is", async () => {
  const directory = newDirectory();
  const { path } = await use(await openIn(directory));
  const octets = await Deno.readFile(path);
  for (const at of [0, FIRST_RECORD_OFFSET / 2]) {
    const view = new DataView(octets.buffer, at, 16);
    view.setUint8(3, "2".charCodeAt(0));
    view.setUint32(12, crc32(octets.subarray(at, at + 12)), true);
  }
  await Deno.writeFile(path, octets);
  await assertRejects(() => openIn(directory), SpoolTooNew, "run that one, or a later one");
  assertEquals(await Deno.readFile(path), octets);
});
