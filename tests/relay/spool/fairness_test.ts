import { assert, assertEquals } from "@std/assert";
import {
  accept,
  change,
  contentOf,
  envelope,
  finish,
  newDirectory,
  openTestSpool,
  START,
  takeIds,
  type TestSpool,
} from "../../support/spool_on_disk.ts";

const LATER = START + 1000;
const MANY = 10_000;

async function queueMany({ spool }: TestSpool, account: string, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, n) => `${account}${n}`);
  await Promise.all(ids.map((id) => accept(spool, envelope(id, { account }), contentOf(id, 20))));
}

/** The accounts of the next messages, each of which is delivered. */
async function deliver(test: TestSpool, count: number, now = START): Promise<string[]> {
  const accounts: string[] = [];
  let available = Promise.withResolvers<void>();
  test.spool.onAvailable(() => available.resolve());
  while (accounts.length < count) {
    available = Promise.withResolvers<void>();
    const message = test.spool.take(now);
    if (message === undefined) {
      await available.promise;
      continue;
    }
    accounts.push(message.envelope.account);
    await finish(test, message.envelope.id);
  }
  return accounts;
}

Deno.test("fairness: accounts have their turns one after another, each in its own order", async () => {
  await using test = await openTestSpool(newDirectory());
  for (const id of ["a1", "a2", "a3", "b1", "b2", "c1"]) {
    await accept(test.spool, envelope(id, { account: id[0]! }), contentOf(id, 20));
  }
  const ids = Array.from({ length: 6 }, () => test.spool.take(START)!.envelope.id);
  assertEquals(ids, ["a1", "b1", "c1", "a2", "b2", "a3"]);
});

Deno.test("fairness: an account that may not have more in hand is passed over, not waited for", async () => {
  await using test = await openTestSpool(newDirectory());
  for (const id of ["a1", "a2", "b1"]) await accept(test.spool, envelope(id, { account: id[0]! }), contentOf(id, 20));
  assertEquals(test.spool.take(START, (account) => account !== "a")?.envelope.id, "b1");
  assertEquals(test.spool.take(START, (account) => account !== "a"), undefined);
  assertEquals(test.spool.take(START)?.envelope.id, "a1");
});

Deno.test("fairness: a message that comes behind another account's 10,000 is the next or the one after", async () => {
  await using test = await openTestSpool(newDirectory(), { segmentBytes: 8 << 20 });
  await queueMany(test, "many", MANY);
  assert(test.spool.loadedMessages < 4096);
  await accept(test.spool, envelope("one", { account: "few" }), contentOf("one", 20));
  assert((await deliver(test, 2)).includes("few"));
});

Deno.test("fairness: after a restart, too, it does not wait for 10,000 that are older", async () => {
  const directory = newDirectory();
  {
    await using test = await openTestSpool(directory, { segmentBytes: 8 << 20 });
    await queueMany(test, "many", MANY);
    await accept(test.spool, envelope("one", { account: "few" }), contentOf("one", 20));
  }
  await using test = await openTestSpool(directory, { segmentBytes: 8 << 20 });
  // One go of loading may bring others first.
  assert((await deliver(test, 130)).includes("few"));
});

Deno.test("fairness: what an account has in memory leaves room for the others, and all of it is delivered", async () => {
  await using test = await openTestSpool(newDirectory(), { segmentBytes: 8 << 20 });
  await queueMany(test, "many", 3000);
  for (let taken; (taken = test.spool.take(START)) !== undefined;) {
    const { id } = taken.envelope;
    await test.spool.record({ messageId: id, changes: [change("queued", LATER)], events: [] });
    test.spool.giveBack(id);
  }
  for (let n = 0; n < 20; n++) await queueMany(test, `few${n}`, 10);
  const accounts = await deliver(test, 3200, LATER);
  assertEquals(test.spool.count(), 0);
  const last = accounts.findLastIndex((account) => account !== "many");
  assert(last < 1000, `the last message of the others was the ${last}th`);
});

Deno.test("fairness: what may wait stays in the index until its time, and does not keep others from their turn", async () => {
  const directory = newDirectory();
  await using test = await openTestSpool(directory);
  const ids = Array.from({ length: 300 }, (_, n) => `m${n}`);
  for (const id of [...ids, "other"]) {
    await accept(test.spool, envelope(id, { recipients: [`${id}@${id}.test`] }), contentOf(id, 20));
    await test.spool.claim(id);
    await test.spool.record({ messageId: id, changes: [change("queued", START)], events: [] });
    test.spool.giveBack(id);
  }
  const take = () =>
    test.spool.take(LATER, undefined, ({ domains: [domain] }) => domain === "other.test" ? undefined : 2 * LATER);
  const taken: string[] = [];
  while (test.spool.nextDueAt() !== 2 * LATER) {
    const available = Promise.withResolvers<void>();
    test.spool.onAvailable(() => available.resolve());
    const message = take();
    if (message !== undefined) taken.push(message.envelope.id);
    else if ((test.spool.nextDueAt() ?? 0) <= LATER) await available.promise;
  }
  assertEquals([taken, test.spool.loadedMessages, test.spool.count()], [["other"], 1, 301]);
  assertEquals((await takeIds(test, 2 * LATER)).sort(), ids.toSorted());
});

Deno.test("fairness: what waits for domains that are back is due at once, and nothing else is", async () => {
  await using test = await openTestSpool(newDirectory());
  const ids = Array.from({ length: 600 }, (_, n) => `m${n}`);
  for (const [n, id] of ids.entries()) {
    const domain = n % 2 === 0 ? "back.test" : "other.test";
    await accept(test.spool, envelope(id, { recipients: [`${id}@${domain}`] }), contentOf(id, 20));
    await test.spool.claim(id);
    const dueAt = LATER + 1000 * Math.floor(n / 100);
    await test.spool.record({ messageId: id, changes: [change("queued", dueAt)], events: [] });
    test.spool.giveBack(id);
  }
  test.spool.hasten(new Set(["back.test"]));
  const due = ids.filter((_, n) => n % 2 === 0);
  const taken: string[] = [];
  while (taken.length < due.length) {
    const available = Promise.withResolvers<void>();
    test.spool.onAvailable(() => available.resolve());
    const message = test.spool.take(START);
    if (message === undefined) await available.promise;
    else taken.push(message.envelope.id);
  }
  assertEquals(taken.toSorted(), due.toSorted());
  assertEquals(await takeIds(test, START), []);
});
