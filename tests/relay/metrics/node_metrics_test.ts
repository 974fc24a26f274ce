import { assertEquals, assertRejects } from "@std/assert";
import { measuredFetch } from "../../../relay/metrics/measured_fetch.ts";
import { LoopLag } from "../../../relay/metrics/loop_lag.ts";
import { NodeMetrics } from "../../../relay/metrics/node_metrics.ts";
import { ProcessMetrics } from "../../../relay/metrics/process_metrics.ts";
import { readExposition } from "../../support/exposition.ts";
import { eventually } from "../../support/relay_process.ts";

const NOW = Date.UTC(2026, 10, 23);
const CLOCKS = { now: () => NOW, monotonic: () => 0 };

/** What a process says whose one node counts with these. */
async function told(metrics: NodeMetrics) {
  using process = new ProcessMetrics({
    role: "relay",
    region: "here",
    now: () => NOW,
    monotonic: () => 0,
    nodes: {
      metrics: async () => ({ answered: new Map([[0, await metrics.snapshot()]]), silent: 1 }),
      configured: 2,
      up: 1,
      connections: 7,
      certificateEndsAt: null,
    },
    residentOctets: () => 1,
  });
  return await process.text();
}

Deno.test("metrics: calls are named by their route alone, by what came of them, and timed where there was an answer", async () => {
  const metrics = new NodeMetrics(CLOCKS, null);
  let now = 0;
  const statuses: Record<string, number> = { login: 200, networks: 404, policy: 503 };
  const fetch = measuredFetch(
    (input) => {
      now += 50;
      const route = String(input).split("/")[5]!;
      if (statuses[route] === undefined) throw new TypeError("connection refused");
      return new Response(null, { status: statuses[route] });
    },
    metrics,
    () => now,
  );
  for (const path of ["login", "networks/192.0.2.1", "policy/modules/secret"]) {
    await fetch(`http://plane.test/v1/node/${path}`);
  }
  await assertRejects(async () => await fetch("http://plane.test/v1/node/accounts/anna"), TypeError);
  const figures = readExposition(await told(metrics));
  const calls = [...figures.samples].filter(([series]) => series.startsWith("mailhop_control_plane_calls_total"));
  assertEquals(calls.map(([series, value]) => [series.replace(/^.*\{/, "{"), value]), [
    ['{node="0",route="login",outcome="answered"}', 1],
    ['{node="0",route="networks",outcome="refused"}', 1],
    ['{node="0",route="policy",outcome="failed"}', 1],
    ['{node="0",route="accounts",outcome="lost"}', 1],
  ]);
  assertEquals(figures.sum("mailhop_control_plane_call_seconds_count"), 3);
  assertEquals(figures.sum("mailhop_control_plane_call_seconds_bucket", { le: "0.02" }), 0);
  assertEquals(figures.sum("mailhop_control_plane_call_seconds_bucket", { le: "0.1" }), 3);
});

Deno.test("metrics: shards add up while they are open; the oldest message and the clock are in seconds", async () => {
  const metrics = new NodeMetrics(CLOCKS, null);
  const shard = (queued: number, ageMs: number | null, isAway: boolean) => ({
    queued: () => queued,
    oldestAt: () => ageMs === null ? undefined : NOW - ageMs,
    segmentOctets: () => 10,
    suspended: () => 1,
    clockAheadMs: () => isAway ? null : -1500,
    isAway: () => isAway,
  });
  const away = metrics.add(shard(3, 90_000, true));
  metrics.add(shard(1, null, false));
  metrics.leases = () => ({ held: 2, accounts: 1, relaysLeft: 40 });
  const names = ["queued_messages", "oldest_queued_message_seconds", "suspended_destinations", "control_plane_away"];
  const read = async (all: readonly string[]) => {
    const figures = readExposition(await told(metrics));
    return all.map((name) => figures.sum(`mailhop_${name}`));
  };
  assertEquals(await read(names), [4, 90, 2, 1]);
  assertEquals(await read(["clock_ahead_seconds", "leases", "leased_relays"]), [-1.5, 2, 40]);
  away[Symbol.dispose]();
  assertEquals(await read(names), [1, 0, 1, 0]);
  assertEquals(await read(["silent_nodes", "silent_nodes_total", "nodes", "nodes_up", "smtp_connections"]), [
    1,
    1,
    2,
    1,
    7,
  ]);
});

Deno.test("metrics: a blocked event loop is seen once, as long as it was", async () => {
  using lag = new LoopLag(() => performance.now());
  const until = performance.now() + 500;
  while (performance.now() < until);
  const seconds = await eventually(() => lag.take() || undefined, "the delay");
  assertEquals(seconds > 0.3 && seconds < 5, true, `${seconds} s`);
  assertEquals(lag.lastMinuteMs >= seconds * 1000, true, "and for a minute by whoever wants to know of that");
});
