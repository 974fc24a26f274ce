/**
 * The services of compose.yaml, with its settings, as processes of this machine: they share its loopback as the
 * containers share theirs. Ports are other ones, and PostgreSQL, Redis and the gateway are the tests' own: the images
 * themselves are not tried here.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { parse } from "@std/yaml/parse.js";
import { MESSAGE } from "../support/node.ts";
import { needing } from "../support/installed.ts";
import { NextHopServer } from "../support/next_hop_server.ts";
import { startDnsServer } from "../support/dns_server.ts";
import { startPostgres } from "../support/postgres.ts";
import { startRedis } from "../support/redis.ts";
import { Dialogue, plainResponse } from "../support/dialogue.ts";
import { freePort } from "../support/free_port.ts";
import { openAccount, ROOT, startRelay } from "../support/relay_process.ts";

interface Compose {
  readonly services: Readonly<Record<string, { readonly environment?: Readonly<Record<string, string>> }>>;
}

const compose = parse(await Deno.readTextFile(join(ROOT, "compose.yaml"))) as Compose;
const SECRETS = {
  MAILHOP_ADMIN_TOKEN: "test-admin-token",
  MAILHOP_RELAY_TOKEN: "relay-token-of-compose",
  POSTGRES_PASSWORD: "password",
  COUNTERS_TOKEN: "counters-token",
};
const NAMES = {
  MAILHOP_SERVICE_NAME: "smtp.test",
  RELAY_1_HOSTNAME: "relay1.test",
  RELAY_2_HOSTNAME: "relay2.test",
};

/** What is to be put into .env, and nothing else is asked for. */
const ENV_EXAMPLE = await Deno.readTextFile(join(ROOT, "deploy", "compose.env.example"));

/** A service's settings, with what .env would say and the ports of this test. */
function settingsOf(service: string, ports: ReadonlyMap<string, number>): Record<string, string> {
  const values: Record<string, string> = { ...SECRETS, ...NAMES };
  const { environment = {} } = compose.services[service]!;
  return Object.fromEntries(
    Object.entries(environment).map(([name, text]) => {
      const filled = text.replace(/\$\{(\w+)(?::\?[^}]*)?\}/g, (_, variable) => {
        assert(variable in values, `${variable} is not asked for in compose.env.example`);
        return values[variable]!;
      });
      const local = filled.replaceAll("0.0.0.0:", "127.0.0.1:")
        .replace(/127\.0\.0\.1:(\d+)/g, (_, port) => `127.0.0.1:${ports.get(port) ?? port}`);
      return [name, local];
    }),
  );
}

Deno.test("compose: the file asks for what the example names", () => {
  const asked = new Set(
    [...JSON.stringify(compose).matchAll(/\$\{(\w+)/g)].map(([, name]) => name!),
  );
  const named = new Set([...ENV_EXAMPLE.matchAll(/^(\w+)=/gm)].map(([, name]) => name!));
  assertEquals(asked, named);
});

Deno.test({
  ...needing("compose: its settings start a service, and mail goes through each relay", "postgres", "redis-server"),
  fn: async () => {
    await using postgres = await startPostgres();
    await using place = await postgres.newDatabase();
    await using redis = await startRedis();
    await using nextHop = await NextHopServer.start();
    await using dns = startDnsServer({ "example.com": { A: ["192.0.2.1"] } });
    // The server of the tests lets everybody in, by its own name and database.
    const { port, user, database } = place.location;
    const ports = new Map<string, number>([["8079", Number(new URL(redis.location.url).port)], ["5432", port]]);
    for (const each of ["25", "587", "465", "2525", "10025", "10465", "8080", "8081", "8082"]) {
      ports.set(each, freePort());
    }

    const apiSettings = settingsOf("api", ports);
    assertMatch(apiSettings.DATABASE_URL!, /^postgres:\/\/mailhop:password@127\.0\.0\.1:\d+\/mailhop$/);
    await using api = await startRelay({
      ...apiSettings,
      DATABASE_URL: `postgres://${user}@127.0.0.1:${port}/${database}`,
    });
    const world = {
      MAILHOP_ADMIN_TOKEN: "",
      MAILHOP_ACTIVATION_DELAY: "",
      MAILHOP_DNS: dns.setting,
      MAILHOP_ROUTES: `*=127.0.0.1:${nextHop.port}`,
      MAILHOP_ALLOW_PLAINTEXT_AUTH: "true",
    };
    const base = `127.0.0.1:${ports.get("8080")}`;
    const password = await openAccount(api, "anna");
    await using _one = await startRelay({ ...settingsOf("relay-1", ports), ...world });
    await using _two = await startRelay({ ...settingsOf("relay-2", ports), ...world });
    for (const [n, smtp] of [ports.get("25")!, ports.get("2525")!].entries()) {
      using client = await Dialogue.connect(smtp);
      await client.play(`S: 220 relay${n + 1}.test …\nC: EHLO client.test`);
      await client.reply();
      await client.play(`
        C: AUTH PLAIN ${plainResponse("anna", password)}
        S: 235 2.7.0 Authenticated
        ${MESSAGE}
      `);
    }
    await nextHop.until(({ received }) => received.length === 2);
    const nodes = await fetch(`http://${base}/v1/nodes`, {
      headers: { authorization: `Bearer ${SECRETS.MAILHOP_ADMIN_TOKEN}` },
    });
    const { items } = await nodes.json();
    assertEquals(new Set(items.map(({ region }: { region: string }) => region)), new Set(["one", "two"]));
  },
});
