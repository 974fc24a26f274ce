import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { SpoolDamaged, SpoolFailure } from "../../../relay/spool/errors.ts";
import { DiskFaults } from "../../support/disk_faults.ts";
import {
  accept,
  change,
  contentOf,
  envelope,
  newDirectory,
  openTestSpool,
  queuedAfterCrash,
  readContent,
  START,
  state,
  takeAll,
  takeIds,
} from "../../support/spool_on_disk.ts";

const SECOND = 1000;
const LARGE = 300 * 1024;
const MIB = 1 << 20;

Deno.test("spool: an accepted message is taken once, with envelope, states and content; delivered, it is gone", async () => {
  await using test = await openTestSpool(newDirectory());
  const { spool } = test;
  const message = envelope("m", { recipients: ["bob@example.net", "carol@example.com"] });
  await accept(spool, message, contentOf("m", 5000));
  assertEquals(spool.nextDueAt(), 0);
  const taken = spool.take(START)!;
  assertEquals(taken.envelope, message);
  assertEquals(
    taken.recipients,
    message.recipients.map(() => ({
      status: "queued",
      attempts: 0,
      dueAt: START,
      lastReply: null,
      delayReported: false,
    })),
  );
  assertEquals(await readContent(taken), contentOf("m", 5000));
  assertEquals(spool.take(START), undefined);
  assertEquals(spool.nextDueAt(), undefined);
  const changes = [change("delivered"), change("bounced", 0, 1)];
  await spool.record({ messageId: "m", changes, events: [] });
  spool.giveBack("m");
  assertEquals(spool.take(Infinity), undefined);
  assertEquals(spool.count(), 0);
  assertEquals(await queuedAfterCrash(test.directory), []);
});

Deno.test("spool: whoever waits hears of a message that became available", async () => {
  await using test = await openTestSpool(newDirectory());
  let heard = 0;
  test.spool.onAvailable(() => heard++);
  await accept(test.spool, envelope("m"), contentOf("m", 10));
  assert(heard > 0);
});

Deno.test("spool: a deferred message is due at its earliest queued recipient, and keeps its states", async () => {
  await using test = await openTestSpool(newDirectory());
  const { spool } = test;
  const recipients = ["a@example.net", "b@example.net", "c@example.net"];
  await accept(spool, envelope("m", { recipients }), contentOf("m", 10));
  spool.take(START);
  const changes = [
    change("queued", START + 9 * SECOND),
    change("queued", START + 5 * SECOND, 1),
    change("delivered", START, 2),
  ];
  await spool.record({ messageId: "m", changes, events: [] });
  spool.giveBack("m");
  assertEquals(spool.nextDueAt(), START + 5 * SECOND);
  assertEquals(await takeAll(test, START + 5 * SECOND - 1), []);
  const [again] = await takeAll(test, START + 5 * SECOND);
  assertEquals(again!.recipients, changes.map(({ state }) => state));
  assertEquals(await readContent(again!), contentOf("m", 10));
});

Deno.test("spool: only what was taken is recorded or given back", async () => {
  await using test = await openTestSpool(newDirectory());
  const { spool } = test;
  await accept(spool, envelope("m"), contentOf("m", 10));
  await assertRejects(() => spool.record({ messageId: "m", changes: [], events: [] }), TypeError);
  await assertRejects(() => spool.record({ messageId: "x", changes: [], events: [] }), TypeError);
  spool.giveBack("m");
  assertEquals(await takeIds(test, START), ["m"]);
});

Deno.test("spool: giving back waits for the outcomes on their way to the disk", async () => {
  await using test = await openTestSpool(newDirectory());
  const { spool } = test;
  await accept(spool, envelope("m"), contentOf("m", 10));
  spool.take(START);
  const recorded = spool.record({ messageId: "m", changes: [change("delivered")], events: [] });
  spool.giveBack("m");
  assertEquals(spool.take(Infinity), undefined);
  await recorded;
  assertEquals(spool.count(), 0);
});

Deno.test("restart: the queue, its states, due times and the node's name are as before", async () => {
  const directory = newDirectory();
  {
    await using test = await openTestSpool(directory);
    for (const id of ["a", "b", "c"]) await accept(test.spool, envelope(id), contentOf(id, 3000));
    await takeAll(test, START);
    await test.spool.record({ messageId: "a", changes: [change("delivered")], events: [] });
    await test.spool.record({ messageId: "b", changes: [change("queued", START + SECOND)], events: [] });
    for (const id of ["a", "b", "c"]) test.spool.giveBack(id);
  }
  await using test = await openTestSpool(directory);
  assertEquals(test.recovered, { messages: 2, replayedRecords: 0 });
  assertEquals(test.nodeId, "node");
  assertEquals(await takeIds(test, START), ["c"]);
  const [b] = await takeAll(test, START + SECOND);
  assertEquals(b!.recipients, [state("queued", START + SECOND)]);
  assertEquals(await readContent(b!), contentOf("b", 3000));
  assertEquals(test.damagedSegments, []);
});

Deno.test("large: the content has a file, is read back the same, and the file goes with the message", async () => {
  const directory = newDirectory();
  const path = join(directory, "large", "m");
  {
    await using test = await openTestSpool(directory);
    await accept(test.spool, envelope("m"), contentOf("m", LARGE));
    assertEquals(await readContent(test.spool.take(START)!), contentOf("m", LARGE));
    assertEquals((await Deno.stat(path)).size, LARGE);
  }
  await using test = await openTestSpool(directory);
  const [message] = await takeAll(test, START);
  assertEquals(await readContent(message!), contentOf("m", LARGE));
  await test.spool.record({ messageId: "m", changes: [change("delivered")], events: [] });
  test.spool.giveBack("m");
  await test.close();
  await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  assertEquals(test.troubles, []);
});

Deno.test("large: a draft that is given up leaves no file; files without a message are removed at start", async () => {
  const directory = newDirectory();
  {
    await using test = await openTestSpool(directory);
    const draft = test.spool.draft("given-up", 0);
    await draft.write(contentOf("given-up", LARGE));
    await draft.discard();
    await test.spool.draft("lost", 0).write(contentOf("lost", 10)); // stays in memory
    await accept(test.spool, envelope("kept"), contentOf("kept", LARGE));
    await Deno.writeFile(join(directory, "large", "orphan"), contentOf("orphan", 100));
  }
  await using _test = await openTestSpool(directory);
  assertEquals([...Deno.readDirSync(join(directory, "large"))].map(({ name }) => name), ["kept"]);
});

Deno.test("large: the content goes to the disk in parts as it comes", async () => {
  await using test = await openTestSpool(newDirectory());
  using disk = new DiskFaults();
  const draft = test.spool.draft("m", 0), content = contentOf("m", 9 * MIB);
  for (let at = 0; at < content.length; at += MIB) await draft.write(content.subarray(at, at + MIB));
  assertEquals(disk.dataSyncs, 2);
  await test.spool.accept(envelope("m"), draft);
  assertEquals(await readContent(test.spool.take(START)!), content);
});

// Nothing is accepted before: the file for the log's next segment would be made meanwhile, and its calls counted.
Deno.test("large: content of which the disk does not take a part is refused, and leaves no file", async () => {
  await using test = await openTestSpool(newDirectory());
  using disk = new DiskFaults();
  disk.failingFile = 3; // the file is made, and written, and then synced
  const draft = test.spool.draft("m", 0);
  await assertRejects(async () => await draft.write(contentOf("m", 9 * MIB)), Error, "EIO");
  await draft.discard();
  assertEquals([...Deno.readDirSync(join(test.directory, "large"))], []);
});

Deno.test("large: content that was changed on the disk is never read to its end; one that is cut off is set aside", async () => {
  const directory = newDirectory();
  {
    await using test = await openTestSpool(directory);
    for (const id of ["changed", "cut"]) await accept(test.spool, envelope(id), contentOf(id, LARGE));
  }
  const octets = contentOf("changed", LARGE);
  octets[LARGE - 1]! ^= 1;
  await Deno.writeFile(join(directory, "large", "changed"), octets);
  await Deno.truncate(join(directory, "large", "cut"), LARGE - 1);
  await using test = await openTestSpool(directory);
  const [message, ...others] = await takeAll(test, START);
  assertEquals(others, []);
  await assertRejects(() => readContent(message!), SpoolDamaged);
  assertEquals(test.damagedMessages.map(({ id }) => id), ["cut"]);
});

Deno.test("closing: what comes too late is refused, and all is in the index", async () => {
  const directory = newDirectory();
  const test = await openTestSpool(directory);
  const inTime = Array.from({ length: 10 }, (_, n) => {
    const draft = test.spool.draft(`m${n}`, 0);
    draft.write(contentOf(`m${n}`, 100));
    return test.spool.accept(envelope(`m${n}`), draft);
  });
  const closed = test.close();
  await Promise.all(inTime);
  await assertRejects(() => accept(test.spool, envelope("late"), contentOf("late", 100)), SpoolFailure);
  await closed;
  await using again = await openTestSpool(directory);
  assertEquals(again.recovered, { messages: 10, replayedRecords: 0 });
  await assertRejects(() => Array.fromAsync(test.spool.entries())); // its index is closed
});
