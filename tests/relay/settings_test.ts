import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { defaultParameters } from "../../policy/mod.ts";
import { readBy, SETTING_NAMES } from "../../relay/setting_names.ts";
import { type PlaneSettings, readSettings, type Settings } from "../../relay/settings.ts";

const MACHINE = "node1.example.net";
const CORES = 4;

function read(environment: Record<string, string>, machine = MACHINE, cores = CORES): Settings {
  const read = readSettings(environment, machine, cores);
  if (!read.ok) throw new Error(read.mistakes.join("\n"));
  return read.settings;
}

/** All that a process in role `all` is told. */
function settingsOf(environment: Record<string, string>, machine = MACHINE, cores = CORES) {
  const settings = read(environment, machine, cores);
  if (settings.role !== "all") throw new Error(settings.role);
  return { ...settings.nodes, ...settings.plane };
}

function mistakesOf(environment: Record<string, string>): readonly string[] {
  const read = readSettings(environment, MACHINE, CORES);
  return read.ok ? [] : read.mistakes;
}

function warningsOf(environment: Record<string, string>, machine = MACHINE): readonly string[] {
  const read = readSettings(environment, machine, CORES);
  return read.ok ? read.warnings : [];
}

Deno.test("settings: what the policy's parameters name too has the same default there", () => {
  const { blockRelays, maxConnections, maxConnectionsPerAddress, maxAuthFailures } = settingsOf({});
  assertEquals(
    { blockRelays, maxConnections, maxConnectionsPerAddress, maxAuthFailures },
    {
      blockRelays: defaultParameters.relaysPerBlock,
      maxConnections: defaultParameters.maxConnections,
      maxConnectionsPerAddress: defaultParameters.maxConnectionsPerAddress,
      maxAuthFailures: defaultParameters.maxLoginFailures,
    },
  );
});

Deno.test("settings: nothing needs setting, and the defaults are the contract's", () => {
  const { smtpListen, smtpsListen, ...rest } = settingsOf({});
  const everywhere = (ports: number[]) =>
    ports.flatMap((port) => ["0.0.0.0", "::"].map((hostname) => ({ hostname, port, asked: false })));
  assertEquals(smtpListen, everywhere([25, 587, 2525, 10025]));
  assertEquals(smtpsListen, everywhere([465, 10465]));
  assertEquals(rest, {
    hostname: MACHINE,
    serviceName: MACHINE,
    region: "local",
    dataDir: "./data",
    database: null,
    counters: null,
    httpListen: [{ hostname: "127.0.0.1", port: 8080, asked: true }],
    helpUrl: null,
    tlsFiles: null,
    allowPlaintextAuth: false,
    adminToken: null,
    relayToken: null,
    dns: null,
    routes: { domains: new Map(), rest: null },
    sourceAddresses: { ipv4: null, ipv6: null },
    destinations: new Map(),
    delayWarningMs: 14_400_000,
    expiryMs: 432_000_000,
    mxPort: 25,
    allowPrivateNextHops: false,
    dkimService: false,
    maxConnections: 10_000,
    maxConnectionsPerAddress: 50,
    commandTimeoutMs: 300_000,
    dataTimeoutMs: 180_000,
    minDataRate: 512,
    maxMessagesPerConnection: 1000,
    maxErrors: 20,
    maxJunkCommands: 100,
    hideClientAddress: false,
    maxAuthFailures: 20,
    decisionSamplePercent: 10,
    keepDecisionsMs: 7 * 24 * 60 * 60_000,
    keepHistoryMs: 90 * 24 * 60 * 60_000,
    activationDelayMs: 900_000,
    blockRelays: 150,
    workers: CORES - 1,
  });
});

Deno.test("settings: they cannot be changed afterwards", () => {
  const settings = read({});
  if (settings.role !== "all") throw new Error(settings.role);
  assertThrows(() => Object.assign(settings, { role: "api" }), TypeError);
  assertThrows(() => Object.assign(settings.nodes, { mxPort: 26 }), TypeError);
  assertThrows(() => Object.assign(settings.plane, { blockRelays: 26 }), TypeError);
  assertThrows(() => (settings.nodes.smtpListen as unknown[]).push(1), TypeError);
});

Deno.test("MAILHOP_SMTP_LISTEN: addresses that were asked for, IPv6 in brackets; set but empty is none", () => {
  const { smtpListen, smtpsListen } = settingsOf({
    MAILHOP_SMTP_LISTEN: "127.0.0.1:2610, [2001:db8::1]:25,localhost:0",
    MAILHOP_SMTPS_LISTEN: "",
  });
  assertEquals(smtpListen, [
    { hostname: "127.0.0.1", port: 2610, asked: true },
    { hostname: "2001:db8::1", port: 25, asked: true },
    { hostname: "localhost", port: 0, asked: true },
  ]);
  assertEquals(smtpsListen, []);
});

for (
  const value of ["25", ":25", "127.0.0.1", "127.0.0.256:25", "::1:25", "[::1]", "[mx]:25", "a:65536", "a:25,", "a b:1"]
) {
  Deno.test(`MAILHOP_SMTP_LISTEN=${value} is a mistake`, () => {
    const [mistake, ...more] = mistakesOf({ MAILHOP_SMTP_LISTEN: value });
    assertEquals([mistake?.startsWith(`MAILHOP_SMTP_LISTEN=${value}: expected host:port[,host:port]`), more], [
      true,
      [],
    ]);
  });
}

Deno.test("MAILHOP_PUBLIC_URL: the help pages are below it", () => {
  for (const value of ["https://smtp.example.net", "https://SMTP.example.net/"]) {
    assertEquals(settingsOf({ MAILHOP_PUBLIC_URL: value }).helpUrl, "https://smtp.example.net/help");
  }
  assertEquals(settingsOf({ MAILHOP_PUBLIC_URL: "http://[::1]:8080" }).helpUrl, "http://[::1]:8080/help");
});

for (
  const value of ["smtp.example.net", "ftp://a.test", "https://", "https://a.test/x", "https://a@b.test", "https://a b"]
) {
  Deno.test(`MAILHOP_PUBLIC_URL=${value} is a mistake`, () => {
    assertMatch(mistakesOf({ MAILHOP_PUBLIC_URL: value }).join(), /^MAILHOP_PUBLIC_URL=.*: expected a URL such as /);
  });
}

Deno.test("MAILHOP_ROUTES: domains and the rest; names in lower case", () => {
  const { routes } = settingsOf({ MAILHOP_ROUTES: "*=127.0.0.1:2526,Example.NET=10.1.1.1:25,a.test=[::1]:26" });
  assertEquals(routes.rest, { hostname: "127.0.0.1", port: 2526 });
  assertEquals([...routes.domains], [
    ["example.net", { hostname: "10.1.1.1", port: 25 }],
    ["a.test", { hostname: "::1", port: 26 }],
  ]);
});

for (const value of ["127.0.0.1:25", "*=127.0.0.1", "a.test=b:25,a.test=c:25", "*=b:0", "-x.test=b:25", "=b:25"]) {
  Deno.test(`MAILHOP_ROUTES=${value} is a mistake`, () => {
    assertMatch(mistakesOf({ MAILHOP_ROUTES: value }).join(), /^MAILHOP_ROUTES=.*: expected domain=host:port/);
  });
}

Deno.test("MAILHOP_DESTINATIONS: connections, messages and a rate by host, domain, address and for the rest", () => {
  const { destinations } = settingsOf({
    MAILHOP_DESTINATIONS: "Example.NET=connections:5,rate:10/s; mx.a.test=messages:1;2001:db8::1=rate:30/m;*=rate:60/h",
  });
  assertEquals([...destinations], [
    ["example.net", { connections: 5, intervalMs: 100 }],
    ["mx.a.test", { messages: 1 }],
    ["2001:db8::1", { intervalMs: 2000 }],
    ["*", { intervalMs: 60_000 }],
  ]);
});

for (
  const value of [
    "connections:5",
    "a.test=",
    "a.test=connections:0",
    "a.test=connections:5/s",
    "a.test=rate:10",
    "a.test=rate:1,rate:2/s",
    "a.test=rate:1/s,rate:2/s",
    "a.test=rate:1/s;a.test=messages:2",
    "a.test=messages:100001",
    "-x.test=messages:2",
    "=messages:2",
    "a.test=messages:2;",
  ]
) {
  Deno.test(`MAILHOP_DESTINATIONS=${value} is a mistake`, () => {
    assertMatch(mistakesOf({ MAILHOP_DESTINATIONS: value }).join(), /^MAILHOP_DESTINATIONS=.*: expected name=limit/);
  });
}

Deno.test("MAILHOP_SOURCE_ADDRESS: one address, or one of each family", () => {
  const sources = (value: string) => settingsOf({ MAILHOP_SOURCE_ADDRESS: value }).sourceAddresses;
  assertEquals(sources("192.0.2.1"), { ipv4: "192.0.2.1", ipv6: null });
  assertEquals(sources("2001:db8::1, 192.0.2.1"), { ipv4: "192.0.2.1", ipv6: "2001:db8::1" });
  for (const value of ["192.0.2.1,192.0.2.2", "relay.example.net", "192.0.2.1,", "[::1]"]) {
    assertMatch(mistakesOf({ MAILHOP_SOURCE_ADDRESS: value }).join(), /: expected an address of this machine/);
  }
});

for (
  const [value, milliseconds] of [["0s", 0], ["250ms", 250], ["90s", 90_000], ["15m", 900_000], ["1h", 3_600_000], [
    "365d",
    31_536_000_000,
  ]] as const
) {
  Deno.test(`MAILHOP_ACTIVATION_DELAY=${value} is ${milliseconds} ms`, () => {
    assertEquals(settingsOf({ MAILHOP_ACTIVATION_DELAY: value }).activationDelayMs, milliseconds);
  });
}

for (const value of ["15", "-1s", "1.5h", "1 m", "15 minutes", "366d", "m"]) {
  Deno.test(`MAILHOP_ACTIVATION_DELAY=${value} is a mistake`, () => {
    assertMatch(
      mistakesOf({ MAILHOP_ACTIVATION_DELAY: value }).join(),
      /^MAILHOP_ACTIVATION_DELAY=.*: expected a duration/,
    );
  });
}

for (const value of ["23h", "0d", "366d", "always"]) {
  Deno.test(`MAILHOP_HISTORY_KEEP=${value} is a mistake: from a day to a year`, () => {
    assertMatch(
      mistakesOf({ MAILHOP_HISTORY_KEEP: value }).join(),
      /^MAILHOP_HISTORY_KEEP=.*: expected a duration .*1d/,
    );
  });
}

Deno.test("settings: what else may be written", () => {
  const settings = settingsOf({
    MAILHOP_ROLE: "all",
    MAILHOP_HOSTNAME: "Node1.Example.net",
    MAILHOP_SERVICE_NAME: "smtp.example.net",
    MAILHOP_REGION: "eu-west-1",
    MAILHOP_DATA_DIR: "/var/lib/mailhop",
    MAILHOP_TLS_CERT: "/etc/c.pem",
    MAILHOP_TLS_KEY: "/etc/k.pem",
    MAILHOP_ALLOW_PLAINTEXT_AUTH: "true",
    MAILHOP_DKIM_SERVICE: "true",
    MAILHOP_ADMIN_TOKEN: "abc.DEF_123-~+/==",
    MAILHOP_DNS: "127.0.0.1:53,[::1]:5353",
    MAILHOP_DELAY_WARNING: "2h",
    MAILHOP_EXPIRY: "3d",
    MAILHOP_HISTORY_KEEP: "1d",
    MAILHOP_WORKERS: "2",
  });
  assertEquals([settings.delayWarningMs, settings.expiryMs], [7_200_000, 259_200_000]);
  assertEquals(settings.keepHistoryMs, 86_400_000);
  assertEquals(settings.hostname, "node1.example.net");
  assertEquals(settings.serviceName, "smtp.example.net");
  assertEquals(settings.tlsFiles, { certificate: "/etc/c.pem", key: "/etc/k.pem" });
  assertEquals(settings.dns, [{ hostname: "127.0.0.1", port: 53 }, { hostname: "::1", port: 5353 }]);
  assertEquals([settings.allowPlaintextAuth, settings.dkimService, settings.workers], [true, true, 2]);
});

Deno.test("settings: all mistakes are told at once, one line for each", () => {
  assertEquals(
    mistakesOf({
      MAILHOP_HOSTNAME: "192.0.2.1",
      MAILHOP_DATA_DIR: "/my mail",
      MAILHOP_DNS: "resolver.test:53",
      MAILHOP_MX_PORT: "0",
      MAILHOP_ALLOW_PLAINTEXT_AUTH: "yes",
    }),
    [
      "MAILHOP_HOSTNAME=192.0.2.1: expected a host name such as relay.example.net (letters, digits, hyphens and dots)",
      "MAILHOP_DATA_DIR=/my mail: expected a path without blanks and commas, which Deno's permission flags cannot carry",
      "MAILHOP_DNS=resolver.test:53: expected address:port[,address:port], IPv6 in brackets, such as 127.0.0.1:53,[::1]:53",
      "MAILHOP_ALLOW_PLAINTEXT_AUTH=yes: expected true or false",
      "MAILHOP_MX_PORT=0: expected a whole number from 1 to 65535",
    ],
  );
});

Deno.test("settings: a mistake is one line, whatever the value holds", () => {
  const [mistake] = mistakesOf({ MAILHOP_REGION: `a\nb\u001b[31m${"x".repeat(1000)}` });
  assertMatch(mistake!, /^MAILHOP_REGION=a\?b\?\[31mx{150,200}…: expected [ -~]+$/);
});

Deno.test("settings: no secret is shown, not even under a mistyped name", () => {
  const secret = "canary secret";
  const mistakes = mistakesOf({
    MAILHOP_ADMIN_TOKEN: secret,
    MAILHOP_RELAY_TOKEN: secret,
    MAILHOP_ADMIN_TOKENS: secret,
    DATABASE_URL: secret,
    UPSTASH_REDIS_REST_URL: secret,
    UPSTASH_REDIS_REST_TOKEN: secret,
  });
  assertEquals([mistakes.length, mistakes.join().includes("canary")], [6, false]);
});

Deno.test("settings: a variable that does not exist is a mistake, with the one that was meant", () => {
  assertEquals(mistakesOf({ MAILHOP_ROUTE: "*=127.0.0.1:25", MAILHOP_COLOUR: "red" }), [
    "MAILHOP_ROUTE (value not shown): there is no such setting: did you mean MAILHOP_ROUTES?",
    "MAILHOP_COLOUR (value not shown): there is no such setting",
  ]);
});

Deno.test("settings: variables of the account tool and of the tests are none of its business", () => {
  assertEquals(
    mistakesOf({ MAILHOP_API_URL: "x", MAILHOP_API_TOKEN: "x", MAILHOP_TEST_REQUIRE: "all", PATH: "/bin" }),
    [],
  );
});

Deno.test("settings: counters in Redis have a URL and a token, and the token goes over TLS or stays on this machine", () => {
  const url = "UPSTASH_REDIS_REST_URL", token = "UPSTASH_REDIS_REST_TOKEN";
  assertEquals(settingsOf({ [url]: "https://eu1.example.net/", [token]: "t0ken" }).counters, {
    url: "https://eu1.example.net",
    token: "t0ken",
  });
  for (const host of ["127.0.0.1:8079", "localhost:8079", "[::1]:8079"]) {
    assertEquals(settingsOf({ [url]: `http://${host}`, [token]: "t" }).counters?.url, `http://${host}`);
  }
  const bad = ["http://eu1.example.net", "eu1.example.net", "https://a:b@eu1.example.net", "redis://eu1.example.net"];
  for (const text of [...bad, "https://eu1.example.net/?x", "http://127.0.0.1.example.net"]) {
    assertMatch(mistakesOf({ [url]: text, [token]: "t" }).join(), /^UPSTASH_REDIS_REST_URL/, text);
  }
  assertMatch(mistakesOf({ [url]: "https://eu1.example.net" }).join(), /^UPSTASH_REDIS_REST_TOKEN/);
  assertMatch(mistakesOf({ [token]: "t" }).join(), /^UPSTASH_REDIS_REST_URL/);
});

const REMOTE = { MAILHOP_ROLE: "relay", MAILHOP_API_URL: "https://api.example.net", MAILHOP_RELAY_TOKEN: "mhr_secret" };

Deno.test("MAILHOP_ROLE: each role has the parts that it is made of", () => {
  const parts = (environment: Record<string, string>) => Object.keys(read(environment)).toSorted();
  assertEquals(parts({}), ["nodes", "plane", "role"]);
  assertEquals(parts({ MAILHOP_ROLE: "api" }), ["plane", "role"]);
  assertEquals(parts(REMOTE), ["nodes", "remote", "role"]);
  assertEquals(mistakesOf({ MAILHOP_ROLE: "edge" }).map((mistake) => mistake.split(": ")[0]), ["MAILHOP_ROLE=edge"]);
});

Deno.test("MAILHOP_ROLE: what a role has no use for is a mistake; a secret's value is not shown", () => {
  const secrets = { DATABASE_URL: "postgres://m:canary@db/d", MAILHOP_ADMIN_TOKEN: "canary" };
  const words = "expected not to be set: the role relay has no use for it";
  assertEquals(mistakesOf({ ...REMOTE, ...secrets, MAILHOP_BLOCK_RELAYS: "10" }), [
    `MAILHOP_ADMIN_TOKEN (value not shown): ${words}`,
    `DATABASE_URL (value not shown): ${words}`,
    `MAILHOP_BLOCK_RELAYS=10: ${words}`,
  ]);
  assertEquals(mistakesOf({ MAILHOP_ROLE: "api", MAILHOP_WORKERS: "2", MAILHOP_MX_PORT: "" }), [
    "MAILHOP_WORKERS=2: expected not to be set: the role api has no use for it",
  ]);
});

Deno.test("MAILHOP_ROLE: a relay does not read what is the control plane's, and the control plane not what is a relay's", () => {
  for (const name of ["DATABASE_URL", "MAILHOP_ADMIN_TOKEN", "UPSTASH_REDIS_REST_TOKEN"] as const) {
    assertEquals([readBy("all"), readBy("api"), readBy("relay")].map((names) => names.includes(name)), [
      true,
      true,
      false,
    ]);
  }
  assertEquals([readBy("api").includes("MAILHOP_WORKERS"), readBy("relay").includes("MAILHOP_WORKERS")], [false, true]);
  assertEquals(["all", "api", "relay"].map((role) => readBy(role as Settings["role"]).includes("MAILHOP_API_URL")), [
    false,
    false,
    true,
  ]);
});

Deno.test("role relay: where the control plane is, and a token, must be told", () => {
  const settings = read({ ...REMOTE, MAILHOP_API_URL: "https://a.example.net, https://B.example.net:8443/" });
  if (settings.role !== "relay") throw new Error(settings.role);
  assertEquals(settings.remote, {
    urls: ["https://a.example.net", "https://b.example.net:8443"],
    token: "mhr_secret",
  });
  assertEquals(mistakesOf({ MAILHOP_ROLE: "relay" }).map((mistake) => mistake.split(": ")[0]), [
    "MAILHOP_API_URL is not set",
    "MAILHOP_RELAY_TOKEN is not set",
  ]);
});

for (const url of ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:8080"]) {
  Deno.test(`MAILHOP_API_URL=${url}: this machine needs no TLS`, () => {
    assertEquals(mistakesOf({ ...REMOTE, MAILHOP_API_URL: url }), []);
  });
}

for (
  const url of [
    "http://api.example.net",
    "http://10.0.0.1:8080",
    "http://127.0.0.1.example.net",
    "ftp://127.0.0.1",
    "api.example.net",
    "https://api.example.net/v1",
    "https://u:p@api.example.net",
    "https://api.example.net?x",
    "https://a.example.net,",
    "https://a.example.net,https://a.example.net:443",
    Array.from({ length: 9 }, (_, at) => `https://a${at}.example.net`).join(),
  ]
) {
  Deno.test(`MAILHOP_API_URL=${url} is a mistake in role relay`, () => {
    const [mistake, ...more] = mistakesOf({ ...REMOTE, MAILHOP_API_URL: url });
    assertEquals([mistake?.startsWith(`MAILHOP_API_URL=`), mistake?.includes("expected https://"), more], [
      true,
      true,
      [],
    ]);
  });
}

Deno.test("DATABASE_URL: as PostgreSQL's own programs read it; beyond this machine the server proves who it is", () => {
  const local = { user: "m", password: "p", database: "d", port: 5432, tls: "none", authorityFile: null };
  const remote = { ...local, host: "db.example.net", tls: "verified" };
  const cases: Record<string, unknown> = {
    "postgres://m:p@localhost/d": { ...local, host: "localhost" },
    "postgresql://m:p@127.0.0.1:6432/d": { ...local, host: "127.0.0.1", port: 6432 },
    "postgres://m:p@[::1]/d": { ...local, host: "::1" },
    "postgres://m@localhost/d": { ...local, host: "localhost", password: "" },
    "postgres://a%40b:p%2Fq%25@localhost/d%20e": {
      ...{ ...local, host: "localhost" },
      ...{ user: "a@b", password: "p/q%", database: "d e" },
    },
    "postgres://m:p@DB.example.net/d": remote,
    "postgres://m:p@db.example.net/d?sslmode=disable": { ...remote, tls: "none" },
    "postgres://m:p@db.example.net/d?sslmode=require": { ...remote, tls: "unverified" },
    "postgres://m:p@localhost/d?sslmode=verify-full&sslrootcert=/etc/ca.pem": {
      ...local,
      ...{ host: "localhost", tls: "verified", authorityFile: "/etc/ca.pem" },
    },
  };
  for (const [DATABASE_URL, expected] of Object.entries(cases)) {
    assertEquals(settingsOf({ DATABASE_URL }).database, expected as PlaneSettings["database"], DATABASE_URL);
  }
  assertEquals(settingsOf({}).database, null);
});

Deno.test("DATABASE_URL: what it cannot mean is one mistake, without its value", () => {
  const wrong = [
    ...["mysql://m:p@h/d", "postgres:d", "postgres://m:p@h", "postgres://m:p@h/", "postgres://:p@h/d"],
    ...["postgres://m:p@/d", "postgres://m:p@h:0/d", "postgres://m:p@h:65536/d", "postgres://m:p@127.0.0.256/d"],
    ...["postgres://m:p@h/d/e", "postgres://m:%zz@h/d", "postgres://m:p@a,b/d", "postgres:///d?host=/run/postgresql"],
    ...["postgres://m:p@h/d?sslmode=prefer", "postgres://m:p@h/d?channel_binding=require"],
    ...["postgres://m:p@h/d?sslmode=require&sslrootcert=/ca.pem", "postgres://m:p@h/d?sslrootcert=/my%20ca.pem"],
  ];
  for (const DATABASE_URL of wrong) {
    const mistakes = mistakesOf({ DATABASE_URL });
    assertEquals(mistakes.length, 1, DATABASE_URL);
    assertMatch(mistakes[0]!, /^DATABASE_URL \(value not shown\): expected postgres:\/\/user:password@host/);
  }
});

Deno.test("MAILHOP_WORKERS: a node for each core but one unless told, within reason", () => {
  const nodesOn = (cores: number) => settingsOf({}, MACHINE, cores).workers;
  assertEquals([1, 2, 3, 8, 300].map(nodesOn), [1, 1, 2, 7, 256]);
  for (const value of ["0", "257", "two"]) {
    assertEquals(mistakesOf({ MAILHOP_WORKERS: value }), [
      `MAILHOP_WORKERS=${value}: expected a whole number from 1 to 256`,
    ]);
  }
});

Deno.test("settings: empty is not set, as compose files write it", () => {
  const lists = new Set(["MAILHOP_SMTP_LISTEN", "MAILHOP_SMTPS_LISTEN"]);
  const empty = Object.fromEntries(SETTING_NAMES.filter((name) => !lists.has(name)).map((name) => [name, ""]));
  assertEquals(settingsOf(empty), settingsOf({}));
});

Deno.test("settings: a certificate without its key is a mistake, and so is a key without its certificate", () => {
  assertEquals(mistakesOf({ MAILHOP_TLS_CERT: "/c.pem" }), [
    "MAILHOP_TLS_KEY is not set: expected the key of MAILHOP_TLS_CERT, a PEM file",
  ]);
  assertEquals(mistakesOf({ MAILHOP_TLS_KEY: "/k.pem" }), [
    "MAILHOP_TLS_CERT is not set: expected the certificate of MAILHOP_TLS_KEY, a PEM file",
  ]);
});

Deno.test("settings: a machine whose name is no mail name starts all the same, with a warning", () => {
  assertEquals(settingsOf({}, "my_box").hostname, "localhost");
  assertMatch(warningsOf({}, "my_box").join(), /localhost, has no dot: .*MAILHOP_HOSTNAME/);
  assertMatch(warningsOf({}, "vm").join(), /vm, has no dot/);
  assertEquals(warningsOf({}), []);
});

Deno.test("settings: an operator's token that can be guessed is warned about", () => {
  assertMatch(warningsOf({ MAILHOP_ADMIN_TOKEN: "secret" }).join(), /less than 16 characters/);
});

Deno.test("settings: the examples in deploy/ are good, and both roles may run on one machine", async () => {
  const [api, relay] = await Promise.all((["api", "relay"] as const).map(async (role) => {
    const text = await Deno.readTextFile(new URL(`../../deploy/${role}.env.example`, import.meta.url));
    const lines = [...text.matchAll(/^(\w+)=(.*)$/gm)];
    // Secrets are left to the operator.
    const given = lines.map(([, name, value]) => [name, value === "" ? "a-secret-of-32-characters-or-more" : value]);
    return read({ MAILHOP_ROLE: role, ...Object.fromEntries(given) });
  }));
  if (api?.role !== "api" || relay?.role !== "relay") throw new Error("the roles are others");
  const ports = [...api.plane.httpListen, ...relay.nodes.httpListen].map(({ port }) => port);
  assertEquals(ports, [8080, 8081]);
});
