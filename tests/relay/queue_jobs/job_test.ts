/** The operator's jobs over a real spool: what they find, do, wait for, and leave alone. */
import { assert, assertEquals } from "@std/assert";
import type { NodeEvent, QueueJob } from "../../../api/client.ts";
import { Job, type JobParts } from "../../../relay/queue_jobs/job.ts";
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
  segmentFiles,
  START,
  takeAll,
  takeIds,
  type TestSpool,
} from "../../support/spool_on_disk.ts";

/** Messages come at START; the orders that the tests give, a second later. */
const LATER = START + 1000;

function ordered(work: QueueJob["work"], select: QueueJob["select"] = {}, more: Partial<QueueJob> = {}): QueueJob {
  return { ...{ id: "job", work, select, reason: null, limit: 50, orderedAgoMs: 0 }, ...more };
}

function begin(test: TestSpool, job: QueueJob, more: Partial<JobParts> = {}) {
  let ids = 0;
  const retried = { times: 0 };
  const running = new Job(job, {
    spool: test.spool,
    retryDestinations: () => void retried.times++,
    suspended: () => [],
    returned: () => Promise.reject(new Error("nothing is returned here")),
    now: () => LATER,
    newId: () => `event-${ids++}`,
    sleep: nextTurn,
    ...more,
  });
  return { running, retried };
}

async function done(test: TestSpool, job: QueueJob) {
  const { running } = begin(test, job);
  await running.finished;
  return running.progress;
}

async function queue({ spool }: TestSpool, id: string, more: Parameters<typeof envelope>[1] = {}): Promise<void> {
  await accept(spool, envelope(id, more), contentOf(id, 50));
}

Deno.test("hold: nothing of it is taken, until it is released; both stand in the history", async () => {
  const events: NodeEvent[] = [];
  await using test = await openTestSpool(newDirectory(), {
    deliver: (items) => Promise.resolve(void events.push(...items.map(({ event }) => event))),
  });
  for (const id of ["m1", "m2", "m3"]) await queue(test, id);
  const held = await done(test, ordered("hold", { ids: ["m1", "m3"] }, { reason: "spam?" }));
  assertEquals([held.done, held.ended, held.trouble], [2, true, null]);
  assertEquals(await takeIds(test, START), ["m2"]);
  assertEquals((await done(test, ordered("release", { ids: ["m1", "m3"] }))).done, 2);
  assertEquals((await takeIds(test, LATER)).sort(), ["m1", "m3"]);
  await test.outbox.drained();
  const told = events.flatMap((event) => "reason" in event ? [`${event.type} ${event.messageId} ${event.reason}`] : []);
  assertEquals(told.sort(), ["held m1 spam?", "held m3 spam?", "released m1 null", "released m3 null"]);
});

Deno.test("hold: it stands through a crash, whether the index had it or not", async () => {
  await using test = await openTestSpool(newDirectory());
  await queue(test, "m1");
  await test.spool.checkpoint();
  await queue(test, "m2");
  await done(test, ordered("hold"));
  await using after = await openTestSpool(crashCopy(test.directory));
  assertEquals(await takeIds(after, START + 365 * 86_400_000), []);
  assertEquals(after.spool.count(), 2);
  assertEquals((await done(after, ordered("release"))).done, 2);
  assertEquals((await takeIds(after, LATER)).sort(), ["m1", "m2"]);
});

Deno.test("hold of a domain: the other recipients of the message are delivered", async () => {
  await using test = await openTestSpool(newDirectory());
  await queue(test, "m", { recipients: ["a@one.test", "b@two.test"] });
  await done(test, ordered("hold", { domain: "one.test" }));
  const [message] = await takeAll(test, START);
  assertEquals(message!.recipients.map(({ status }) => status), ["held", "queued"]);
  await test.spool.record({ messageId: "m", changes: [change("delivered", 0, 1)], events: [] });
  test.spool.giveBack("m");
  assertEquals(await takeIds(test, START + 86_400_000), []);
  assertEquals(test.spool.count(), 1);
});

Deno.test("delete: it is gone, its room is free, and a crash does not bring it back", async () => {
  await using test = await openTestSpool(newDirectory());
  for (const id of ["m1", "m2"]) await queue(test, id);
  await test.spool.checkpoint();
  assertEquals((await done(test, ordered("delete", { sender: "ALICE@example.org" }))).done, 2);
  assertEquals(test.spool.count(), 0);
  await using after = await openTestSpool(crashCopy(test.directory));
  assertEquals(after.spool.count(), 0);
});

Deno.test("retry: what was deferred is due now, and destinations are tried again", async () => {
  await using test = await openTestSpool(newDirectory());
  await queue(test, "m");
  test.spool.take(START);
  await test.spool.record({ messageId: "m", changes: [change("queued", START + 1e6)], events: [] });
  test.spool.giveBack("m");
  assertEquals(await takeIds(test, START), []);
  const { running, retried } = begin(test, ordered("retry"));
  await running.finished;
  assertEquals(retried.times, 1);
  assertEquals(await takeIds(test, LATER), ["m"]);
});

Deno.test("what is in delivery is waited for: it is held when it comes back", async () => {
  await using test = await openTestSpool(newDirectory());
  await queue(test, "m");
  test.spool.take(START);
  const asked = Promise.withResolvers<void>();
  const { running } = begin(test, ordered("hold"), {
    async sleep() {
      asked.resolve();
      await nextTurn();
    },
  });
  await asked.promise;
  assertEquals([running.progress.busy, running.progress.ended], [1, false]);
  await test.spool.record({ messageId: "m", changes: [change("queued", START + 5)], events: [] });
  test.spool.giveBack("m");
  await running.finished;
  assertEquals([running.progress.busy, running.progress.done], [0, 1]);
  assertEquals(await takeIds(test, START + 86_400_000), []);
});

Deno.test("what stays in delivery is given up in the end, and counted", async () => {
  await using test = await openTestSpool(newDirectory());
  await queue(test, "m");
  test.spool.take(START);
  const { busy, done: changed, ended } = await done(test, ordered("delete"));
  assertEquals([busy, changed, ended], [1, 0, true]);
  assertEquals(test.spool.count(), 1);
});

Deno.test("called off: it ends, and what was done stays done", async () => {
  await using test = await openTestSpool(newDirectory());
  for (let n = 0; n < 1500; n++) await queue(test, `m${String(n).padStart(4, "0")}`);
  const { running } = begin(test, ordered("hold"));
  while (running.progress.seen === 0) await nextTurn();
  running.callOff();
  await running.finished;
  const { seen, done: held } = running.progress;
  assert(seen < 1500, `all ${seen} were seen`);
  assertEquals(1500 - (await takeIds(test, START)).length, held);
});

Deno.test("list: the oldest first, at most as many as asked for, from memory and index alike", async () => {
  await using test = await openTestSpool(newDirectory());
  for (let n = 0; n < 30; n++) await queue(test, `m${n}`, { receivedAt: START - n });
  test.spool.take(START);
  await test.spool.checkpoint();
  const { list } = await done(test, ordered("list", {}, { limit: 3 }));
  assertEquals(list!.map(({ id }) => id), ["m29", "m28", "m27"]);
  const { list: one } = await done(test, ordered("list", { ids: ["m0"] }));
  assertEquals(one, [{
    id: "m0",
    account: "alice",
    sender: "alice@example.org",
    receivedAt: START,
    sizeBytes: 100,
    inDelivery: true,
    recipients: [{ address: "bob@example.net", status: "queued", attempts: 0, nextAttemptAt: START, lastReply: null }],
  }]);
});

Deno.test("list: a message of many recipients shows the first ten that wait; by its id, all", async () => {
  await using test = await openTestSpool(newDirectory());
  const recipients = Array.from({ length: 30 }, (_, n) => `r${n}@example.net`);
  await queue(test, "m", { recipients });
  test.spool.take(START);
  await test.spool.record({ messageId: "m", changes: [change("delivered", 0, 0)], events: [] });
  test.spool.giveBack("m");
  const { list } = await done(test, ordered("list"));
  assertEquals(list![0]!.recipients.map(({ address }) => address), recipients.slice(1, 11));
  assertEquals((await done(test, ordered("list", { ids: ["m"] }))).list![0]!.recipients.length, 30);
});

Deno.test("what a disk does not take is tried again, and the rest goes on", async () => {
  await using test = await openTestSpool(newDirectory());
  for (const id of ["m1", "m2", "m3"]) await queue(test, id);
  const { record } = test.spool;
  let failures = 3;
  test.spool.record = function (outcome) {
    return outcome.messageId === "m2" && failures-- > 0
      ? Promise.reject(new Error("no space left"))
      : record.call(this, outcome);
  };
  const { trouble, ended, done: changed, busy } = await done(test, ordered("delete"));
  assertEquals([trouble, ended, changed, busy], [null, true, 3, 0]);
  assertEquals(test.spool.count(), 0);
});

Deno.test("a disk that never takes it ends the job with what is wrong; the message stays", async () => {
  await using test = await openTestSpool(newDirectory());
  for (const id of ["m1", "m2"]) await queue(test, id);
  const { record } = test.spool;
  test.spool.record = function (outcome) {
    return outcome.messageId === "m1" ? Promise.reject(new Error("no space left")) : record.call(this, outcome);
  };
  const { trouble, ended, done: changed, busy } = await done(test, ordered("delete"));
  assertEquals([trouble, ended, changed, busy], ["no space left", true, 1, 1]);
  assertEquals(await takeIds(test, START), ["m1"]);
});

Deno.test("what was accepted after the order is not meant: neither new mail nor what the job itself makes", async () => {
  await using test = await openTestSpool(newDirectory());
  await queue(test, "old");
  await queue(test, "new", { receivedAt: LATER - 500 });
  const { done: deleted } = await done(test, ordered("delete", { account: "alice" }, { orderedAgoMs: 600 }));
  assertEquals([deleted, await takeIds(test, LATER)], [1, ["new"]]);
});

Deno.test("bounce: each sender is told, also where the DSNs come into the index while the job goes on", async () => {
  await using test = await openTestSpool(newDirectory());
  const COUNT = 2000;
  await Promise.all(Array.from({ length: COUNT }, (_, n) => queue(test, `m${String(n).padStart(5, "0")}`)));
  let dsns = 0;
  const { running } = begin(test, ordered("bounce"), {
    // A DSN sorts behind what it is about.
    returned: ({ envelope: { id } }) =>
      Promise.resolve({
        ...{ messageId: id, changes: [change("bounced")], events: [] },
        dsn: { ...dsnFor(id), envelope: { ...envelope(`n${dsns++}`, { reversePath: "", receivedAt: LATER }) } },
      }),
  });
  await running.finished;
  assertEquals([running.progress.done, dsns, test.spool.count()], [COUNT, COUNT, COUNT]);
});

Deno.test("damaged: counted in the summary, and listed nowhere", async () => {
  await using test = await openTestSpool(newDirectory());
  for (const id of ["m1", "m2"]) await queue(test, id);
  await test.close();
  const [segment] = segmentFiles(test.directory);
  const octets = Deno.readFileSync(segment!);
  const at = octets.indexOf(contentOf("m1", 50)[0]!, 200);
  octets[at]! ^= 1;
  Deno.writeFileSync(segment!, octets);
  await using after = await openTestSpool(test.directory);
  await takeAll(after, START);
  const [damaged] = after.damagedMessages;
  const { summary } = await done(after, ordered("summary"));
  assertEquals([summary!.messages, summary!.damaged, damaged !== undefined], [1, 1, true]);
  assertEquals((await done(after, ordered("list"))).list!.length, 1);
});
