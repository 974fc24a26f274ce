/** /metrics of real processes, in every role: what moves, who is named, and that alerts and dashboard ask for what is there. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { parse } from "@std/yaml";
import { join } from "@std/path";
import { type Exposition, metricsOf } from "../support/exposition.ts";
import { startApi, startEdge, startWorld, urlOf } from "../support/machines.ts";
import { OctetClient } from "../support/octet_client.ts";
import { latin1 } from "../support/octets.ts";
import { eventually, openAccount, type RelayProcess, ROOT, startRelay } from "../support/relay_process.ts";

const CONTENT = latin1("From: anna@example.com\r\nSubject: figures\r\n\r\nHello\r\n");
const MESSAGES = 5;

async function send(relay: RelayProcess, password: string, count: number): Promise<void> {
  await using client = await OctetClient.open(relay, "anna", password);
  for (let sent = 0; sent < count; sent++) await client.send("anna@example.com", ["ben@example.net"], CONTENT);
}

/** The figures, when so many messages are delivered. */
const delivered = (relay: RelayProcess, count: number) =>
  eventually(async () => {
    const figures = await metricsOf(relay);
    return figures.sum("mailhop_events_total", { type: "delivered" }) === count ? figures : undefined;
  }, `${count} deliveries`);

/** What alerts and dashboard ask for, beside what Prometheus itself knows. */
async function namesAskedFor(): Promise<Set<string>> {
  const rules = parse(await Deno.readTextFile(join(ROOT, "deploy", "alerts.yaml"))) as {
    groups: { rules: { alert: string; expr: string; for: string; annotations: Record<string, string> }[] }[];
  };
  const alerts = rules.groups.flatMap(({ rules }) => rules);
  for (const { alert, for: wait, annotations } of alerts) {
    assert(/^\d+[mh]$/.test(wait) && annotations.summary && annotations.action, `${alert}: for, summary, action`);
  }
  const { panels } = JSON.parse(await Deno.readTextFile(join(ROOT, "deploy", "dashboard.json"))) as {
    panels: { targets: { expr: string }[] }[];
  };
  const asked = [...alerts, ...panels.flatMap(({ targets }) => targets)].map(({ expr }) => expr);
  return new Set(asked.flatMap((expr) => expr.match(/\b(?:mailhop|process)_[a-z_]+/g) ?? []));
}

function missing(names: Iterable<string>, figures: Exposition): string[] {
  return [...names].filter((name) => !figures.types.has(name) && !figures.types.has(name.replace(/_bucket$/, "")));
}

Deno.test("metrics: role all tells of mail, decisions, reservations, calls, nodes and certificate", async () => {
  await using world = await startWorld();
  await using relay = await startRelay({ ...world.settings, MAILHOP_WORKERS: "2", MAILHOP_REGION: "here" });
  const before = await metricsOf(relay);
  assertEquals(before.sum("mailhop_events_total"), 0);
  const password = await openAccount(relay, "anna");
  await send(relay, password, MESSAGES);
  const after = await delivered(relay, MESSAGES);
  assertEquals(after.sum("mailhop_events_total", { type: "accepted" }), MESSAGES);
  assertEquals(after.sum("mailhop_accepted_bytes_total"), MESSAGES * CONTENT.length);
  assert(after.sum("mailhop_decisions_total", { reason: "Accepted" }) > MESSAGES);
  assertEquals(after.sum("mailhop_reservations_total", { outcome: "granted" }), MESSAGES);
  assert(after.sum("mailhop_control_plane_calls_total", { route: "reservations", outcome: "answered" }) > 0);
  assert(after.sum("mailhop_counter_calls_total", { operation: "reserve", outcome: "answered" }) > 0);
  assert(after.sum("mailhop_http_requests_total", { status: "2xx" }) > 0);
  assertEquals([after.sum("mailhop_nodes"), after.sum("mailhop_nodes_up"), after.sum("mailhop_silent_nodes")], [
    2,
    2,
    0,
  ]);
  assertEquals(after.sum("mailhop_info", { role: "all", region: "here" }), 1);
  assertEquals(after.sum("mailhop_control_plane_away"), 0);
  assert(after.sum("mailhop_certificate_end_timestamp_seconds") > Date.now() / 1000);
  assert(after.sum("process_resident_memory_bytes") > 1e7);
  assertEquals(missing(await namesAskedFor(), after), []);
  const named = [...after.samples.keys()].filter((series) => /anna|ben|example/.test(series));
  assertEquals(named, [], "nothing of a customer is in a label");
});

Deno.test("metrics: queued mail has a number and an age, and a refusal its reason", async () => {
  await using world = await startWorld();
  await using relay = await startRelay({ ...world.settings, MAILHOP_ROUTES: "*=127.0.0.1:1", MAILHOP_WORKERS: "1" });
  const password = await openAccount(relay, "anna");
  await send(relay, password, 1);
  await using stranger = await OctetClient.open(relay, "anna", password);
  await assertRejects(() => stranger.send("anna@no-such.test", ["ben@example.net"], CONTENT), Error, "550 5.1.8");
  const figures = await eventually(async () => {
    const figures = await metricsOf(relay);
    const isDeferred = figures.sum("mailhop_events_total", { type: "deferred" }) > 0;
    return isDeferred && figures.sum("mailhop_oldest_queued_message_seconds") > 0 ? figures : undefined;
  }, "a deferral");
  assertEquals(figures.sum("mailhop_queued_messages"), 1);
  assert(figures.sum("mailhop_spool_segment_bytes") > 0);
  assertEquals(figures.sum("mailhop_decisions_total", { reason: "SenderDomainMissing" }), 1);
});

Deno.test("metrics: api and relay each tell their part, and the relay that its control plane is away", async () => {
  await using world = await startWorld();
  await using api = await startApi();
  await using edge = await startEdge([urlOf(api)], world);
  await send(edge, await openAccount(api, "anna"), 1);
  const ofEdge = await delivered(edge, 1);
  assertEquals(ofEdge.sum("mailhop_info", { role: "relay" }), 1);
  const ofApi = await metricsOf(api);
  assertEquals(ofApi.sum("mailhop_info", { role: "api" }), 1);
  assert(ofApi.sum("mailhop_http_requests_total", { status: "2xx" }) > 0, "the relay's calls");
  assert(ofApi.sum("mailhop_counter_calls_total", { operation: "reserve", outcome: "answered" }) > 0);
  assertEquals(ofApi.types.has("mailhop_nodes"), false);
  await api.stop();
  await eventually(async () => {
    const figures = await metricsOf(edge);
    const lost = figures.sum("mailhop_control_plane_calls_total", { outcome: "lost" }) +
      figures.sum("mailhop_control_plane_calls_total", { outcome: "failed" });
    return figures.sum("mailhop_control_plane_away") === 1 && lost > 0 || undefined;
  }, "the control plane to be away");
});
