/** The operator's hand on the queue of a real node: from an order at the API to what the next hop and the sender see. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay.js";
import { ENVELOPE, MESSAGE, startTestNode, type TestNode } from "../support/node.ts";

interface Job {
  readonly id: string;
  readonly state: string;
  readonly done: number;
  readonly summary: { readonly messages: number; readonly held: number } | null;
}

const POLL_MS = 20;

/** The job when it is done. */
async function order(node: TestNode, body: Record<string, unknown>): Promise<Job> {
  let job = await node.v1<Job>("POST", "/queue/jobs", body);
  while (job.state === "working") {
    await delay(POLL_MS);
    job = await node.v1<Job>("GET", `/queue/jobs/${job.id}`);
  }
  return job;
}

async function messageIds(node: TestNode): Promise<string[]> {
  return (await node.v1<{ items: { id: string }[] }>("GET", "/messages?account=anna")).items.map(({ id }) => id);
}

async function statusOf(node: TestNode, id: string, wanted: string): Promise<void> {
  while ((await node.v1<{ status: string }>("GET", `/messages/${id}`)).status !== wanted) await delay(POLL_MS);
}

interface NodeFacts {
  readonly node: string;
  readonly state: string;
}

/** Waits until the node has said of itself that it stands so. Time that was made to pass made it silent. */
async function stateOf(node: TestNode, wanted: string): Promise<NodeFacts> {
  while (true) {
    const [facts] = (await node.v1<{ items: NodeFacts[] }>("GET", "/nodes")).items;
    if (facts?.state === wanted) return facts;
    await delay(POLL_MS);
  }
}

/** A node with messages that wait: the next hop has deferred them. `id` is that of the first. */
async function withDeferred(count = 1): Promise<TestNode & { id: string; ids: readonly string[] }> {
  const node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  node.nextHop.script = (input) => input.startsWith("RCPT") ? "451 4.3.0 later" : undefined;
  using client = await node.login("anna");
  for (let n = 0; n < count; n++) await client.play(MESSAGE);
  let ids = await messageIds(node);
  while (ids.length < count) {
    await delay(POLL_MS);
    ids = await messageIds(node);
  }
  for (const id of ids) await statusOf(node, id, "deferred");
  node.nextHop.script = () => undefined;
  await stateOf(node, "serving");
  // Of what comes in the same millisecond as the order nothing is said.
  node.pass(1);
  return Object.assign(node, { id: ids[0]!, ids });
}

Deno.test("queue: held mail stays when its time has come and gone; released, it is delivered at once", async () => {
  await using node = await withDeferred(2);
  const [held, other] = node.ids as [string, string];
  assertEquals((await order(node, { work: "hold", select: { ids: [held] } })).done, 1);
  await statusOf(node, held, "held");
  node.pass(3 * 86_400_000);
  await stateOf(node, "serving");
  // The other one is tried: by then the held one would have been, too.
  assertEquals((await order(node, { work: "retry", all: true })).done, 1);
  await statusOf(node, other, "delivered");
  const { summary } = await order(node, { work: "summary" });
  assertEquals([summary!.messages, summary!.held, node.nextHop.received.length], [1, 1, 1]);
  assertEquals((await order(node, { work: "release", all: true })).done, 1);
  await statusOf(node, held, "delivered");
  assertEquals(node.nextHop.received.length, 2);
});

Deno.test("queue: retried mail does not wait for its time", async () => {
  await using node = await withDeferred();
  assertEquals((await order(node, { work: "retry", select: { domain: "example.net" } })).done, 1);
  await statusOf(node, node.id, "delivered");
});

Deno.test("queue: bounced mail goes back to its sender with the operator's words, and is no bad address", async () => {
  await using node = await withDeferred();
  const reason = "no such house — sorry";
  assertEquals((await order(node, { work: "bounce", select: { ids: [node.id] }, reason })).done, 1);
  await statusOf(node, node.id, "bounced");
  const { events } = await node.v1<{ events: Record<string, unknown>[] }>("GET", `/messages/${node.id}`);
  const bounced = events.find(({ type }) => type === "bounced")!;
  assertEquals([bounced.byOperator, bounced.attempt, bounced.host], [true, 1, null]);
  assertMatch(String(bounced.reply), /had it returned: no such house — sorry/);
  const dsnId = String(events.find(({ type }) => type === "returned")!.dsnId);
  assertEquals((await node.v1<{ sender: string; relays: number }>("GET", `/messages/${dsnId}`)).relays, 0);
  assertEquals((await node.api<{ items: unknown[] }>("GET", "/anna/suppressions")).items, []);
});

Deno.test("queue: deleted mail is gone, and nobody is told", async () => {
  await using node = await withDeferred();
  assertEquals((await order(node, { work: "delete", select: { recipient: "friend@example.net" } })).done, 1);
  await statusOf(node, node.id, "deleted");
  assertEquals((await order(node, { work: "summary" })).summary!.messages, 0);
  assertEquals((await messageIds(node)).length, 1);
});

Deno.test("drain: a node ends its sessions with 421 and lets nobody in, until it serves again", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  const { node: name } = await stateOf(node, "serving");
  using idle = await node.login("anna");
  await node.v1("PATCH", `/nodes/${name}`, { drain: true });
  assertEquals(await idle.reply(), ["421 4.3.2 Shutting down: try again in a minute"]);
  await stateOf(node, "draining");
  await assertRejects(() => node.hello(), Deno.errors.ConnectionRefused);
  await node.v1("PATCH", `/nodes/${name}`, { drain: false });
  await stateOf(node, "serving");
  using client = await node.login("anna");
  await client.play(ENVELOPE);
});
