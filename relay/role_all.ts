/** Role `all`: control plane and nodes in one process; the nodes' `fetch` is the app itself. A composition root. */
import { shownToken } from "./admin_token.ts";
import { createResolver } from "./dns/resolver.ts";
import { systemNameServers } from "./dns/resolv_conf.ts";
import { examine } from "./doctor/examination.ts";
import { portsOf } from "./listeners.ts";
import { withMetrics } from "./metrics/endpoint.ts";
import { ProcessMetrics } from "./metrics/process_metrics.ts";
import { prepareNodes } from "./nodes.ts";
import { outgoingAddresses } from "./outgoing_addresses.ts";
import { nodeParameters, planeParameters } from "./policy/parameters.ts";
import { planeTokens } from "./plane_tokens.ts";
import type { RoleSurroundings, RunningRole } from "./running_role.ts";
import { serveHttp } from "./serve_http.ts";
import type { Settings } from "./settings.ts";
import { startControlPlane } from "./start_control_plane.ts";

/** @returns mistakes of the settings. @throws {CannotStart | PortUnavailable | NodeNotStarted} */
export async function startAll(
  { plane, nodes: nodeSettings }: Extract<Settings, { readonly role: "all" }>,
  surroundings: RoleSurroundings,
): Promise<RunningRole | readonly string[]> {
  const { now, monotonic, randomBytes, closing } = surroundings;
  const tokens = await planeTokens(plane, randomBytes);
  const nodes = await prepareNodes(nodeSettings, surroundings);
  if (!("start" in nodes)) return nodes;
  const { endpoints } = nodes;
  const metrics = closing.use(new ProcessMetrics({ ...surroundings, role: "all", region: plane.region, nodes }));
  const resolver = closing.use(createResolver(plane.dns ?? await systemNameServers()));
  const controlPlane = await startControlPlane({
    ...surroundings,
    settings: plane,
    adminToken: tokens.admin.token,
    relayToken: tokens.relay,
    resolver,
    parameters: planeParameters(plane, nodeParameters(nodeSettings)),
    outgoingAddresses: () => outgoingAddresses(nodeSettings, resolver),
    examineMachine: () =>
      examine({
        serviceName: plane.serviceName,
        dataDir: plane.dataDir,
        routesAll: nodeSettings.routes.rest !== null,
        certificate: () => ({ certificate: nodes.certificate, own: nodeSettings.tlsFiles === null }),
        resolver: resolver.fresh(),
        now,
        monotonic,
      }),
    ports: {
      starttls: portsOf(endpoints.open.filter(({ tls }) => !tls)),
      tls: portsOf(endpoints.open.filter(({ tls }) => tls)),
    },
    readiness: () => Promise.resolve(nodes.troubles()),
    figures: metrics,
  }, closing);
  closing.use(
    serveHttp(
      plane.httpListen,
      withMetrics(metrics, monotonic, (request, info) => controlPlane.app.fetch(request, info)),
    ),
  );
  await nodes.start({ fetch: controlPlane.fetch, token: tokens.relay });
  return {
    facts: {
      role: "all",
      serviceName: plane.serviceName,
      dataDir: plane.dataDir,
      listeners: endpoints.open,
      leftOut: endpoints.leftOut,
      http: plane.httpListen,
      adminToken: { file: tokens.admin.file, shown: shownToken(tokens.admin) },
      authorityFile: nodes.authorityFile,
      activationDelayMs: plane.activationDelayMs,
    },
    drain: () => nodes.drain(),
  };
}
