/**
 * Reads the parts of the settings, each variable once: its name, how its value is written, and its default.
 *
 * Pure. A mistake is noted with the reader, and the default takes the value's place.
 */
import { controlPlaneUrls } from "./control_plane_urls.ts";
import { databaseUrl } from "./database_url.ts";
import { RETRY_SCHEDULE } from "./delivery/retry.ts";
import type { SettingName } from "./setting_names.ts";
import * as grammar from "./settings_grammar.ts";
import type { HostPort, Parser } from "./settings_grammar.ts";
import type { SettingsReader } from "./settings_reader.ts";
import type { Listen, NodeSettings, PlaneSettings, RemoteSettings, SharedSettings } from "./settings_types.ts";

export type Reader = SettingsReader<SettingName>;

const SMTP_PORTS = [25, 587, 2525, 10025];
const SMTPS_PORTS = [465, 10465];
const ALL_ADDRESSES = ["0.0.0.0", "::"];
const HTTP_ADDRESS: HostPort = { hostname: "127.0.0.1", port: 8080 };
const ACTIVATION_DELAY_MS = 15 * 60_000;
/** RFC 5321 4.5.3.2.7: a server waits at least five minutes for the next command. */
const COMMAND_TIMEOUT_MS = 5 * 60_000;
/** RFC 5321 4.5.3.2.5 gives a client three minutes for each block of data. */
const DATA_TIMEOUT_MS = 3 * 60_000;
/** Octets a second: 50 MB may take 28 hours; below it somebody holds a connection rather than sends. */
const MIN_DATA_RATE = 512;
/** One in ten is enough to see what a change would do; at full load all of them would be some GiB a day. */
const DECISION_SAMPLE_PERCENT = 10;
const KEEP_DECISIONS_MS = 7 * 86_400_000;
/**
 * A quarter: mail that somebody misses is asked about within weeks, and a quarterly round can be compared with the one
 * before. At 10,000 messages a day it is about 1.5 GB.
 */
const KEEP_HISTORY_MS = 90 * 86_400_000;
/** What a node tells again within a day is still known as told. */
const SHORTEST_HISTORY_MS = 86_400_000;
/** Far beyond any machine, within a 32-bit count. */
const MAX_COUNT = 1_000_000_000;
/** More than the cores of the machines that this is for; each node takes memory. */
const MAX_WORKERS = 256;
/**
 * A core, for what works beside the nodes: the control plane, V8's compiler and collector, the syncs. On two cores one
 * node takes a fifth to a third less CPU for a message than two, and a quarter of the memory less (tests/bench).
 */
const CORES_BESIDE_NODES = 1;

const count = grammar.wholeNumber(1, MAX_COUNT);
const port = grammar.wholeNumber(1, 65_535);
const historyKeep: Parser<number> = {
  expected: "a duration such as 30d, from 1d to 365d",
  parse(text) {
    const milliseconds = grammar.duration.parse(text);
    return milliseconds !== undefined && milliseconds >= SHORTEST_HISTORY_MS ? milliseconds : undefined;
  },
};
export function sharedSettings(reader: Reader, machineName: string): SharedSettings {
  const hostname = reader.read("MAILHOP_HOSTNAME", grammar.domainName) ??
    grammar.domainName.parse(machineName) ?? "localhost";
  return {
    hostname,
    serviceName: reader.read("MAILHOP_SERVICE_NAME", grammar.domainName) ?? hostname,
    region: reader.read("MAILHOP_REGION", grammar.label) ?? "local",
    dataDir: reader.read("MAILHOP_DATA_DIR", grammar.path) ?? "./data",
    smtpListen: smtpListen(reader, "MAILHOP_SMTP_LISTEN", SMTP_PORTS),
    smtpsListen: smtpListen(reader, "MAILHOP_SMTPS_LISTEN", SMTPS_PORTS),
    // Without it there is nothing to create an account with: even the default must be had.
    httpListen: asked(reader.read("MAILHOP_HTTP_LISTEN", grammar.nonEmptyListenList) ?? [HTTP_ADDRESS]),
    helpUrl: helpUrl(reader.read("MAILHOP_PUBLIC_URL", grammar.publicUrl)),
    dns: reader.read("MAILHOP_DNS", grammar.serverAddresses),
    routes: reader.read("MAILHOP_ROUTES", grammar.routes) ?? { domains: new Map(), rest: null },
    delayWarningMs: reader.read("MAILHOP_DELAY_WARNING", grammar.duration) ?? RETRY_SCHEDULE.delayWarningMs,
    expiryMs: reader.read("MAILHOP_EXPIRY", grammar.duration) ?? RETRY_SCHEDULE.expiryMs,
  };
}

export function planeSettings(reader: Reader): Omit<PlaneSettings, keyof SharedSettings> {
  return {
    database: reader.read("DATABASE_URL", databaseUrl),
    counters: counters(reader),
    adminToken: reader.read("MAILHOP_ADMIN_TOKEN", grammar.token),
    relayToken: reader.read("MAILHOP_RELAY_TOKEN", grammar.token),
    activationDelayMs: reader.read("MAILHOP_ACTIVATION_DELAY", grammar.duration) ?? ACTIVATION_DELAY_MS,
    blockRelays: reader.read("MAILHOP_BLOCK_RELAYS", count) ?? 150,
    keepDecisionsMs: reader.read("MAILHOP_DECISION_KEEP", grammar.duration) ?? KEEP_DECISIONS_MS,
    keepHistoryMs: reader.read("MAILHOP_HISTORY_KEEP", historyKeep) ?? KEEP_HISTORY_MS,
  };
}

function counters(reader: Reader): PlaneSettings["counters"] {
  const url = reader.read("UPSTASH_REDIS_REST_URL", grammar.serviceUrl);
  const token = reader.read("UPSTASH_REDIS_REST_TOKEN", grammar.token);
  if (url !== null && token !== null) return { url, token };
  if (url !== null && !reader.isSet("UPSTASH_REDIS_REST_TOKEN")) {
    reader.mistake("UPSTASH_REDIS_REST_TOKEN", "expected the token of UPSTASH_REDIS_REST_URL that may read and write");
  }
  if (token !== null && !reader.isSet("UPSTASH_REDIS_REST_URL")) {
    reader.mistake("UPSTASH_REDIS_REST_URL", "expected the URL of the database that UPSTASH_REDIS_REST_TOKEN opens");
  }
  return null;
}

export function nodeSettings(reader: Reader, cores: number): Omit<NodeSettings, keyof SharedSettings> {
  return {
    tlsFiles: tlsFiles(reader),
    allowPlaintextAuth: reader.read("MAILHOP_ALLOW_PLAINTEXT_AUTH", grammar.flag) ?? false,
    sourceAddresses: reader.read("MAILHOP_SOURCE_ADDRESS", grammar.sourceAddresses) ?? { ipv4: null, ipv6: null },
    destinations: reader.read("MAILHOP_DESTINATIONS", grammar.destinations) ?? new Map(),
    mxPort: reader.read("MAILHOP_MX_PORT", port) ?? 25,
    allowPrivateNextHops: reader.read("MAILHOP_ALLOW_PRIVATE_NEXT_HOPS", grammar.flag) ?? false,
    dkimService: reader.read("MAILHOP_DKIM_SERVICE", grammar.flag) ?? false,
    maxConnections: reader.read("MAILHOP_MAX_CONNECTIONS", count) ?? 10_000,
    maxConnectionsPerAddress: reader.read("MAILHOP_MAX_CONNECTIONS_PER_ADDRESS", count) ?? 50,
    commandTimeoutMs: reader.read("MAILHOP_COMMAND_TIMEOUT", grammar.duration) ?? COMMAND_TIMEOUT_MS,
    dataTimeoutMs: reader.read("MAILHOP_DATA_TIMEOUT", grammar.duration) ?? DATA_TIMEOUT_MS,
    minDataRate: reader.read("MAILHOP_MIN_DATA_RATE", count) ?? MIN_DATA_RATE,
    maxMessagesPerConnection: reader.read("MAILHOP_MAX_MESSAGES_PER_CONNECTION", count) ?? 1000,
    maxErrors: reader.read("MAILHOP_MAX_ERRORS", count) ?? 20,
    maxJunkCommands: reader.read("MAILHOP_MAX_JUNK_COMMANDS", count) ?? 100,
    hideClientAddress: reader.read("MAILHOP_HIDE_CLIENT_ADDRESS", grammar.flag) ?? false,
    maxAuthFailures: reader.read("MAILHOP_MAX_AUTH_FAILURES", count) ?? 20,
    decisionSamplePercent: reader.read("MAILHOP_DECISION_SAMPLE", grammar.wholeNumber(0, 100)) ??
      DECISION_SAMPLE_PERCENT,
    workers: reader.read("MAILHOP_WORKERS", grammar.wholeNumber(1, MAX_WORKERS)) ??
      Math.min(Math.max(cores - CORES_BESIDE_NODES, 1), MAX_WORKERS),
  };
}

export function remoteSettings(reader: Reader): RemoteSettings {
  const urls = reader.read("MAILHOP_API_URL", controlPlaneUrls);
  const token = reader.read("MAILHOP_RELAY_TOKEN", grammar.token);
  if (!reader.isSet("MAILHOP_API_URL")) {
    reader.mistake("MAILHOP_API_URL", `the role relay needs it: expected ${controlPlaneUrls.expected}`);
  }
  if (!reader.isSet("MAILHOP_RELAY_TOKEN")) {
    reader.mistake("MAILHOP_RELAY_TOKEN", "the role relay needs it: see mailhop relay-token create");
  }
  return { urls: urls ?? [], token: token ?? "" };
}

function smtpListen(
  reader: Reader,
  name: SettingName,
  defaultPorts: readonly number[],
): readonly Listen[] {
  const given = reader.read(name, grammar.listenList, true);
  if (given !== null) return asked(given);
  return Object.freeze(
    defaultPorts.flatMap((port) => ALL_ADDRESSES.map((hostname) => ({ hostname, port, asked: false }))),
  );
}

function asked(addresses: readonly HostPort[]): readonly Listen[] {
  return Object.freeze(addresses.map((address) => ({ ...address, asked: true })));
}

function helpUrl(publicUrl: string | null): string | null {
  return publicUrl === null ? null : `${publicUrl}/help`;
}

function tlsFiles(reader: Reader): NodeSettings["tlsFiles"] {
  const certificate = reader.read("MAILHOP_TLS_CERT", grammar.path);
  const key = reader.read("MAILHOP_TLS_KEY", grammar.path);
  if (certificate !== null && key !== null) return { certificate, key };
  if (reader.isSet("MAILHOP_TLS_CERT") && !reader.isSet("MAILHOP_TLS_KEY")) {
    reader.mistake("MAILHOP_TLS_KEY", "expected the key of MAILHOP_TLS_CERT, a PEM file");
  }
  if (reader.isSet("MAILHOP_TLS_KEY") && !reader.isSet("MAILHOP_TLS_CERT")) {
    reader.mistake("MAILHOP_TLS_CERT", "expected the certificate of MAILHOP_TLS_KEY, a PEM file");
  }
  return null;
}
