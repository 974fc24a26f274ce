/**
 * Question: what does a node's counting cost a message, and what does a look at /metrics cost the node?
 * Unit: µs of CPU; median of the rounds, with min and max.
 * Workload: what a message with one recipient counts: two events, five decisions, a reservation, three calls of the
 * control plane (they are shared under load); 50,000 in a round. A snapshot with all reasons and routes in use; 500 in
 * a round. Nine rounds, after one that does not count.
 * Machine: it says which.
 *
 *     deno run --allow-all --cached-only tests/bench/metrics.ts
 */
import Table from "cli-table3";
import { NodeMetrics } from "../../relay/metrics/node_metrics.ts";
import { Reason } from "../../policy/mod.ts";
import { acceptedEvent } from "../../relay/spool/accepted_event.ts";
import { envelope } from "../support/spool_on_disk.ts";
import { quantile } from "./watched_relay.ts";

const ROUNDS = 9, MESSAGES = 50_000, SNAPSHOTS = 500;
const ROUTES = ["login", "accounts", "reservations", "settlements", "leases", "policy", "events", "queue", "decisions"];

const metrics = new NodeMetrics({ now: () => 0, monotonic: () => 0 }, null);
const accepted = acceptedEvent(envelope("m1"));
const delivered = { ...accepted, type: "delivered" } as unknown as typeof accepted;
for (const reason of Object.values(Reason)) if (typeof reason === "number") metrics.decided(reason);
for (const route of ROUTES) metrics.called(route, "answered", 1);

function countMessages(): number {
  const from = performance.now();
  for (let n = 0; n < MESSAGES; n++) {
    for (let decisions = 0; decisions < 5; decisions++) metrics.decided(Reason.Accepted);
    metrics.reserved("lease", true);
    for (let calls = 0; calls < 3; calls++) metrics.called(ROUTES[calls]!, "answered", 1);
    metrics.happened(accepted);
    metrics.happened(delivered);
  }
  return (performance.now() - from) * 1000 / MESSAGES;
}

async function takeSnapshots(): Promise<number> {
  const from = performance.now();
  for (let n = 0; n < SNAPSHOTS; n++) structuredClone(await metrics.snapshot());
  return (performance.now() - from) * 1000 / SNAPSHOTS;
}

const counting: number[] = [], snapshots: number[] = [];
for (let round = -1; round < ROUNDS; round++) {
  const [message, snapshot] = [countMessages(), await takeSnapshots()];
  if (round < 0) continue;
  counting.push(message);
  snapshots.push(snapshot);
}
const spread = (values: readonly number[]) => [0.5, 0, 1].map((part) => quantile(values, part).toFixed(1));
const table = new Table({ head: ["µs", "median", "min", "max"] });
table.push(["a message", ...spread(counting)], ["a snapshot, cloned", ...spread(snapshots)]);
console.log(`${navigator.hardwareConcurrency} cores, Deno ${Deno.version.deno}\n${table}`);
