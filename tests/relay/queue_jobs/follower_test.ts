/** A shard and the control plane: which jobs run beside each other, and what comes of an answer that is refused. */
import { assertEquals } from "@std/assert";
import type { QueueInstructions, QueueJob, QueueReport } from "../../../api/client.ts";
import { QueueFollower } from "../../../relay/queue_jobs/follower.ts";
import { IDLE_NODE } from "../../support/node_load.ts";
import { accept, contentOf, envelope, newDirectory, openTestSpool, START } from "../../support/spool_on_disk.ts";

type Report = Omit<QueueReport, "node">;

const job = (id: string, work: QueueJob["work"]): QueueJob => (
  { id, work, select: {}, reason: null, limit: 50, orderedAgoMs: 0 }
);

/** Hears reports until `enough`; `answer` says what the control plane makes of each. */
async function follow(
  answer: (report: Report) => QueueInstructions | null,
  enough: (reports: readonly Report[]) => boolean,
): Promise<Report[]> {
  await using test = await openTestSpool(newDirectory());
  for (let n = 0; n < 300; n++) {
    const id = `m${n}`;
    await accept(test.spool, envelope(id), contentOf(id, 10));
  }
  const reports: Report[] = [];
  const over = Promise.withResolvers<void>();
  await using follower = new QueueFollower({
    spool: test.spool,
    controlPlane: {
      queue: (report) => {
        reports.push(report);
        if (enough(reports)) over.resolve();
        return Promise.resolve(answer(report));
      },
    },
    region: "eu",
    number: 0,
    onDraining: () => {},
    isDraining: () => false,
    load: () => IDLE_NODE,
    onTrouble: (error) => over.reject(error),
    onNews: () => {},
    retryDestinations: () => {},
    suspended: () => [],
    returned: () => Promise.reject(new Error("nothing is returned here")),
    now: () => START + 1,
    version: "1.2.3",
    clock: { comparison: null, heard: () => {} },
    monotonic: () => 0,
    newId: () => crypto.randomUUID(),
    sleep: () => Promise.resolve(),
  });
  await follower.heard;
  await over.promise;
  return reports;
}

Deno.test("jobs that change something run one after another, in the order of the orders; questions beside them", async () => {
  const jobs = [job("1", "hold"), job("2", "summary"), job("3", "release")];
  const open = new Set(jobs.map(({ id }) => id));
  const reports = await follow(
    ({ progress }) => {
      for (const { job, ended } of progress) if (ended) open.delete(job);
      return { now: START, draining: false, jobs: jobs.filter(({ id }) => open.has(id)) };
    },
    () => open.size === 0,
  );
  const [, first] = reports;
  assertEquals(first!.progress.map(({ job }) => job), ["1", "2"]);
  const release = reports.flatMap(({ progress }) => progress).findLast(({ job }) => job === "3")!;
  assertEquals([release.done, release.ended], [300, true]);
});

Deno.test("an answer that is refused is told of without what it says, and the shard stays in touch", async () => {
  const reports = await follow(
    ({ progress }) => {
      if (progress.some(({ list }) => list !== null)) return null;
      return { now: START, draining: false, jobs: progress.some(({ ended }) => ended) ? [] : [job("1", "list")] };
    },
    (all) => all.some(({ progress }) => progress.some(({ ended, list }) => ended && list === null)),
  );
  const { trouble, list } = reports.at(-1)!.progress[0]!;
  assertEquals([trouble, list], ["the control plane refused the answer", null]);
});
