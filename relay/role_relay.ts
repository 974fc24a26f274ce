/**
 * Role `relay`: nodes alone, whose control plane is elsewhere; their `fetch` goes there over HTTP. A composition root
 * that loads nothing of the control plane but the type of its client.
 */
import { ClockWatch, skewWords } from "./clock_watch.ts";
import { openOrigin } from "./direct_fetch.ts";
import { withMetrics } from "./metrics/endpoint.ts";
import { ProcessMetrics } from "./metrics/process_metrics.ts";
import { prepareNodes } from "./nodes.ts";
import { ReachOfControlPlane } from "./reach_of_control_plane.ts";
import { type Check, relayHealth } from "./relay_health.ts";
import { RemoteControlPlane } from "./remote_control_plane.ts";
import type { RoleSurroundings, RunningRole } from "./running_role.ts";
import { serveHttp } from "./serve_http.ts";
import type { Settings } from "./settings.ts";

/** A Date header has whole seconds, cut off. */
const HALF_SECOND_MS = 500;

/** @returns mistakes of the settings. @throws {PortUnavailable | NodeNotStarted} */
export async function startRelay(
  { nodes: settings, remote }: Extract<Settings, { readonly role: "relay" }>,
  surroundings: RoleSurroundings,
): Promise<RunningRole | readonly string[]> {
  const { now, monotonic, log, closing } = surroundings;
  const nodes = await prepareNodes(settings, surroundings);
  if (!("start" in nodes)) return nodes;
  const reach = new ReachOfControlPlane({
    monotonic,
    onRefused: (words, status) => log.error(`the control plane ${words}`, { status }),
  });
  // The nodes themselves tell of a clock that is wrong.
  const clock = new ClockWatch({ now, onChange: () => {} });
  const controlPlane = closing.use(
    new RemoteControlPlane({
      origins: remote.urls.map(openOrigin),
      monotonic,
      onNews: (message, facts) => log.warn(message, facts),
      onAnswer: (answer, roundTripMs) => {
        reach.answered(answer);
        const date = Date.parse(answer.headers.get("date") ?? "");
        if (!Number.isNaN(date)) clock.heard(date + HALF_SECOND_MS, roundTripMs);
      },
    }),
  );
  const checks = (): Record<string, Check> => {
    const troubles = nodes.troubles();
    return {
      nodes: okUnless(troubles.nodes),
      listeners: okUnless(troubles.listeners),
      spool: okUnless(troubles.spool),
      "control plane": reach.check,
      // It is shown, and mail goes on: see the failure table.
      clock: { ok: true, words: clock.comparison?.apart ? skewWords(clock.comparison.aheadMs) : "ok" },
    };
  };
  const metrics = closing.use(
    new ProcessMetrics({ ...surroundings, role: "relay", region: settings.region, nodes }),
  );
  closing.use(serveHttp(settings.httpListen, withMetrics(metrics, monotonic, relayHealth(checks))));
  await nodes.start({ fetch: controlPlane.fetch, token: remote.token });
  return {
    facts: {
      role: "relay",
      serviceName: settings.serviceName,
      dataDir: settings.dataDir,
      listeners: nodes.endpoints.open,
      leftOut: nodes.endpoints.leftOut,
      http: settings.httpListen,
      controlPlane: remote.urls,
      authorityFile: nodes.authorityFile,
      notReady: Object.entries(checks()).flatMap(([name, { ok, words }]) => ok ? [] : [`${name}: ${words}`]),
    },
    drain: () => nodes.drain(),
  };
}

function okUnless(trouble: string | null): Check {
  return { ok: trouble === null, words: trouble ?? "ok" };
}
