import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ConnectionCounts, newConnectionTable } from "../../../relay/smtp/connection_counts.ts";

function nodesOf(nodes: number, expected: number): ConnectionCounts[] {
  const table = newConnectionTable(nodes, expected, 7);
  return Array.from({ length: nodes }, (_, node) => new ConnectionCounts(table, node));
}

Deno.test("connection counts: any order of coming, going and dying nodes counts as a naive list does", () => {
  const action = fc.oneof(
    fc.record({ is: fc.constant("come" as const), node: fc.nat(2), address: fc.nat(4) }),
    fc.record({ is: fc.constant("go" as const), which: fc.nat(20) }),
    fc.record({ is: fc.constant("die" as const), node: fc.nat(2) }),
  );
  fc.assert(fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
    const nodes = nodesOf(3, 6);
    let open: { node: number; address: string; release: () => void }[] = [];
    for (const action of actions) {
      if (action.is === "come") {
        const address = `192.0.2.${action.address}`, { node } = action;
        const { open: all, fromAddress, release } = nodes[node]!.add(address);
        open.push({ node, address, release });
        assertEquals([all, fromAddress], [open.length, open.filter((other) => other.address === address).length]);
      } else if (action.is === "go") {
        open.splice(action.which, 1)[0]?.release();
      } else {
        nodes[0]!.forget(action.node);
        open = open.filter(({ node }) => node !== action.node);
      }
      assertEquals(nodes[1]!.open, open.length);
    }
  }));
});

Deno.test("connection counts: ten thousand addresses, each with its own count", () => {
  const [one, two] = nodesOf(2, 10_000);
  for (let at = 0; at < 10_000; at++) {
    const { open, fromAddress } = (at % 2 === 0 ? one! : two!).add(`10.0.${at >> 8}.${at & 255}`);
    assertEquals([open, fromAddress], [at + 1, 1]);
  }
});

Deno.test("connection counts: a /64 of IPv6 is one address, over all nodes, and its neighbour is another", () => {
  const nodes = nodesOf(2, 100);
  const releases: (() => void)[] = [];
  const add = (address: string) => {
    const { fromAddress, release } = nodes[releases.push(() => release()) % 2]!.add(address);
    return fromAddress;
  };
  const ofSite = Array.from({ length: 50 }, (_, at) => add(`2001:db8:0:1:${at.toString(16)}::${at + 1}`));
  assertEquals(ofSite, Array.from({ length: 50 }, (_, at) => at + 1));
  assertEquals(add("2001:db8:0:2::1"), 1);
  assertEquals([add("192.0.2.1"), add("192.0.2.2")], [1, 1]);
  for (const release of releases) release();
  assertEquals([nodes[0]!.open, add("2001:db8:0:1::ffff")], [0, 1]);
  // What another of the /64 left behind in a node that died is gone, too.
  nodes[0]!.add("2001:db8:0:1::a");
  nodes[1]!.add("2001:db8:0:1::b");
  nodes[0]!.forget(0);
  nodes[0]!.forget(1);
  assertEquals(nodes[1]!.add("2001:db8:0:1::c").fromAddress, 1);
});

Deno.test("connection counts: where there is no room to count, it is as many as can be", () => {
  const [counts] = nodesOf(1, 1);
  let added = counts!.add("10.0.0.0");
  for (let at = 1; added.open <= at && at < 100; at++) added = counts!.add(`10.0.0.${at}`);
  assertEquals([added.open, added.fromAddress], [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]);
});

Deno.test("connection counts: entries of addresses that have gone are used again", () => {
  const [counts] = nodesOf(1, 4);
  for (let at = 0; at < 10_000; at++) {
    const { fromAddress, release } = counts!.add(`10.0.${at >> 8}.${at & 255}`);
    assertEquals(fromAddress, 1);
    release();
  }
  assertEquals(counts!.open, 0);
});

Deno.test("connection counts: threads that race never pass a limit on them", async () => {
  const threads = 4, limit = 50;
  const table = newConnectionTable(threads, 1000, 7);
  const held = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const results = await Promise.all(
    Array.from({ length: threads }, (_, node) =>
      new Promise<{ most: number; admitted: number }>((resolve) => {
        const worker = new Worker(new URL("../../support/racing_node.ts", import.meta.url), { type: "module" });
        worker.onmessage = ({ data }) => {
          worker.terminate();
          resolve(data);
        };
        worker.postMessage({ table, node, limit, held });
      })),
  );
  const admitted = results.reduce((sum, result) => sum + result.admitted, 0);
  assert(admitted > 0);
  for (const { most } of results) assert(most <= limit, `${most} at the same time`);
  assertEquals(new ConnectionCounts(table, 0).open, 0);
});
