/**
 * Question: how long does one of the operator's jobs take over a long queue, and for how long at a time does it keep the
 *   node's thread from anything else?
 * Unit: messages a second; ms between two turns of the event loop, p99 and longest.
 * Workload: a spool of N small messages (default 100,000) of 50 accounts to 200 domains, all in the index; then a
 *   summary, a list of one domain, a hold of one account in fifty, a hold of all, a release of all.
 * Machine: any; the figures of one run compare with each other.
 *
 *     deno run -A tests/bench/queue_jobs.ts [messages]
 */
import type { QueueJob } from "../../api/client.ts";
import { Job } from "../../relay/queue_jobs/job.ts";
import { accept, change, contentOf, envelope, newDirectory, openTestSpool, START } from "../support/spool_on_disk.ts";

const MESSAGES = Number(Deno.args[0] ?? 100_000);
const AT_ONCE = 256;
const SEGMENT_BYTES = 32 << 20;
const LATER = START + 3_600_000;

const test = await openTestSpool(newDirectory(), { segmentBytes: SEGMENT_BYTES });
const { spool } = test;
for (let at = 0; at < MESSAGES; at += AT_ONCE) {
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, MESSAGES - at) }, async (_, n) => {
    const id = `m${String(at + n).padStart(8, "0")}`;
    const account = `account${(at + n) % 50}`, recipients = [`bob@domain${(at + n) % 200}.test`];
    await accept(spool, envelope(id, { account, recipients }), contentOf(id, 500));
  }));
  // Each is tried and deferred, as for a dead destination.
  for (let message = spool.take(START); message !== undefined; message = spool.take(START)) {
    const { id } = message.envelope;
    await spool.record({ messageId: id, changes: [change("queued", LATER)], events: [] });
    spool.giveBack(id);
  }
}
await spool.checkpoint();
console.log(`${spool.count()} messages, ${spool.loadedMessages} of them in memory`);

const row = (...cells: string[]) => console.log(cells.map((cell) => cell.padStart(14)).join(""));
row("work", "messages", "seconds", "a second", "p99 ms", "longest ms");
await run("summary", {});
await run("list", { domain: "domain7.test" });
await run("hold", { account: "account7" });
await run("hold", {});
await run("release", {});
await test.close();

async function run(work: QueueJob["work"], select: QueueJob["select"]): Promise<void> {
  const gaps: number[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
  }, 0);
  const began = performance.now();
  const job = new Job({ id: "job", work, select, reason: null, limit: 50, orderedAgoMs: 0 }, {
    spool,
    retryDestinations: () => {},
    suspended: () => [],
    returned: () => Promise.reject(new Error("nothing is returned here")),
    now: () => LATER,
    newId: () => crypto.randomUUID(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
  await job.finished;
  clearInterval(timer);
  const { seen, done, trouble } = job.progress;
  if (trouble !== null) throw new Error(trouble);
  const seconds = (performance.now() - began) / 1000;
  const sorted = gaps.toSorted((one, other) => one - other);
  const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
  const per = Math.round(seen / seconds).toLocaleString("en-US");
  row(work, String(done || seen), seconds.toFixed(2), per, p99.toFixed(1), (sorted.at(-1) ?? 0).toFixed(1));
}
