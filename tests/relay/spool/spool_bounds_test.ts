import { assert, assertEquals } from "@std/assert";
import {
  accept,
  change,
  contentOf,
  envelope,
  finish,
  newDirectory,
  openTestSpool,
  readContent,
  segmentFiles,
  START,
  takeAll,
  type TestSpool,
} from "../../support/spool_on_disk.ts";

const SECOND = 1000;

Deno.test("memory: what is over waits in the index, and each is taken once", async () => {
  await using test = await openTestSpool(newDirectory(), { segmentBytes: 8 << 20 });
  const { spool } = test;
  const ids = Array.from({ length: 5000 }, (_, n) => `m${n}`);
  await Promise.all(ids.map((id, n) => accept(spool, envelope(id, { receivedAt: START + n }), contentOf(id, 20))));
  assert(spool.loadedMessages < 4096);
  assertEquals(spool.count(), ids.length);
  const seen: string[] = [];
  while (seen.length < ids.length) {
    const [message] = await takeSome(test);
    seen.push(message!.envelope.id);
    await finish(test, message!.envelope.id);
  }
  assertEquals(spool.count(), 0);
  assertEquals(seen.toSorted(), ids.toSorted());
});

Deno.test("memory: what waits in the index gets its turn although new messages never cease", async () => {
  await using test = await openTestSpool(newDirectory(), { segmentBytes: 8 << 20 });
  const { spool } = test;
  await accept(spool, envelope("old"), contentOf("old", 20));
  spool.take(START);
  spool.giveBack("old");
  let rounds = 0;
  for (let id = ""; id !== "old"; rounds++) {
    await accept(spool, envelope(`new${2 * rounds}`), contentOf("new", 20));
    await accept(spool, envelope(`new${2 * rounds + 1}`), contentOf("new", 20));
    id = spool.take(START)!.envelope.id;
    await finish(test, id);
    assert(rounds < 1000);
  }
});

Deno.test("memory: contents beyond what is allowed are read when they are wanted", async () => {
  await using test = await openTestSpool(newDirectory(), { segmentBytes: 32 << 20 });
  const { spool } = test;
  const octets = 250 * 1024, count = 300; // 73 MiB
  const ids = Array.from({ length: count }, (_, n) => `m${n}`);
  for (const id of ids) await accept(spool, envelope(id), contentOf(id, octets));
  const messages = await takeAll(test, START);
  assertEquals(messages.length, count);
  for (const message of messages) {
    const content = await readContent(message);
    assertEquals(content.subarray(0, 64), contentOf(message.envelope.id, 64));
    assertEquals(content.length, octets);
  }
});

Deno.test("memory: little content of a message that declared much takes little", async () => {
  await using test = await openTestSpool(newDirectory());
  const draft = test.spool.draft("m", 256 * 1024);
  await draft.write(contentOf("m", 100));
  const content = draft.take();
  assertEquals(content, contentOf("m", 100));
  assertEquals(content.buffer.byteLength, 100);
});

Deno.test("memory: what two drafts gather by turns, in any order of sizes, is each one's own", async () => {
  await using test = await openTestSpool(newDirectory());
  const sizes = [100, 20_000, 90_000, 15_000, 200_000];
  for (const first of sizes) {
    for (const second of sizes) {
      const drafts = [["one", first], ["two", second]].map(([id, octets]) => {
        const content = contentOf(`${id}`, Number(octets));
        return { draft: test.spool.draft(`${id}`, 0), content };
      });
      for (let at = 0; at < Math.max(first, second); at += 7000) {
        for (const { draft, content } of drafts) await draft.write(content.subarray(at, at + 7000));
      }
      const [one, two] = drafts.map(({ draft }) => draft.take());
      const given = test.spool.draft("three", 0);
      await given.write(contentOf("three", 256 * 1024));
      assertEquals(one, drafts[0]!.content);
      assertEquals(two, drafts[1]!.content);
      await given.discard();
    }
  }
});

Deno.test("space: segments are used again when their messages have ended and a checkpoint is past them", async () => {
  await using test = await openTestSpool(newDirectory(), { segmentBytes: 64 * 1024 });
  const { spool, directory } = test;
  await accept(spool, envelope("old"), contentOf("old", 20_000));
  spool.take(START);
  await spool.record({ messageId: "old", changes: [change("queued", START + SECOND)], events: [] });
  spool.giveBack("old");
  for (let n = 0; n < 100; n++) {
    await accept(spool, envelope(`m${n}`), contentOf(`m${n}`, 20_000));
    await finish(test, spool.take(START)!.envelope.id);
    if (n % 3 === 2) await spool.checkpoint(); // a slow disk's may be several segments behind
  }
  assert(segmentFiles(directory).length <= 6, `${segmentFiles(directory).length} files`);
  const [old] = await takeAll(test, START + SECOND);
  assertEquals(await readContent(old!), contentOf("old", 20_000));
  assertEquals(test.troubles, []);
});

Deno.test("space: many restarts do not add files while nothing is queued", async () => {
  const directory = newDirectory();
  for (let n = 0; n < 8; n++) {
    await using test = await openTestSpool(directory);
    await accept(test.spool, envelope(`m${n}`), contentOf(`m${n}`, 20));
    await finish(test, test.spool.take(START)!.envelope.id);
  }
  assert(segmentFiles(directory).length <= 3, `${segmentFiles(directory).length} files`);
});

/** At least one message that is due, waiting for it to be loaded. */
async function takeSome(test: TestSpool) {
  while (true) {
    const available = Promise.withResolvers<void>();
    test.spool.onAvailable(() => available.resolve());
    const message = test.spool.take(Infinity);
    if (message !== undefined) return [message];
    await available.promise;
  }
}
