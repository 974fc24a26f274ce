import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ConnectionLimits, newConnectionTable } from "../../../relay/smtp/connection_limits.ts";

function nodesOf(nodes: number, maxConnections: number, maxConnectionsPerAddress: number): ConnectionLimits[] {
  const table = newConnectionTable({ nodes, maxConnections, maxConnectionsPerAddress, seed: 7 });
  return Array.from({ length: nodes }, (_, node) => new ConnectionLimits(table, node));
}

Deno.test("connection limits: any order of coming, going and dying nodes counts as a naive list does", () => {
  const action = fc.oneof(
    fc.record({ is: fc.constant("come" as const), node: fc.nat(2), address: fc.nat(4) }),
    fc.record({ is: fc.constant("go" as const), which: fc.nat(20) }),
    fc.record({ is: fc.constant("die" as const), node: fc.nat(2) }),
  );
  fc.assert(fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
    const nodes = nodesOf(3, 6, 3);
    let open: { node: number; address: string; release: () => void }[] = [];
    for (const action of actions) {
      if (action.is === "come") {
        const address = `192.0.2.${action.address}`, { node } = action;
        const expected = open.length >= 6
          ? "all"
          : open.filter((other) => other.address === address).length >= 3
          ? "address"
          : "in";
        const admitted = nodes[node]!.admit(address);
        assertEquals(admitted.ok ? "in" : admitted.limit, expected);
        if (admitted.ok) open.push({ node, address, release: admitted.release });
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

Deno.test("connection limits: ten thousand addresses, each with its own count", () => {
  const [one, two] = nodesOf(2, 10_000, 1);
  for (let at = 0; at < 10_000; at++) {
    const admitted = (at % 2 === 0 ? one! : two!).admit(`10.0.${at >> 8}.${at & 255}`);
    assert(admitted.ok, `address ${at}`);
  }
  assertEquals(one!.admit("192.0.2.1"), { ok: false, limit: "all" });
});

Deno.test("connection limits: entries of addresses that have gone are used again", () => {
  const [limits] = nodesOf(1, 4, 4);
  for (let at = 0; at < 10_000; at++) {
    const admitted = limits!.admit(`10.0.${at >> 8}.${at & 255}`);
    if (!admitted.ok) throw new Error(`no room for address ${at}`);
    admitted.release();
  }
  assertEquals(limits!.open, 0);
});

Deno.test("connection limits: threads that race never pass them", async () => {
  const threads = 4, limit = 50;
  const table = newConnectionTable({
    nodes: threads,
    maxConnections: 1000,
    maxConnectionsPerAddress: limit,
    seed: 7,
  });
  const held = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  const results = await Promise.all(
    Array.from({ length: threads }, (_, node) =>
      new Promise<{ most: number; admitted: number }>((resolve) => {
        const worker = new Worker(new URL("../../support/racing_node.ts", import.meta.url), { type: "module" });
        worker.onmessage = ({ data }) => {
          worker.terminate();
          resolve(data);
        };
        worker.postMessage({ table, node, held });
      })),
  );
  const admitted = results.reduce((sum, result) => sum + result.admitted, 0);
  assert(admitted > 0);
  for (const { most } of results) assert(most <= limit, `${most} at the same time`);
  assertEquals(new ConnectionLimits(table, 0).open, 0);
});
