/** What the operator sees of a node that takes mail and leases relays: from what the node says every second to /v1/nodes. */
import { assert, assertEquals } from "@std/assert";
import type { NodeLeases, NodeLoad } from "../../api/client.ts";
import { type DatabaseLocation, IN_MEMORY } from "../../api/store/database.ts";
import { MESSAGE, startTestNode, type TestNode } from "../support/node.ts";
import { testsOnPostgres } from "../support/postgres.ts";
import { eventually } from "../support/relay_process.ts";

interface NodeFacts {
  readonly region: string;
  readonly version: string;
  readonly queued: number;
  readonly load: NodeLoad;
  readonly leases: NodeLeases;
}

/** Enough in a few seconds for a lease. */
const MESSAGES = 30;
/** Longer than the minute of which it tells. */
const LATER_MS = 61_000;

/** What the control plane has of it, as soon as that is as it should be. */
const seen = (node: TestNode, isRight: (facts: NodeFacts) => boolean): Promise<NodeFacts> =>
  eventually(async () => {
    // It stores what changes all the time every five seconds, by its own clock.
    node.clock.now += 6000;
    const [facts] = (await node.v1<{ items: NodeFacts[] }>("GET", "/nodes")).items;
    return facts !== undefined && isRight(facts) ? facts : undefined;
  }, "the node to say so");

async function seesLoadAndLeases(database: DatabaseLocation): Promise<void> {
  await using node = await startTestNode({ database });
  await node.account("anna", { blocks: 10 });
  // What it has in delivery stays there.
  node.nextHop.script = (input) => input.startsWith("MAIL") ? "silence" : undefined;
  {
    using client = await node.login("anna");
    using _other = await node.hello();
    for (let n = 0; n < MESSAGES; n++) await client.play(MESSAGE);
    const { queued, load, leases, region } = await seen(
      node,
      ({ load, leases }) => load.acceptedPerMinute === MESSAGES && load.connections === 2 && leases.held > 0,
    );
    assertEquals([queued, load.inDelivery, region], [MESSAGES, MESSAGES, "local"]);
    assertEquals(leases.accounts, 1);
    assert(leases.relaysLeft > 0 && leases.relaysLeft < 1500, `${leases.relaysLeft} relays`);
  }
  node.clock.monotonic += LATER_MS;
  const { load, leases } = await seen(node, ({ load, leases }) => load.connections === 0 && leases.held === 0);
  assertEquals([load.acceptedPerMinute, leases.accounts, leases.relaysLeft], [0, 0, 0]);
  // Its end would wait for them.
  node.nextHop.script = () => undefined;
  node.nextHop.dropConnections();
}

Deno.test("nodes: connections, deliveries, messages a minute and leases of a node that takes mail are seen", () =>
  seesLoadAndLeases(IN_MEMORY));

const test = await testsOnPostgres();

test("nodes: load and leases are seen, on PostgreSQL", async (postgres) => {
  await using database = await postgres.newDatabase();
  await seesLoadAndLeases(database.location);
});
