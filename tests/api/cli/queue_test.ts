/** `mailhop queue` and `mailhop node`, against the real API with a node that the test plays. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { ClockComparison, QueueJob, QueueProgress, QueueReport } from "../../../api/client.ts";
import { BUSY_NODE } from "../../support/node_load.ts";
import { type Api, NOW, runOn, startApi } from "./harness.ts";

const HOUR_MS = 3_600_000;

const report = async (
  api: Api,
  progress: QueueProgress[] = [],
  clock: ClockComparison | null = null,
  more: Partial<QueueReport> = {},
): Promise<readonly QueueJob[]> => {
  const facts = { node: "n1", region: "eu", version: "1.2.3", number: 0, queued: 3, draining: false, gone: false };
  const json = { ...facts, ...BUSY_NODE, clock, progress, ...more };
  const response = await api.node.v1.node.queue.$post({ json });
  return (await response.json()).jobs;
};

/** Runs a line; while the tool waits, the node does what is ordered: first a part of it, then the rest. */
async function run(api: Api, line: string, result: Partial<QueueProgress> = {}) {
  await report(api);
  const orders: QueueJob[] = [];
  const base = { seen: 2, total: 3, done: 1, busy: 1, ended: false, trouble: null, summary: null, list: null };
  let pauses = 0;
  const ran = await runOn(api, line, {
    async pause() {
      const jobs = await report(api);
      if (pauses++ === 0) orders.push(...jobs);
      const [job] = jobs;
      if (job === undefined) return;
      if (pauses < 6) await report(api, [{ ...base, job: job.id }]);
      else await report(api, [{ ...base, job: job.id, seen: 3, done: 3, busy: 0, ended: true, ...result }]);
    },
  });
  return { ...ran, orders };
}

Deno.test("queue hold: says what was done, with progress on the way, and hands over what was asked", async () => {
  await using api = await startApi();
  const { out, code, statuses, orders } = await run(api, "queue hold --domain example.net --before 4h --reason spam");
  assertEquals([code, out], [0, "Held: 3 messages."]);
  const [{ work, select, reason }] = orders as [QueueJob];
  assertEquals({ work, select, reason }, {
    ...{ work: "hold", reason: "spam" },
    select: { domain: "example.net", receivedBefore: NOW - 4 * HOUR_MS },
  });
  assertMatch(statuses.join("\n"), /2 of 3 messages, 1 done; waiting for 1 in delivery/);
});

Deno.test("queue delete: without saying what, it is wrong use; with ids or --all it goes", async () => {
  await using api = await startApi();
  const wrong = await run(api, "queue delete");
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.err, "--all");
  const some = await run(api, "queue delete M1 M2");
  assertEquals([some.out, some.orders[0]!.select], ["Deleted: 3 messages.", { ids: ["M1", "M2"] }]);
  assertEquals((await run(api, "queue delete --all")).orders[0]!.select, {});
});

Deno.test("queue bounce: what stayed in delivery, and a node that gave up, are told", async () => {
  await using api = await startApi();
  await runOn(api, "account create alice --generate");
  const { out } = await run(api, "queue bounce --account alice", { busy: 2, trouble: "no space left" });
  assertStringIncludes(out, "Returned: 3 messages.");
  assertStringIncludes(out, "2 messages could not be had");
  assertStringIncludes(out, "Node n1 gave up: no space left");
});

const domain = {
  ...{ domain: "example.net", recipients: 1200, held: 2, lastReply: "451 4.3.0 \x1b[2J later" },
  ages: { under1h: 1000, under4h: 0, under1d: 0, older: 200 },
  ...{ oldestAt: NOW - 30 * HOUR_MS, nextAttemptAt: NOW + HOUR_MS },
};

Deno.test("queue: alone it is the summary, by domain and age, with what stands in the way", async () => {
  await using api = await startApi();
  const summary = {
    ...{ messages: 1100, recipients: 1200, held: 2, damaged: 1, domains: [domain], otherDomains: 3 },
    suspended: [{ destination: "mx mx.example.net 25", why: "timed out" }],
  };
  const { out } = await run(api, "queue", { summary });
  assertStringIncludes(out, "1,100 messages to 1,200 recipients, 2 of them held.");
  assertMatch(out, /example\.net\s+1,200\s+1,000\s+200\s+2\s+in 1 hour\s+451 4\.3\.0 \\x1b\[2J later/);
  assertStringIncludes(out, "And 3 other domains.");
  assertStringIncludes(out, "1 message cannot be read any more");
  assertStringIncludes(out, "mx mx.example.net 25: timed out");
  const empty = { ...summary, messages: 0, recipients: 0, damaged: 0, domains: [], otherDomains: 0, suspended: [] };
  await runOn(api, "account create bob --generate");
  assertEquals((await run(api, "queue summary --account bob", { summary: empty })).out, "The queue is empty.");
});

const message = {
  ...{ id: "M1", account: "alice", sender: "", receivedAt: NOW - HOUR_MS, sizeBytes: 1234, inDelivery: false },
  recipients: [
    { address: "b@a.test", status: "queued" as const, attempts: 2, nextAttemptAt: NOW + HOUR_MS, lastReply: "451 no" },
    { address: "c@a.test", status: "held" as const, attempts: 1, nextAttemptAt: null, lastReply: null },
  ],
};

Deno.test("queue list and show: messages with their recipients, attempts and last words", async () => {
  await using api = await startApi();
  const { out } = await run(api, "queue list --status held --limit 7", { list: [message] });
  assertMatch(out, /11:00:00Z\s+M1\s+alice\s+<>\s+b@a\.test and 1 other\s+held\s+2\s+in 1 hour\s+451 no/);
  const shown = await run(api, "queue show M1", { list: [message] });
  assertMatch(shown.out, /To\s+b@a\.test \(queued\), 2 attempts, next 2026-11-23T13:00:00Z/);
  assertMatch(shown.out, /To\s+c@a\.test \(held\), 1 attempt/);
  const [first, ...others] = message.recipients;
  const due = { ...message, recipients: [{ ...first!, nextAttemptAt: NOW - 1 }, ...others] };
  assertMatch((await run(api, "queue list", { list: [due] })).out, /held\s+2\s+due\s+451 no/);
});

Deno.test("queue show: a message that does not wait is refused, and a node that did not answer is named", async () => {
  await using api = await startApi();
  const none = await run(api, "queue show M2", { list: [] });
  assertEquals([none.code, none.out], [1, ""]);
  assertEquals(
    none.err,
    "No message M2 waits for delivery\nWhat became of it: mailhop message show M2",
  );
  const failed = await run(api, "queue show M2", { list: [], trouble: "no space left" });
  assertStringIncludes(failed.err, "\nNode n1 gave up: no space left\n");
});

Deno.test("queue retry: where nothing is due because it is held, that is said", async () => {
  await using api = await startApi();
  const summary = { messages: 1, recipients: 2, held: 2, damaged: 0, domains: [], otherDomains: 0, suspended: [] };
  const { code, out } = await run(api, "queue retry M1", { done: 0, summary });
  assertEquals(code, 0);
  assertEquals(
    out,
    "Due now: 0 messages.\nHeld, and so not due: 2 recipients. To go on with them: mailhop queue release",
  );
  const nothing = await run(api, "queue retry M1", { done: 0, summary: { ...summary, held: 0 } });
  assertEquals(nothing.out, "Due now: 0 messages.");
});

Deno.test("queue and message list: an account that there is not is refused, with where those are that there are", async () => {
  await using api = await startApi();
  for (const line of ["queue hold", "queue delete", "queue list", "queue summary", "message list"]) {
    const { code, out, err } = await runOn(api, `${line} --account ana`);
    assertEquals([code, out], [1, ""], line);
    assertStringIncludes(err, "There is no account of that name\nThe accounts there are: mailhop account list");
  }
});

Deno.test("queue jobs and call-off: what was done, and the end of what is under way", async () => {
  await using api = await startApi();
  await run(api, "queue retry --domain example.net");
  const { out } = await runOn(api, "queue jobs");
  assertMatch(out, /retry\s+domain example\.net\s+done\s+3\/3\s+3/);
  const id = /id-\d+/.exec(out)![0];
  assertStringIncludes((await runOn(api, `queue call-off ${id}`)).out, "What was done stays done");
  assertEquals((await runOn(api, "queue call-off nothing")).code, 1);
});

Deno.test("queue: where no node is there, that is said", async () => {
  await using api = await startApi();
  assertStringIncludes((await runOn(api, "queue retry --all")).out, "No relay node is there");
});

Deno.test("node list: readable at 100 columns, however much a node has to do", async () => {
  await using api = await startApi();
  const load = { connections: 10_000, inDelivery: 2000, acceptedPerMinute: 120_000, loopDelayMs: 1234 };
  await report(api, [], { aheadMs: -12_340, apart: true }, {
    ...{ node: "01KAQ2T3ZJ8M4Y6W9X0B1C2D3E", region: "eu-west", version: "10.11.12", queued: 1_234_567, load },
    leases: { held: 1000, accounts: 900, relaysLeft: 1_234_567 },
  });
  const widths = (await runOn(api, "node list")).out.split("\n").map(({ length }) => length);
  assert(Math.max(...widths) <= 100, `${widths}`);
});

Deno.test("node: listed, told to drain and to serve", async () => {
  await using api = await startApi();
  assertStringIncludes((await runOn(api, "node list")).out, "No node was heard of");
  await report(api);
  assertMatch((await runOn(api, "node list")).out, /n1\s+eu\s+0\s+1\.2\.3\s+serving\s+unknown\s+just now/);
  await report(api, [], { aheadMs: -12_340, apart: true });
  assertMatch((await runOn(api, "node list")).out, /n1 .* serving\s+12\.3 s behind\s+just now/);
  await report(api, [], { aheadMs: 340, apart: false });
  assertMatch((await runOn(api, "node list")).out, /n1 .* serving\s+right\s+just now/);
  assertMatch((await runOn(api, "node list")).out, /n1\s+3\s+34\s+1,200\s+5,678\s+12 ms\s+3\s+412/);
  assertStringIncludes((await runOn(api, "node drain n1")).out, "delivers what it has: 3 messages");
  assertStringIncludes((await runOn(api, "node serve n1")).out, "lets clients in again");
  assertStringIncludes((await runOn(api, "node drain n2")).err, "mailhop node list");
});
