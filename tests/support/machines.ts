/**
 * The program in its roles, as on several machines: control planes and relays, each a process of its own that is started
 * as an operator starts it.
 *
 *     await using api = await startApi();
 *     await using edge = await startEdge([urlOf(api)], world);
 */
import { startDnsServer } from "./dns_server.ts";
import { freePort } from "./free_port.ts";
import { NextHopServer } from "./next_hop_server.ts";
import { ZONE } from "./node.ts";
import { type RelayProcess, startRelay } from "./relay_process.ts";

export const RELAY_TOKEN = "relay-token-of-the-tests";

/** What is around the relays. */
export interface World extends AsyncDisposable {
  readonly nextHop: NextHopServer;
  /** The settings with which a relay finds it. */
  readonly settings: Record<string, string>;
}

export async function startWorld(): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const nextHop = stack.use(await NextHopServer.start());
  const dns = stack.use(startDnsServer(ZONE));
  const cleanUp = stack.move();
  return {
    nextHop,
    settings: {
      MAILHOP_DNS: `${dns.hostname}:${dns.port}`,
      MAILHOP_ROUTES: `*=127.0.0.1:${nextHop.port}`,
    },
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}

export function startApi(settings: Record<string, string> = {}): Promise<RelayProcess> {
  return startRelay({ MAILHOP_ROLE: "api", MAILHOP_RELAY_TOKEN: RELAY_TOKEN, ...settings });
}

/** The settings of a process in role `relay`. What the control plane alone has a use for is left empty. */
export function edgeSettings(urls: readonly string[], world: World): Record<string, string> {
  return {
    MAILHOP_ROLE: "relay",
    MAILHOP_API_URL: urls.join(),
    MAILHOP_RELAY_TOKEN: RELAY_TOKEN,
    MAILHOP_ADMIN_TOKEN: "",
    MAILHOP_ACTIVATION_DELAY: "",
    MAILHOP_ALLOW_PLAINTEXT_AUTH: "true",
    MAILHOP_WORKERS: "1",
    ...world.settings,
  };
}

export function startEdge(
  urls: readonly string[],
  world: World,
  settings: Record<string, string> = {},
): Promise<RelayProcess> {
  return startRelay({ ...edgeSettings(urls, world), ...settings });
}

/** Settings that keep a process where it is when it is started again. */
export function fixedPlace(dataDir: string): Record<string, string> {
  const address = () => `127.0.0.1:${freePort()}`;
  return {
    MAILHOP_DATA_DIR: dataDir,
    MAILHOP_SMTP_LISTEN: address(),
    MAILHOP_SMTPS_LISTEN: address(),
    MAILHOP_HTTP_LISTEN: address(),
  };
}

export const urlOf = ({ httpPort }: { readonly httpPort: number }) => `http://127.0.0.1:${httpPort}`;

/** What a process says of its readiness. */
export async function readinessOf(process: { readonly httpPort: number }): Promise<Record<string, string>> {
  const response = await fetch(`${urlOf(process)}/readyz`);
  const { status, checks } = await response.json();
  return { status, ...checks };
}
