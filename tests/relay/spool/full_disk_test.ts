/** A spool on a disk that has no room left: nothing is given out that could not be recorded then. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { SpoolFailure } from "../../../relay/spool/errors.ts";
import { needingMounts, SmallDisk } from "../../support/small_disk.ts";
import {
  accept,
  change,
  contentOf,
  envelope,
  openTestSpool,
  START,
  takeAll,
  type TestSpool,
} from "../../support/spool_on_disk.ts";

const SEGMENT_BYTES = 1 << 20;
/** Room for three segments, an index, and what fills up the rest. */
const DISK_MIB = 6;
/** Room is looked for again. */
const LOOK_AGAIN_MS = 30_000;
/** Left on a disk that is full: no segment, but what the index writes. */
const LEFT_OCTETS = SEGMENT_BYTES - 256 * 1024;
const MESSAGES = 30;

/** Takes what room there is, but for a little. */
async function fillUp(path: string): Promise<void> {
  using file = await Deno.open(path, { createNew: true, write: true });
  const zeros = new Uint8Array(64 * 1024);
  let octets = 0;
  try {
    while (true) octets += await file.write(zeros);
  } catch {
    await file.truncate(octets - LEFT_OCTETS);
  }
}

async function deliver({ spool }: TestSpool, ids: readonly string[]): Promise<void> {
  for (const messageId of ids) {
    await spool.record({ messageId, changes: [change("delivered")], events: [] });
    spool.giveBack(messageId);
  }
}

Deno.test({
  ...needingMounts("full disk at the start: nothing is given out before there is room for what becomes of it"),
  async fn() {
    using disk = SmallDisk.mount(DISK_MIB);
    const directory = join(disk.path, "spool"), filler = join(disk.path, "filler");
    const segments = join(directory, "segments");
    await Deno.mkdir(directory);
    let now = START;
    const options = { segmentBytes: SEGMENT_BYTES, now: () => now };
    {
      await using test = await openTestSpool(directory, options);
      for (let n = 0; n < MESSAGES; n++) await accept(test.spool, envelope(`m${n}`), contentOf(`m${n}`, 5000));
    }
    for (const { name } of [...Deno.readDirSync(segments)]) {
      const path = join(segments, name);
      if (Deno.readFileSync(path).every((octet) => octet === 0)) Deno.removeSync(path);
    }
    await fillUp(filler);
    await using test = await openTestSpool(directory, options);
    const { spool } = test;
    assertEquals(await spool.trouble(), "the spool's disk is full");
    assertEquals((await takeAll(test, START)).length, 0);
    assert(spool.nextDueAt()! > START);
    assertMatch(String(test.troubles), /no space left/i);
    await Deno.remove(filler);
    now += LOOK_AGAIN_MS;
    // No mail comes in, and nobody asks; whoever wants to deliver is enough.
    const available = Promise.withResolvers<void>();
    spool.onAvailable(available.resolve);
    assertEquals(spool.take(now), undefined);
    await available.promise;
    const ids = (await takeAll(test, START)).map(({ envelope: { id } }) => id);
    assertEquals([ids.length, await spool.trouble()], [MESSAGES, null]);
    await deliver(test, ids);
    assertEquals(spool.count(), 0);
  },
});

Deno.test({
  ...needingMounts("full disk: no more is given out at a time than the rest of the log has room for"),
  async fn() {
    using disk = SmallDisk.mount(DISK_MIB);
    const directory = join(disk.path, "spool");
    await Deno.mkdir(directory);
    await using test = await openTestSpool(directory, { segmentBytes: SEGMENT_BYTES });
    const { spool } = test;
    const refusal = await assertRejects(async () => {
      for (let n = 0;; n++) await accept(spool, envelope(`m${n}`), contentOf(`m${n}`, 9000));
    }, SpoolFailure);
    assertEquals(refusal.message, "the spool's disk is full");
    // For the index, whose wants are not what this is about; the log looks for room when somebody asks for it.
    disk.resize(2 * DISK_MIB);
    const accepted = spool.count(), atOnce: number[] = [];
    while (spool.count() > 0) {
      const ids: string[] = [];
      for (let message; (message = spool.take(START)) !== undefined;) ids.push(message.envelope.id);
      atOnce.push(ids.length);
      assert(ids.length > 0, `of ${accepted}: ${atOnce}`);
      await deliver(test, ids);
    }
    const [first] = atOnce;
    // 8 KiB for each, in what is left of one segment.
    assert(first! <= SEGMENT_BYTES / 8192 && first! < accepted, `of ${accepted}: ${atOnce}`);
  },
});
