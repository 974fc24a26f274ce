/**
 * Bits that flip while a spool is at rest: all over its segments, its index and its large contents. Whatever they hit, the
 * spool opens, what it gives out is what was handed in, and what it does not give out it has reported.
 */
import { assert, assertEquals } from "@std/assert";
import { basename, join } from "@std/path";
import { SpoolDamaged } from "../../../relay/spool/errors.ts";
import { sizeOf } from "../../support/size.ts";
import {
  accept,
  change,
  contentOf,
  crashCopy,
  envelope,
  newDirectory,
  openTestSpool,
  readContent,
  segmentFiles,
  START,
  takeAll,
} from "../../support/spool_on_disk.ts";

const SEGMENT_BYTES = 32 * 1024;
const LARGE = 257 * 1024;
/** A bit is flipped in every so manieth octet; a prime, so that no field of a row or record is always passed by. */
const STEP = sizeOf({ ci: 211, large: 13 });

const octetsOf = (id: string) => id === "large" ? LARGE : 3000;

/** A spool that was closed, with messages new and deferred; and their ids. */
async function atRest(): Promise<{ directory: string; ids: string[] }> {
  const directory = newDirectory();
  const ids = ["large", "m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"];
  await using test = await openTestSpool(directory, { segmentBytes: SEGMENT_BYTES });
  for (const id of ids) await accept(test.spool, envelope(id), contentOf(id, octetsOf(id)));
  for (const id of ids.slice(0, 3)) {
    test.spool.take(START);
    await test.spool.record({ messageId: id, changes: [change("queued", START)], events: [] });
    test.spool.giveBack(id);
  }
  await test.outbox.drained();
  return { directory, ids };
}

/** Opens a copy in which one bit is another; resolves to the messages that it gives out. */
async function openFlipped(directory: string, file: string, offset: number, ids: readonly string[]): Promise<string[]> {
  const copy = crashCopy(directory);
  const path = join(copy, file);
  const octets = await Deno.readFile(path);
  octets[offset]! ^= 1 << offset % 8;
  await Deno.writeFile(path, octets);
  await using test = await openTestSpool(copy, { segmentBytes: SEGMENT_BYTES });
  const found: string[] = [];
  for (const message of await takeAll(test, START)) {
    const { id } = message.envelope;
    try {
      assertEquals(await readContent(message), contentOf(id, octetsOf(id)));
      found.push(id);
    } catch (error) {
      assert(error instanceof SpoolDamaged, `${error}`);
    }
  }
  const reported = test.damagedMessages.length + test.damagedSegments.length;
  if (found.length < ids.length && !file.startsWith("large")) {
    assert(reported > 0, "a message is missing without a word");
  }
  assertEquals(test.troubles, []);
  await accept(test.spool, envelope("next"), contentOf("next", 10));
  return found;
}

async function sweep(directory: string, file: string, ids: readonly string[], least: number): Promise<void> {
  const { size } = await Deno.stat(join(directory, file));
  for (let offset = 0; offset < size; offset += STEP) {
    const found = await openFlipped(directory, file, offset, ids).catch((cause) => {
      throw new Error(`with a flipped bit at ${offset} of ${file}`, { cause });
    });
    assert(found.length >= least, `${found.length} of ${ids.length} are left with a flipped bit at ${offset}`);
  }
}

Deno.test("bit flips: in a segment, at most the message that is hit is missing, and that is reported", async () => {
  const { directory, ids } = await atRest();
  await sweep(directory, join("segments", basename(segmentFiles(directory)[0]!)), ids, ids.length - 1);
});

Deno.test("bit flips: in the index, at most one message is missing, and that is reported", async () => {
  const { directory, ids } = await atRest();
  await sweep(directory, "index.db", ids, ids.length - 1);
});

Deno.test("bit flips: in a large content, that message alone is not read to its end", async () => {
  const { directory, ids } = await atRest();
  for (const offset of [0, LARGE >> 1, LARGE - 1]) {
    assertEquals((await openFlipped(directory, join("large", "large"), offset, ids)).length, ids.length - 1);
  }
});

Deno.test("damaged index: it is kept under another name, and all is found again from the log", async () => {
  const { directory, ids } = await atRest();
  await Deno.writeFile(join(directory, "index.db"), new Uint8Array(8192).fill(0xff));
  await using test = await openTestSpool(directory, { segmentBytes: SEGMENT_BYTES });
  assertEquals(test.damagedIndexes, [join(directory, "index.db.damaged")]);
  assertEquals((await takeAll(test, START)).map(({ envelope: { id } }) => id).sort(), ids);
});
