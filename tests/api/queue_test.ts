/** /v1/queue and /v1/nodes: orders, their parts at the nodes, and what comes back. */
import { assertEquals, assertObjectMatch } from "@std/assert";
import type { QueuedDomain, QueuedMessageFacts, QueueProgress, QueueSummary } from "../../api/client.ts";
import { BUSY_NODE, IDLE_NODE } from "../support/node_load.ts";
import { NOON, startControlPlane, type TestControlPlane } from "./control_plane.ts";

const JOBS = "/v1/queue/jobs";
const SILENT_MS = 15_000;

const report = async (api: TestControlPlane, node: string, progress: QueueProgress[] = [], more = {}) =>
  (await api.nodeCall("queue", {
    ...{
      node,
      region: "eu",
      version: "1.2.3",
      number: 0,
      queued: 5,
      ...BUSY_NODE,
      draining: false,
      gone: false,
      clock: null,
      progress,
    },
    ...more,
  })).body;

const order = (api: TestControlPlane, body: Record<string, unknown>) => api.request("POST", JOBS, body);
const state = async (api: TestControlPlane, id: string) => (await api.request("GET", `${JOBS}/${id}`)).body;

const progress = (job: string, more: Partial<QueueProgress> = {}): QueueProgress => ({
  ...{ job, seen: 5, total: 5, done: 3, busy: 0, ended: true, trouble: null, summary: null, list: null },
  ...more,
});

Deno.test("queue: an order is a job with a part for each node that is there; it is done when all are", async () => {
  await using api = await startControlPlane();
  for (const node of ["n1", "n2"]) assertEquals(await report(api, node), { now: NOON, draining: false, jobs: [] });
  const select = { domain: "example.net", receivedBefore: "2026-11-23T08:00:00Z" };
  const { status, body } = await order(api, { work: "hold", select, reason: "why not" });
  assertEquals(status, 201);
  const { id } = body;
  assertObjectMatch(body, { work: "hold", select, reason: "why not", state: "working", done: 0 });
  const expected = {
    ...{ id, work: "hold", reason: "why not", limit: 50, orderedAgoMs: 500 },
    select: { domain: "example.net", receivedBefore: Date.parse("2026-11-23T08:00:00Z") },
  };
  api.clock.now += 500;
  assertEquals((await report(api, "n1")).jobs, [expected]);
  const { jobs } = await report(api, "n1", [progress(id, { seen: 2, ended: false, busy: 1 })]);
  assertEquals(jobs.length, 1);
  assertObjectMatch(await state(api, id), { state: "working", seen: 2, total: 5, done: 3, busy: 1 });
  // An answer that got lost is given again, and an older one that comes late changes nothing.
  for (let times = 0; times < 2; times++) assertEquals((await report(api, "n1", [progress(id)])).jobs, []);
  await report(api, "n1", [progress(id, { done: 0, ended: false })]);
  await report(api, "n2", [progress(id, { trouble: "no space left" })]);
  assertObjectMatch(await state(api, id), {
    ...{ state: "done", seen: 10, total: 10, done: 6, busy: 0 },
    nodes: [{ node: "n1", state: "done", trouble: null }, { node: "n2", state: "failed", trouble: "no space left" }],
  });
});

const domain = (name: string, recipients: number, more: Partial<QueuedDomain> = {}): QueuedDomain => ({
  ...{ domain: name, recipients, held: 1, ages: { under1h: recipients, under4h: 0, under1d: 0, older: 1 } },
  ...{ oldestAt: NOON - recipients, nextAttemptAt: NOON + recipients, lastReply: null },
  ...more,
});
const summary = (domains: QueuedDomain[]): QueueSummary => ({
  ...{ messages: 2, recipients: 3, held: 1, damaged: 1, otherDomains: 4, domains },
  suspended: [{ destination: "mx a.test 25", why: "refused" }],
});

Deno.test("queue: a summary is the sum of what the nodes say", async () => {
  await using api = await startControlPlane();
  for (const node of ["n1", "n2"]) await report(api, node);
  const { id } = (await order(api, { work: "summary" })).body;
  const all = { nextAttemptAt: null, lastReply: "451 no" };
  await report(api, "n1", [progress(id, { summary: summary([domain("a.test", 3), domain("b.test", 4)]) })]);
  await report(api, "n2", [progress(id, { summary: summary([domain("a.test", 2, all)]) })]);
  assertEquals((await state(api, id)).summary, {
    ...{ messages: 4, recipients: 6, held: 2, damaged: 2, otherDomains: 8 },
    suspended: [{ destination: "mx a.test 25", why: "refused" }],
    domains: [
      {
        ...{ domain: "a.test", recipients: 5, held: 2, ages: { under1h: 5, under4h: 0, under1d: 0, older: 2 } },
        ...{ oldestAt: "2026-11-23T11:59:59.997Z", nextAttemptAt: "2026-11-23T12:00:00.003Z", lastReply: "451 no" },
      },
      {
        ...{ domain: "b.test", recipients: 4, held: 1, ages: { under1h: 4, under4h: 0, under1d: 0, older: 1 } },
        ...{ oldestAt: "2026-11-23T11:59:59.996Z", nextAttemptAt: "2026-11-23T12:00:00.004Z", lastReply: null },
      },
    ],
  });
});

Deno.test("queue: a list has the oldest of all nodes, as many as were asked for", async () => {
  await using api = await startControlPlane();
  for (const node of ["n1", "n2"]) await report(api, node);
  const { id } = (await order(api, { work: "list", limit: 2 })).body;
  const message = (name: string, receivedAt: number): QueuedMessageFacts => ({
    ...{ id: name, account: "alice", sender: "", receivedAt, sizeBytes: 10, inDelivery: false },
    recipients: [{ address: "b@a.test", status: "queued", attempts: 1, nextAttemptAt: NOON, lastReply: "451 no" }],
  });
  await report(api, "n1", [progress(id, { list: [message("m1", NOON - 3), message("m4", NOON)] })]);
  await report(api, "n2", [progress(id, { list: [message("m2", NOON - 2), message("m3", NOON - 1)] })]);
  const { messages } = await state(api, id);
  assertEquals(messages.map((each: { id: string }) => each.id), ["m1", "m2"]);
  assertObjectMatch(messages[0], {
    receivedAt: "2026-11-23T11:59:59.997Z",
    recipients: [{ address: "b@a.test", nextAttemptAt: "2026-11-23T12:00:00Z" }],
  });
});

Deno.test("queue: a node that falls silent is named and not waited for; when it is back it does its part", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  for (const node of ["n1", "n2"]) await report(api, node);
  const { id } = (await order(api, { work: "retry", all: true })).body;
  await report(api, "n1", [progress(id)]);
  api.clock.now += SILENT_MS + 1;
  await report(api, "n1");
  assertObjectMatch(await state(api, id), {
    state: "done",
    nodes: [{ node: "n1", state: "done" }, { node: "n2", state: "silent" }],
  });
  assertEquals((await report(api, "n2")).jobs.length, 1);
  // So with an order that comes while it is away.
  api.clock.now += SILENT_MS + 1;
  await report(api, "n1");
  const later = await order(api, { work: "hold", select: { account: "alice" } });
  assertObjectMatch(later.body, { nodes: [{ node: "n1", state: "waiting" }, { node: "n2", state: "silent" }] });
  assertEquals((await report(api, "n2")).jobs.length, 2);
  await report(api, "n2", [], { gone: true });
  assertEquals((await state(api, later.body.id)).nodes[1], { node: "n2", state: "gone", trouble: null });
});

Deno.test("queue: the list of jobs is without their answers; questions are kept for an hour, works for a week", async () => {
  await using api = await startControlPlane();
  await report(api, "n1");
  const { id } = (await order(api, { work: "list" })).body;
  await report(api, "n1", [progress(id, { list: [] })]);
  const work = (await order(api, { work: "retry", all: true })).body.id;
  const [, listed] = (await api.request("GET", JOBS)).body.items;
  assertEquals([listed.id, "messages" in listed, "summary" in listed], [id, false, false]);
  api.clock.now += 3_600_001;
  await order(api, { work: "summary" });
  assertEquals((await api.request("GET", `${JOBS}/${id}`)).status, 404);
  assertEquals((await state(api, work)).id, work);
});

Deno.test("queue: called off, a job is nobody's any more; so is one of long ago", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  await report(api, "n1");
  const { id } = (await order(api, { work: "delete", select: { account: "alice" } })).body;
  assertEquals((await api.request("DELETE", `${JOBS}/${id}`)).status, 204);
  assertEquals((await state(api, id)).state, "called-off");
  assertEquals((await report(api, "n1")).jobs, []);
  assertEquals((await api.request("DELETE", `${JOBS}/nothing`)).status, 404);
  const done = (await order(api, { work: "retry", all: true })).body.id;
  await report(api, "n1", [progress(done)]);
  await api.request("DELETE", `${JOBS}/${done}`);
  assertEquals((await state(api, done)).state, "done", "what is done cannot be called off");
  api.clock.now += 8 * 86_400_000;
  await order(api, { work: "summary" });
  assertEquals((await api.request("GET", `${JOBS}/${id}`)).status, 404);
  assertEquals((await api.request("GET", JOBS)).body.items.length, 1);
});

for (
  const [what, body] of [
    ["an order that would change all without a word", { work: "delete" }],
    ["an empty selection", { work: "bounce", select: {} }],
    ["a selection that nearly all fits", { work: "delete", select: { status: "queued" } }],
    ["an unknown work", { work: "burn", all: true }],
    ["an unknown field, which might have narrowed", { work: "delete", select: { acount: "alice" } }],
    ["a reason with a line end, which would stand in a bounce", { work: "bounce", all: true, reason: "a\r\nb: c" }],
    ["a time that is none", { work: "hold", select: { receivedBefore: "yesterday" } }],
    ["a list too long", { work: "list", limit: 201 }],
  ] as const
) {
  Deno.test(`queue: refused is ${what}`, async () => {
    await using api = await startControlPlane();
    const { status, body: { type } } = await order(api, body);
    assertEquals([status, type], [400, "/problems/invalid-request"]);
    assertEquals((await api.request("GET", JOBS)).body.items, []);
  });
}

Deno.test("queue: an account that there is not is not found, whatever is wanted of it", async () => {
  await using api = await startControlPlane();
  for (const work of ["summary", "list", "retry", "hold", "delete"]) {
    const { status, body } = await order(api, { work, select: { account: "ana", domain: "example.net" } });
    assertEquals([status, body.detail], [404, "There is no account of that name"], work);
  }
  assertEquals((await api.request("GET", JOBS)).body.items, []);
});

Deno.test("nodes: listed with their queues; one is told to drain, and to serve again", async () => {
  await using api = await startControlPlane();
  await report(api, "n1");
  await report(api, "n2", [], { number: null, queued: 7, region: "us" });
  const listed = async () => (await api.request("GET", "/v1/nodes")).body.items;
  const n1 = { node: "n1", region: "eu", number: 0, queued: 5, state: "serving", drain: false };
  const n2 = { node: "n2", region: "us", number: null, queued: 7, state: "delivering", drain: false };
  const same = { version: "1.2.3", clock: null, seenAt: "2026-11-23T12:00:00Z", ...BUSY_NODE };
  assertEquals(await listed(), [{ ...n1, ...same }, { ...n2, ...same }]);
  assertObjectMatch((await api.request("PATCH", "/v1/nodes/n1", { drain: true })).body, { ...n1, drain: true });
  assertEquals((await report(api, "n1")).draining, true);
  await report(api, "n1", [], { draining: true });
  assertObjectMatch((await listed())[0], { ...n1, drain: true, state: "draining" });
  await api.request("PATCH", "/v1/nodes/n1", { drain: false });
  assertEquals((await report(api, "n1", [], { draining: true })).draining, false);
  assertEquals((await api.request("PATCH", "/v1/nodes/n3", { drain: true })).status, 404);
  assertEquals((await api.request("PATCH", "/v1/nodes/n2", { drain: true })).body.type, "/problems/no-doors");
  api.clock.now += SILENT_MS + 1;
  assertEquals((await listed()).map((node: { state: string }) => node.state), ["silent", "silent"]);
  await report(api, "n2", [], { gone: true });
  assertEquals((await listed()).length, 1);
});

Deno.test("nodes: load and leases are those of a few seconds ago, though nothing else has changed", async () => {
  await using api = await startControlPlane();
  const shown = async () => {
    const [{ load, leases }] = (await api.request("GET", "/v1/nodes")).body.items;
    return { load, leases };
  };
  await report(api, "n1");
  assertEquals(await shown(), BUSY_NODE);
  for (let second = 0; second < 6; second++) {
    api.clock.now += 1000;
    await report(api, "n1", [], IDLE_NODE);
  }
  assertEquals(await shown(), IDLE_NODE);
});
