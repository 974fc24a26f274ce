import { assert, assertEquals, assertRejects } from "@std/assert";
import { SpoolFailure } from "../../../relay/spool/errors.ts";
import { IndexStore } from "../../../relay/spool/index_store.ts";
import { FIRST_RECORD_OFFSET } from "../../../relay/spool/segments.ts";
import { FailingDisk } from "../../support/failing_disk.ts";
import {
  accept,
  change,
  contentOf,
  crashCopy,
  dsnFor,
  envelope,
  newDirectory,
  nextTurn,
  openTestSpool,
  queuedAfterCrash,
  readContent,
  segmentFiles,
  START,
  takeAll,
  takeIds,
} from "../../support/spool_on_disk.ts";

const SECOND = 1000;

Deno.test("damage: a message whose record is damaged is set aside and reported, at each start; the rest goes on", async () => {
  const directory = newDirectory();
  {
    await using test = await openTestSpool(directory);
    for (const id of ["a", "b", "c"]) await accept(test.spool, envelope(id), contentOf(id, 1000));
  }
  const [segment] = segmentFiles(directory);
  const octets = await Deno.readFile(segment!);
  octets[octets.indexOf(0x62, FIRST_RECORD_OFFSET + 1200)]! ^= 1; // within the second record
  await Deno.writeFile(segment!, octets);
  for (let start = 0; start < 2; start++) {
    await using test = await openTestSpool(directory);
    const messages = await takeAll(test, START);
    assertEquals(messages.length, 2);
    for (const message of messages) {
      assertEquals(await readContent(message), contentOf(message.envelope.id, 1000));
    }
    assertEquals(test.damagedMessages.length, 1);
    assertEquals(test.spool.nextDueAt(), undefined);
    assertEquals(test.spool.count(), 3);
    assertEquals(test.troubles, []);
  }
});

Deno.test("damage: a damaged record in the log behind the checkpoint is reported, the records around it are replayed", async () => {
  await using before = await openTestSpool(newDirectory());
  for (const id of ["a", "b", "c"]) await accept(before.spool, envelope(id), contentOf(id, 1000));
  const directory = crashCopy(before.directory);
  const [segment] = segmentFiles(directory);
  const octets = await Deno.readFile(segment!);
  octets[FIRST_RECORD_OFFSET + 1800]! ^= 1;
  await Deno.writeFile(segment!, octets);
  await using test = await openTestSpool(directory);
  assertEquals(await takeIds(test, START), ["a", "c"]);
  assertEquals(test.damagedSegments.length, 1);
});

Deno.test("failing disk: a refused message is not delivered, charged or told of, now or after a crash; later ones are", async () => {
  using disk = new FailingDisk();
  await using test = await openTestSpool(newDirectory());
  const { spool, directory } = test;
  await accept(spool, envelope("before"), contentOf("before", 100));
  disk.failingSyncs = 1;
  await assertRejects(() => accept(spool, envelope("refused"), contentOf("refused", 100)), SpoolFailure);
  await accept(spool, envelope("after"), contentOf("after", 100));
  assertEquals(await takeIds(test, START), ["before", "after"]);
  const told: string[] = [];
  await using restarted = await openTestSpool(crashCopy(directory), {
    deliver: (items) => Promise.resolve(void told.push(...items.map(({ event }) => event.id))),
  });
  assertEquals((await takeIds(restarted, START)).sort(), ["after", "before"]);
  await restarted.outbox.drained();
  assertEquals(told.includes("refused"), false);
});

Deno.test("failing disk: the next file's void is enough where no checkpoint could be written", async () => {
  using disk = new FailingDisk();
  await using test = await openTestSpool(newDirectory());
  const { spool, directory } = test;
  await accept(spool, envelope("before"), contentOf("before", 100));
  const transaction = IndexStore.prototype.transaction;
  IndexStore.prototype.transaction = () => {
    throw new Error("database or disk is full, injected");
  };
  try {
    disk.failingSyncs = 1;
    await assertRejects(() => accept(spool, envelope("refused"), contentOf("refused", 100)), SpoolFailure);
    await accept(spool, envelope("after"), contentOf("after", 100));
    await nextTurn();
  } finally {
    IndexStore.prototype.transaction = transaction;
  }
  assertEquals(test.troubles.length, 1);
  const told: string[] = [];
  await using restarted = await openTestSpool(crashCopy(directory), {
    deliver: (items) => Promise.resolve(void told.push(...items.map(({ event }) => event.id))),
  });
  assertEquals((await takeIds(restarted, START)).sort(), ["after", "before"]);
  await restarted.outbox.drained();
  assertEquals(told.sort(), ["after", "before"]);
});

Deno.test("failing disk: an outcome that was not stored may be recorded again; with its DSN, once", async () => {
  using disk = new FailingDisk();
  await using test = await openTestSpool(newDirectory());
  const { spool, directory } = test;
  await accept(spool, envelope("m"), contentOf("m", 100));
  spool.take(START);
  const outcome = { messageId: "m", changes: [change("bounced")], events: [], dsn: dsnFor("m") };
  disk.failingSyncs = 1;
  await assertRejects(() => spool.record(outcome), SpoolFailure);
  await accept(spool, envelope("other"), contentOf("other", 10));
  // Whichever the disk kept: never the one without the other.
  const meanwhile = (await queuedAfterCrash(directory)).filter((id) => id !== "other");
  assertEquals(meanwhile.length, 1);
  await spool.record(outcome);
  spool.giveBack("m");
  assertEquals(await queuedAfterCrash(directory), ["dsn-m", "other"]);
  assertEquals((await takeIds(test, START)).sort(), ["dsn-m", "other"]);
});

Deno.test("failing disk: files that failed are removed when nothing in them is needed", async () => {
  using disk = new FailingDisk();
  await using test = await openTestSpool(newDirectory());
  for (let n = 0; n < 20; n++) {
    disk.failingSyncs = 1;
    await assertRejects(() => accept(test.spool, envelope(`m${n}`), contentOf(`m${n}`, 100)), SpoolFailure);
    await test.spool.checkpoint();
  }
  assert(segmentFiles(test.directory).length <= 4, `${segmentFiles(test.directory).length} files`);
});

Deno.test("failing index: what was acknowledged or ended stays so, whatever the index takes", async () => {
  const directory = newDirectory();
  const { put, delete: remove } = IndexStore.prototype;
  const fail = () => {
    throw new Error("database or disk is full, injected");
  };
  await using test = await openTestSpool(directory);
  const { spool } = test;
  for (const id of ["deferred", "ended"]) await accept(spool, envelope(id), contentOf(id, 100));
  await spool.checkpoint();
  await takeAll(test, START);
  IndexStore.prototype.put = fail;
  IndexStore.prototype.delete = fail;
  try {
    await spool.record({ messageId: "deferred", changes: [change("queued", START + SECOND)], events: [] });
    await spool.record({ messageId: "ended", changes: [change("delivered")], events: [] });
    spool.giveBack("deferred");
    spool.giveBack("ended");
    await assertRejects(() => spool.checkpoint());
    assertEquals(await queuedAfterCrashWith(put, remove, directory), ["deferred"]);
    assertEquals(spool.nextDueAt(), START + SECOND);
    assertEquals(spool.take(START + SECOND - 1), undefined);
    assertEquals(await readContent(spool.take(START + SECOND)!), contentOf("deferred", 100));
    spool.giveBack("deferred");
  } finally {
    IndexStore.prototype.put = put;
    IndexStore.prototype.delete = remove;
  }
  await spool.checkpoint();
  assertEquals(spool.count(), 1);
  assertEquals(await queuedAfterCrash(directory), ["deferred"]);
  assertEquals(await takeIds(test, START + SECOND), ["deferred"]);
});

async function queuedAfterCrashWith(
  put: IndexStore["put"],
  remove: IndexStore["delete"],
  directory: string,
): Promise<string[]> {
  const failing = { put: IndexStore.prototype.put, delete: IndexStore.prototype.delete };
  Object.assign(IndexStore.prototype, { put, delete: remove });
  try {
    return await queuedAfterCrash(directory);
  } finally {
    Object.assign(IndexStore.prototype, failing);
  }
}
