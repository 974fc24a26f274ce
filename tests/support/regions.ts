/**
 * A service in three regions, of real processes: in each a control plane and a relay; one PostgreSQL and one Redis for
 * all of them. What goes from a region to these two takes its time, as far as the region is away.
 */
import { startDnsServer } from "./dns_server.ts";
import { Draw } from "./draw.ts";
import { NextHopServer } from "./next_hop_server.ts";
import { startPostgres, type TestPostgres } from "./postgres.ts";
import { startRedis, type TestRedis } from "./redis.ts";
import { type RelayProcess, startRelay } from "./relay_process.ts";
import { GOOD_WAY, UnreliableProxy, type Way } from "./unreliable_proxy.ts";

export const RELAY_TOKEN = "test-relay-token";

export interface RegionOptions {
  readonly name: string;
  /** To PostgreSQL and Redis, and back, ms. */
  readonly roundTripMs: number;
  /** What happens on the way to Redis beside. */
  readonly way?: Omit<Way, "latencyMs">;
}

export interface Region {
  readonly name: string;
  readonly api: RelayProcess;
  readonly relay: RelayProcess;
  readonly toRedis: UnreliableProxy;
}

export interface Regions extends AsyncDisposable {
  readonly redis: TestRedis;
  readonly postgres: TestPostgres;
  readonly nextHop: NextHopServer;
  readonly world: World;
  readonly regions: readonly Region[];
}

/** @param settings of all control planes. */
export async function startRegions(
  options: readonly RegionOptions[],
  settings: Readonly<Record<string, string>> = {},
): Promise<Regions> {
  await using stack = new AsyncDisposableStack();
  const postgres = stack.use(await startPostgres());
  const database = stack.use(await postgres.newDatabase());
  const redis = stack.use(await startRedis());
  const nextHop = stack.use(await NextHopServer.start());
  const dns = stack.use(startDnsServer({ "example.com": { A: ["192.0.2.1"] } }));
  const { port, user, database: name } = database.location;
  const gatewayPort = Number(new URL(redis.location.url).port);
  const regions: Region[] = [];
  const world = { nextHop, dns: dns.setting };
  for (const { name: region, roundTripMs, way = GOOD_WAY } of options) {
    const latencyMs = roundTripMs / 2;
    const toPostgres = stack.use(new UnreliableProxy(port, { ...GOOD_WAY, latencyMs }, new Draw(1)));
    const toRedis = stack.use(new UnreliableProxy(gatewayPort, { ...way, latencyMs }, new Draw(regions.length)));
    const api = stack.use(
      await startRelay({
        ...settings,
        MAILHOP_ROLE: "api",
        MAILHOP_REGION: region,
        MAILHOP_RELAY_TOKEN: RELAY_TOKEN,
        DATABASE_URL: `postgres://${user}@127.0.0.1:${toPostgres.port}/${name}`,
        UPSTASH_REDIS_REST_URL: `http://127.0.0.1:${toRedis.port}`,
        UPSTASH_REDIS_REST_TOKEN: redis.location.token,
      }),
    );
    regions.push({ name: region, api, relay: stack.use(await startRelayIn({ name: region, api }, world)), toRedis });
  }
  const cleanUp = stack.move();
  return { redis, postgres, nextHop, world, regions, [Symbol.asyncDispose]: () => cleanUp.disposeAsync() };
}

/** What relays find around them. */
export interface World {
  readonly nextHop: Pick<NextHopServer, "port">;
  /** `MAILHOP_DNS`. */
  readonly dns: string;
}

/** A relay that has the region's control plane to ask, and no other. */
export const startRelayIn = (
  { name, api }: { readonly name: string; readonly api: Pick<RelayProcess, "httpPort"> },
  { nextHop, dns }: World,
  environment: Readonly<Record<string, string>> = {},
): Promise<RelayProcess> =>
  startRelay({
    MAILHOP_ROLE: "relay",
    MAILHOP_ADMIN_TOKEN: "",
    MAILHOP_ACTIVATION_DELAY: "",
    MAILHOP_REGION: name,
    MAILHOP_API_URL: `http://127.0.0.1:${api.httpPort}`,
    MAILHOP_RELAY_TOKEN: RELAY_TOKEN,
    MAILHOP_DNS: dns,
    MAILHOP_ROUTES: `*=127.0.0.1:${nextHop.port}`,
    MAILHOP_WORKERS: "1",
    MAILHOP_MAX_CONNECTIONS_PER_ADDRESS: "1000",
    MAILHOP_MAX_MESSAGES_PER_CONNECTION: "100000",
    ...environment,
  });
