import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { countedCounters } from "../../../api/counters/counted.ts";
import type { Counters } from "../../../api/counters/counters.ts";
import { CountersUnavailable } from "../../../api/counters/trouble.ts";
import { withMetrics } from "../../../relay/metrics/endpoint.ts";
import { ProcessMetrics } from "../../../relay/metrics/process_metrics.ts";
import { readExposition } from "../../support/exposition.ts";

const openMetrics = () =>
  new ProcessMetrics({
    role: "api",
    region: "here",
    now: () => 0,
    monotonic: () => 0,
    nodes: null,
    residentOctets: () => 1,
  });

const INFO: Deno.ServeHandlerInfo<Deno.NetAddr> = {
  remoteAddr: { transport: "tcp", hostname: "192.0.2.1", port: 1 },
  completed: Promise.resolve(),
};

Deno.test("/metrics: other requests are counted by the class of their status, looks at it are not", async () => {
  using metrics = openMetrics();
  let now = 0;
  const handler = withMetrics(metrics, () => now, ({ url }) => {
    now += 300;
    return new Response(null, { status: url.endsWith("/none") ? 404 : 200 });
  });
  const ask = async (path: string, method = "GET") =>
    await handler(new Request(`http://relay.test${path}`, { method }), INFO);
  for (const path of ["/v1/accounts", "/v1/accounts/anna", "/none", "/metrics"]) await ask(path);
  assertEquals((await ask("/metrics", "POST")).status, 405);
  const figures = readExposition(await (await ask("/metrics?x=1")).text());
  const statuses = ["2xx", "4xx"].map((status) => figures.sum("mailhop_http_requests_total", { status }));
  assertEquals([statuses, figures.sum("mailhop_http_requests_total")], [[2, 1], 3]);
  assertEquals(figures.sum("mailhop_http_request_seconds_bucket", { le: "0.1" }), 0);
  assertEquals(figures.sum("mailhop_http_request_seconds_bucket", { le: "0.5" }), 3);
});

Deno.test("/metrics: calls of the counters by what came of them; trouble is thrown on", async () => {
  using metrics = openMetrics();
  const counters = countedCounters(
    {
      wanted: () => Promise.resolve(["anna"]),
      today: () => Promise.reject(new CountersUnavailable()),
    } as unknown as Counters,
    (operation, outcome) => metrics.counted(operation, outcome),
  );
  assertEquals(await counters.wanted(["anna"]), ["anna"]);
  await assertRejects(() => counters.today([]), CountersUnavailable);
  metrics.troubled("counters");
  const text = await metrics.text();
  assertMatch(text, /^mailhop_counter_calls_total\{operation="wanted",outcome="answered"\} 1$/m);
  assertMatch(text, /^mailhop_counter_calls_total\{operation="today",outcome="failed"\} 1$/m);
  assertMatch(text, /^mailhop_troubles_total\{kind="counters"\} 1$/m);
  assertMatch(text, /^mailhop_troubles_total\{kind="database"\} 0$/m);
});
