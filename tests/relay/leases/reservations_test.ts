/**
 * Reservations with leases, of several nodes on one real control plane in memory. Only clocks are false, and the
 * connection can be cut.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { chunk } from "@std/collections/chunk.js";
import { monotonicUlid } from "@std/ulid";
import { createNodeClient, type Fetch } from "../../../api/client.ts";
import { ControlPlane, ControlPlaneUnavailable } from "../../../relay/control_plane.ts";
import { Reservations, type Reserved } from "../../../relay/leases/reservations.ts";
import { eventually } from "../../support/relay_process.ts";
import { RELAY, startControlPlane, type TestControlPlane } from "../../api/control_plane.ts";

const SECOND_MS = 1000;

interface TestNode extends AsyncDisposable {
  readonly clock: { monotonic: number };
  /** Of the connection to the control plane; an answer gets through when `answersTo` has resolved. */
  readonly link: { down: boolean; calls: string[]; answersTo: (path: string, body: string) => Promise<void> };
  readonly reservations: Reservations;
  send(relays?: number, username?: string): Promise<Reserved>;
  settle(...reserved: Reserved[]): Promise<void>;
  /** What it does every second. */
  lookAfter(): Promise<void>;
}

/** Blocks are of 150 relays. */
async function startPlane(blocks: number): Promise<TestControlPlane> {
  const plane = await startControlPlane();
  await plane.account("anna");
  await plane.blocks("anna", blocks);
  return plane;
}

function startNode(plane: TestControlPlane, name: string): TestNode {
  const clock = { monotonic: 0 },
    link: TestNode["link"] = { down: false, calls: [], answersTo: () => Promise.resolve() };
  const fetch: Fetch = async (input, init) => {
    if (link.down) throw new TypeError("connection refused");
    const path = new URL(String(input)).pathname.split("/").at(-1)!;
    link.calls.push(path);
    const answer = await plane.app.request(String(input), init);
    await link.answersTo(path, String(init?.body));
    return answer;
  };
  const closing = new AbortController();
  const controlPlane = new ControlPlane({
    client: createNodeClient(fetch, RELAY),
    monotonic: () => clock.monotonic,
    sleep: () => Promise.resolve(),
    closing: closing.signal,
    onTrouble: () => {},
    onAway: () => {},
    onBack: () => {},
  });
  controlPlane.name(name, "b1");
  const reservations = new Reservations({
    controlPlane,
    newId: () => monotonicUlid(),
    monotonic: () => clock.monotonic,
    // Time goes by for everybody.
    sleep: async () => {
      for (const pass of others.get(plane) ?? []) await pass();
    },
    onTrouble: () => {},
  });
  const lookAfter = () => reservations.lookAfter();
  others.set(plane, [...others.get(plane) ?? [], lookAfter]);
  return {
    ...{ clock, link, reservations, lookAfter },
    send: (relays = 1, username = "anna") =>
      reservations.reserve({ id: crypto.randomUUID(), username, relays, ndr: false }),
    async settle(...reserved) {
      const items = reserved.map(({ reservation }) => ({ ...reservation, username: "anna" }));
      for (const batch of chunk(items, 256)) {
        assertEquals((await plane.nodeCall("settlements", { node: name, items: batch })).status, 200);
      }
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await reservations[Symbol.asyncDispose]();
    },
  };
}

/** Time passes until the counters could be told what goes back. */
async function givenBack(node: TestNode): Promise<void> {
  await eventually(async () => {
    node.clock.monotonic += 2 * SECOND_MS;
    try {
      await node.lookAfter();
      return true;
    } catch (error) {
      if (error instanceof ControlPlaneUnavailable) return undefined;
      throw error;
    }
  }, "the leases to be given back");
}

/** Of a plane, what its nodes do every second. */
const others = new WeakMap<TestControlPlane, (() => Promise<void>)[]>();

/** Sends until it is refused or `most` were granted. @returns what was granted. */
async function sendMany(node: TestNode, most: number): Promise<Reserved[]> {
  const granted: Reserved[] = [];
  while (granted.length < most) {
    const reserved = await node.send();
    if (!reserved.facts.granted) break;
    granted.push(reserved);
  }
  return granted;
}

const leased = (reserved: readonly Reserved[]) =>
  reserved.filter(({ reservation }) => reservation.lease !== undefined).length;

/** What nobody has used or leased. */
async function left(plane: TestControlPlane): Promise<number> {
  const items = [{ id: crypto.randomUUID(), username: "anna", relays: 100_000, ndr: false }];
  const { body } = await plane.nodeCall("reservations", { items });
  return body.items[0].limit - body.items[0].used;
}

Deno.test("leases: a few messages are asked for one by one", async () => {
  await using plane = await startPlane(10);
  await using node = startNode(plane, "n1");
  assertEquals(leased(await sendMany(node, 15)), 0);
  assertEquals(await plane.used("anna"), 15);
});

Deno.test("leases: whoever sends much asks for few of its messages", async () => {
  await using plane = await startPlane(100);
  await using node = startNode(plane, "n1");
  const sent = await sendMany(node, 1000);
  assertEquals(sent.length, 1000);
  assert(leased(sent) > 900, `${leased(sent)} of 1000`);
  assert(node.link.calls.length < 120, `${node.link.calls.length} calls`);
  await node.settle(...sent);
  assertEquals(await plane.used("anna"), 1000);
});

Deno.test("leases: the answers of a lease count on from where the counters stood", async () => {
  await using plane = await startPlane(100);
  await using node = startNode(plane, "n1");
  const sent = await sendMany(node, 30);
  const used = sent.filter(({ reservation }) => reservation.lease !== undefined).map(({ facts }) => facts.used);
  assertEquals(used, used.map((_, n) => used[0]! + n));
  assert(sent.every(({ facts }) => facts.limit === 15_000 && facts.account?.username === "anna"));
});

Deno.test("leases: one account's limit holds and is reached, whoever of three nodes it sends by", async () => {
  await using plane = await startPlane(4);
  await using stack = new AsyncDisposableStack();
  const nodes = ["n1", "n2", "n3"].map((name) => stack.use(startNode(plane, name)));
  const sent = (await Promise.all(nodes.map((node) => sendMany(node, 1000)))).flat();
  // What one was refused may have come back meanwhile.
  for (const node of nodes) sent.push(...await sendMany(node, 1000));
  assertEquals(sent.length, 600);
  assert(leased(sent) > 0);
});

Deno.test("leases: one that holds what another node is refused for comes back", async () => {
  await using plane = await startPlane(2);
  await using one = startNode(plane, "n1");
  await using other = startNode(plane, "n2");
  const sent = await sendMany(one, 60);
  assert(leased(sent) > 0);
  const free = await left(plane);
  assert(free < 240, `${free} left: nothing is leased`);
  const { facts } = await other.send(240);
  assertEquals([facts.granted, await left(plane)], [true, 0]);
});

Deno.test("leases: what is missing for one message is taken out of this node's own lease", async () => {
  await using plane = await startPlane(2);
  await using node = startNode(plane, "n1");
  const sent = await sendMany(node, 60);
  assert(leased(sent) > 0);
  assertEquals((await node.send(240)).facts.granted, true);
  assertEquals(await left(plane), 0);
});

Deno.test("leases: idle for a while, they go back", async () => {
  await using plane = await startPlane(10);
  await using node = startNode(plane, "n1");
  await sendMany(node, 100);
  assert(await left(plane) < 1400);
  node.clock.monotonic += 6 * SECOND_MS;
  await node.lookAfter();
  assertEquals(await left(plane), 1400);
});

Deno.test("leases: what was not accepted goes back to the lease, or to the day where that has ended", async () => {
  await using plane = await startPlane(10);
  await using node = startNode(plane, "n1");
  const sent = await sendMany(node, 100);
  const [first, second] = sent.slice(-2);
  first!.giveBack();
  node.clock.monotonic += 6 * SECOND_MS;
  await node.lookAfter();
  assertEquals(await left(plane), 1401);
  second!.giveBack();
  await node.lookAfter();
  assertEquals(await left(plane), 1402);
});

Deno.test("leases: with a control plane that is away a node spends what it has, and then nothing", async () => {
  await using plane = await startPlane(100);
  await using node = startNode(plane, "n1");
  await sendMany(node, 200);
  node.link.down = true;
  let spent = 0;
  await assertRejects(async () => {
    for (;; spent++) assert((await node.send()).facts.granted);
  }, ControlPlaneUnavailable);
  assert(spent > 20, `${spent}`);
  node.link.down = false;
  // One call at a time finds out that it is back: a refund, perhaps.
  const isBack = async () => {
    node.clock.monotonic += 2 * SECOND_MS;
    try {
      return (await node.send()).facts.granted;
    } catch (error) {
      if (error instanceof ControlPlaneUnavailable) return undefined;
      throw error;
    }
  };
  assert(await eventually(isBack, "the control plane to be found again"));
});

Deno.test("leases: idle ones are kept while nobody can be told that they end, spent then, and given back later", async () => {
  await using plane = await startPlane(100);
  await using node = startNode(plane, "n1");
  const sent = await sendMany(node, 200);
  const { relaysLeft } = node.reservations.leases;
  assert(relaysLeft > 20, `${relaysLeft}`);
  node.link.down = true;
  for (let second = 0; second < 60; second++) {
    node.clock.monotonic += SECOND_MS;
    await assertRejects(() => node.lookAfter(), ControlPlaneUnavailable);
  }
  // One that was being asked for may have come, too.
  const kept = node.reservations.leases.relaysLeft;
  assert(kept >= relaysLeft, `${kept} of ${relaysLeft}`);
  for (let spent = 0; spent < 10; spent++) sent.push(await node.send());
  assertEquals(leased(sent.slice(-10)), 10);
  node.clock.monotonic += 6 * SECOND_MS;
  node.link.down = false;
  await givenBack(node);
  assertEquals([node.reservations.leases.held, await left(plane)], [0, 15_000 - sent.length]);
});

Deno.test("leases: one whose day is over ends, also while nobody can be told", async () => {
  await using plane = await startPlane(100);
  await using node = startNode(plane, "n1");
  await sendMany(node, 200);
  node.link.down = true;
  // From noon to the next day's noon.
  node.clock.monotonic += 86_400 * SECOND_MS;
  await assertRejects(() => node.lookAfter(), ControlPlaneUnavailable);
  assertEquals(node.reservations.leases.held, 0);
});

Deno.test("leases: around midnight nothing is spent of one, and the next day has its own", async () => {
  await using plane = await startPlane(100);
  await using node = startNode(plane, "n1");
  const pass = async (to: string) => {
    const at = Date.parse(to);
    node.clock.monotonic += at - plane.clock.now;
    plane.clock.now = at;
    await node.lookAfter();
  };
  await pass("2026-11-23T23:59:30Z");
  assert(leased(await sendMany(node, 200)) > 0);
  await pass("2026-11-23T23:59:50Z");
  assertEquals(leased(await sendMany(node, 200)), 0);
  await pass("2026-11-24T00:00:05Z");
  assertEquals(leased(await sendMany(node, 200)), 0);
  assertEquals(await plane.used("anna"), 200);
  await pass("2026-11-24T00:00:20Z");
  const sent = await sendMany(node, 200);
  assert(leased(sent) > 0);
  assert(sent.every(({ reservation }) => reservation.day === "2026-11-24"));
});

Deno.test("leases: non-delivery reports are none of their business", async () => {
  await using plane = await startPlane(100);
  await using node = startNode(plane, "n1");
  await sendMany(node, 200);
  const report = await node.reservations.reserve({ id: "r1", username: "anna", relays: 1, ndr: true });
  assertEquals([report.reservation.lease, report.facts.ndr?.used], [undefined, 0]);
});

Deno.test("leases: a node that ends gives back all that it has not spent", async () => {
  await using plane = await startPlane(10);
  {
    await using node = startNode(plane, "n1");
    await node.settle(...await sendMany(node, 100));
    assert(await left(plane) < 1400);
  }
  assertEquals([await left(plane), await plane.used("anna")], [1400, 100]);
});

Deno.test("leases: one that is granted while the node ends goes back, too", async () => {
  await using plane = await startPlane(10);
  const granted = Promise.withResolvers<void>(), through = Promise.withResolvers<void>();
  const node = startNode(plane, "n1");
  node.link.answersTo = async (_, body) => {
    if (!body.includes('"lease":true')) return;
    granted.resolve();
    await through.promise;
  };
  // The last of them makes it ask for one.
  await node.settle(...await sendMany(node, 16));
  await granted.promise;
  const ended = node[Symbol.asyncDispose]();
  assertEquals(await left(plane), 1500 - 16 - 16);
  through.resolve();
  await ended;
  assertEquals([await left(plane), await plane.used("anna")], [1484, 16]);
});

Deno.test("leases: a node that was killed has not spent what it has not told of", async () => {
  await using plane = await startPlane(10);
  await using node = startNode(plane, "n1");
  const sent = await sendMany(node, 100);
  await node.settle(...sent);
  assert(await left(plane) < 1400);
  node.link.down = true;
  await plane.nodeCall("recover", { node: "n1", boot: "b2" });
  assertEquals([await left(plane), await plane.used("anna")], [1400, 100]);
});

Deno.test("leases: an account that was suspended meanwhile is asked for anew, and refused", async () => {
  await using plane = await startPlane(10);
  await using node = startNode(plane, "n1");
  assert(leased(await sendMany(node, 100)) > 0);
  await plane.request("PATCH", "/v1/accounts/anna", { status: "suspended" });
  // Longer than the node takes what it knows for true.
  node.clock.monotonic += 3 * SECOND_MS;
  const { facts, reservation } = await node.send();
  assertEquals([facts.granted, reservation.lease], [false, undefined]);
});

Deno.test("leases: a report that is refused for its share of the day calls none back", async () => {
  await using plane = await startPlane(10);
  await plane.request("PATCH", "/v1/accounts/anna", { ndr: { choice: "limit", sharePercent: 1 } });
  await using node = startNode(plane, "n1");
  assert(leased(await sendMany(node, 100)) > 0);
  const before = await left(plane);
  const { facts } = await node.reservations.reserve({ id: "r1", username: "anna", relays: 100, ndr: true });
  assertEquals([facts.granted, await left(plane)], [false, before]);
});

Deno.test("leases: what is asked for anew and gets no answer was spent of none", async () => {
  await using plane = await startPlane(10);
  await using node = startNode(plane, "n1");
  assert(leased(await sendMany(node, 100)) > 0);
  await plane.request("PATCH", "/v1/accounts/anna", { status: "suspended" });
  node.clock.monotonic += 3 * SECOND_MS;
  assertEquals((await node.send()).facts.granted, false);
  node.link.down = true;
  await assertRejects(() => node.send(), ControlPlaneUnavailable);
  node.link.down = false;
  node.clock.monotonic += 3 * SECOND_MS;
  await plane.request("PATCH", "/v1/accounts/anna", { status: "active" });
  await givenBack(node);
  assertEquals(await left(plane), 1400);
});
