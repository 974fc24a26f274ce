/** Role `api`: the control plane alone, for nodes in other processes. A composition root. */
import { obtainAdminToken, shownToken } from "./admin_token.ts";
import { CannotStart } from "./cannot_start.ts";
import { createResolver } from "./dns/resolver.ts";
import { systemNameServers } from "./dns/resolv_conf.ts";
import { examineControlPlane } from "./doctor/examination.ts";
import { portsOf } from "./listeners.ts";
import { withMetrics } from "./metrics/endpoint.ts";
import { ProcessMetrics } from "./metrics/process_metrics.ts";
import { outgoingAddresses } from "./outgoing_addresses.ts";
import { planeParameters } from "./policy/parameters.ts";
import type { RoleSurroundings, RunningRole } from "./running_role.ts";
import { serveHttp } from "./serve_http.ts";
import type { Settings } from "./settings.ts";
import { startControlPlane } from "./start_control_plane.ts";

const TOKEN_OCTETS = 32;
/** Mail leaves from the relays: the service's name leads to them. */
const SYSTEM_CHOICE = { ipv4: null, ipv6: null };

/** @throws {CannotStart | PortUnavailable} */
export async function startApi(
  { plane }: Extract<Settings, { readonly role: "api" }>,
  surroundings: RoleSurroundings,
): Promise<RunningRole> {
  const { now, monotonic, randomBytes, closing } = surroundings;
  const adminToken = await obtainAdminToken({ path: plane.dataDir, given: plane.adminToken, randomBytes });
  if (typeof adminToken === "string") throw new CannotStart(adminToken);
  const resolver = closing.use(createResolver(plane.dns ?? await systemNameServers()));
  const metrics = closing.use(new ProcessMetrics({ ...surroundings, role: "api", region: plane.region, nodes: null }));
  const controlPlane = await startControlPlane({
    ...surroundings,
    settings: plane,
    adminToken: adminToken.token,
    // Where none is set, nobody has the shared one, and each machine needs one of its own.
    relayToken: plane.relayToken ?? randomBytes(TOKEN_OCTETS).toHex(),
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
    withMetrics(metrics, monotonic, (request) => controlPlane.app.fetch(request)),
  );
  closing.use(http);
  return {
    facts: {
      role: "api",
      serviceName: plane.serviceName,
      dataDir: plane.dataDir,
      http: plane.httpListen,
      adminToken: { file: adminToken.file, shown: shownToken(adminToken) },
      sharedToken: plane.relayToken !== null,
    },
    drain: async () => await http[Symbol.asyncDispose](),
  };
}
