/** Role `api`: the control plane alone, for nodes in other processes. A composition root. */
import { shownToken } from "./admin_token.ts";
import { createResolver } from "./dns/resolver.ts";
import { systemNameServers } from "./dns/resolv_conf.ts";
import { examineControlPlane } from "./doctor/examination.ts";
import { portsOf } from "./listeners.ts";
import { withMetrics } from "./metrics/endpoint.ts";
import { ProcessMetrics } from "./metrics/process_metrics.ts";
import { outgoingAddresses } from "./outgoing_addresses.ts";
import { planeParameters } from "./policy/parameters.ts";
import { planeTokens } from "./plane_tokens.ts";
import type { RoleSurroundings, RunningRole } from "./running_role.ts";
import { serveHttp } from "./serve_http.ts";
import type { Settings } from "./settings.ts";
import { startControlPlane } from "./start_control_plane.ts";

/** Mail leaves from the relays: the service's name leads to them. */
const SYSTEM_CHOICE = { ipv4: null, ipv6: null };

/** @throws {CannotStart | PortUnavailable} */
export async function startApi(
  { plane }: Extract<Settings, { readonly role: "api" }>,
  surroundings: RoleSurroundings,
): Promise<RunningRole> {
  const { now, monotonic, randomBytes, closing } = surroundings;
  const tokens = await planeTokens(plane, randomBytes);
  const resolver = closing.use(createResolver(plane.dns ?? await systemNameServers()));
  const metrics = closing.use(new ProcessMetrics({ ...surroundings, role: "api", region: plane.region, nodes: null }));
  const controlPlane = await startControlPlane({
    ...surroundings,
    settings: plane,
    adminToken: tokens.admin.token,
    relayToken: tokens.relay,
    resolver,
    parameters: planeParameters(plane),
    outgoingAddresses: () =>
      outgoingAddresses({ hostname: plane.serviceName, sourceAddresses: SYSTEM_CHOICE }, resolver),
    examineMachine: () =>
      examineControlPlane({
        dataDir: plane.database === null ? plane.dataDir : null,
        resolver: resolver.fresh(),
        now,
        monotonic,
      }),
    ports: { starttls: portsOf(plane.smtpListen), tls: portsOf(plane.smtpsListen) },
    readiness: () => Promise.resolve({}),
    figures: metrics,
  }, closing);
  const http = serveHttp(
    plane.httpListen,
    withMetrics(metrics, monotonic, (request, info) => controlPlane.app.fetch(request, info)),
  );
  closing.use(http);
  return {
    facts: {
      role: "api",
      serviceName: plane.serviceName,
      dataDir: plane.dataDir,
      http: plane.httpListen,
      adminToken: { file: tokens.admin.file, shown: shownToken(tokens.admin) },
      sharedToken: plane.relayToken !== null,
    },
    drain: async () => await http[Symbol.asyncDispose](),
  };
}
