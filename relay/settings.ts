/**
 * The settings of one process, read once from its environment.
 *
 * `readSettings` is pure: it is given the environment as a record and the machine's name, and answers with frozen
 * settings, or with all mistakes. A variable that is set but empty counts as not set, except the lists of SMTP ports,
 * where it means none. How values are written is in settings_grammar.ts.
 */
import { type DatabaseServer, databaseUrl } from "./database_url.ts";
import * as grammar from "./settings_grammar.ts";
import type { Destinations, HostPort, Parser, Routes } from "./settings_grammar.ts";
import { type Environment, SettingsReader } from "./settings_reader.ts";

export type { Destinations, HostPort, Routes } from "./settings_grammar.ts";

/** An address and port to listen on. */
export interface Listen extends HostPort {
  /** Whether failing to bind ends the start; a default that fails is warned about and left out. */
  readonly asked: boolean;
}

export interface Settings {
  /** The control plane and the SMTP node in one process. */
  readonly role: "all";
  /** This node's own name, in greeting, EHLO and Received. */
  readonly hostname: string;
  /** The name that customers know: client settings, certificate, SPF include. */
  readonly serviceName: string;
  readonly region: string;
  /** As it was given: relative to the working directory unless absolute. */
  readonly dataDir: string;
  /** null: SQLite in the data directory. */
  readonly database: DatabaseServer | null;
  /** Upstash Redis, where the day's counters are; null: they are in the database. */
  readonly counters: { readonly url: string; readonly token: string } | null;
  readonly smtpListen: readonly Listen[];
  readonly smtpsListen: readonly Listen[];
  /** Never empty. */
  readonly httpListen: readonly Listen[];
  /** The help pages as everybody finds them, under the public URL; null: nowhere. */
  readonly helpUrl: string | null;
  /** The operator's own PEM files; null: a pair made in the data directory. */
  readonly tlsFiles: { readonly certificate: string; readonly key: string } | null;
  readonly allowPlaintextAuth: boolean;
  /** null: the one kept in the data directory. */
  readonly adminToken: string | null;
  /** The token that remote nodes may use; null: none may. */
  readonly relayToken: string | null;
  /** null: the system's resolvers. */
  readonly dns: readonly HostPort[] | null;
  readonly routes: Routes;
  /** Addresses of this machine from which mail leaves, by family; null: the system chooses. */
  readonly sourceAddresses: grammar.SourceAddresses;
  /** What single destinations are given, of connections and messages. */
  readonly destinations: Destinations;
  /** Age of a message from which on its sender is warned of the delay, once. */
  readonly delayWarningMs: number;
  /** Age of a message at which it is given up. */
  readonly expiryMs: number;
  /** The port of hosts found by MX. */
  readonly mxPort: number;
  readonly allowPrivateNextHops: boolean;
  /** Whether mail of domains without keys is signed in the service's name. */
  readonly dkimService: boolean;
  /** Open SMTP connections of this process. */
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** The longest wait for a whole command. */
  readonly commandTimeoutMs: number;
  /** The longest wait for the next block of a message. */
  readonly dataTimeoutMs: number;
  /** Octets a second that a message has to come with, on the whole. */
  readonly minDataRate: number;
  /** Messages on one connection. */
  readonly maxMessagesPerConnection: number;
  /** Commands in error, and commands that lead nowhere, in one session. */
  readonly maxErrors: number;
  readonly maxJunkCommands: number;
  /** Whether Received keeps the client's address and name to itself. */
  readonly hideClientAddress: boolean;
  /** Failed logins in ten minutes, for an account and for an address prefix. */
  readonly maxAuthFailures: number;
  /** From the purchase of a block to its activation. */
  readonly activationDelayMs: number;
  /** Relays a day in one block. */
  readonly blockRelays: number;
  /** Of the decisions that accept, how many are recorded, in percent; those that refuse always are. */
  readonly decisionSamplePercent: number;
  /** How long recorded decisions are kept. */
  readonly keepDecisionsMs: number;
  /** How long messages with their history are kept, and notices. */
  readonly keepHistoryMs: number;
  /** Relay nodes in this process. */
  readonly workers: number;
}

export type ReadSettings =
  | { readonly ok: true; readonly settings: Settings; readonly warnings: readonly string[] }
  /** One line for each mistake. */
  | { readonly ok: false; readonly mistakes: readonly string[] };

/** Every variable that a process reads. */
export const SETTING_NAMES = [
  "MAILHOP_ROLE",
  "MAILHOP_HOSTNAME",
  "MAILHOP_SERVICE_NAME",
  "MAILHOP_REGION",
  "MAILHOP_DATA_DIR",
  "MAILHOP_SMTP_LISTEN",
  "MAILHOP_SMTPS_LISTEN",
  "MAILHOP_HTTP_LISTEN",
  "MAILHOP_PUBLIC_URL",
  "MAILHOP_TLS_CERT",
  "MAILHOP_TLS_KEY",
  "MAILHOP_ALLOW_PLAINTEXT_AUTH",
  "MAILHOP_ADMIN_TOKEN",
  "MAILHOP_RELAY_TOKEN",
  "DATABASE_URL",
  "UPSTASH_REDIS_REST_URL",
  "UPSTASH_REDIS_REST_TOKEN",
  "MAILHOP_DNS",
  "MAILHOP_ROUTES",
  "MAILHOP_SOURCE_ADDRESS",
  "MAILHOP_DESTINATIONS",
  "MAILHOP_DELAY_WARNING",
  "MAILHOP_EXPIRY",
  "MAILHOP_MX_PORT",
  "MAILHOP_ALLOW_PRIVATE_NEXT_HOPS",
  "MAILHOP_DKIM_SERVICE",
  "MAILHOP_MAX_CONNECTIONS",
  "MAILHOP_MAX_CONNECTIONS_PER_ADDRESS",
  "MAILHOP_COMMAND_TIMEOUT",
  "MAILHOP_DATA_TIMEOUT",
  "MAILHOP_MIN_DATA_RATE",
  "MAILHOP_MAX_MESSAGES_PER_CONNECTION",
  "MAILHOP_MAX_ERRORS",
  "MAILHOP_MAX_JUNK_COMMANDS",
  "MAILHOP_HIDE_CLIENT_ADDRESS",
  "MAILHOP_MAX_AUTH_FAILURES",
  "MAILHOP_ACTIVATION_DELAY",
  "MAILHOP_BLOCK_RELAYS",
  "MAILHOP_DECISION_SAMPLE",
  "MAILHOP_DECISION_KEEP",
  "MAILHOP_HISTORY_KEEP",
  "MAILHOP_WORKERS",
] as const;
type SettingName = typeof SETTING_NAMES[number];

/** Read by the account tool and by the tests: often set in the same shell. In role `all` a process has no use for them. */
const NAMES_OF_OTHERS = ["MAILHOP_API_URL", "MAILHOP_API_TOKEN", "MAILHOP_TEST_REQUIRE"];
const PREFIX = "MAILHOP_";
/** A database's URL bears its password. */
const SECRETS = new Set<string>(
  [
    "MAILHOP_ADMIN_TOKEN",
    "MAILHOP_RELAY_TOKEN",
    "DATABASE_URL",
    "UPSTASH_REDIS_REST_URL",
    "UPSTASH_REDIS_REST_TOKEN",
  ] satisfies SettingName[],
);
/** Of the contract, but without an implementation so far; to go on without them would not be what was asked for. */

const SMTP_PORTS = [25, 587, 2525, 10025];
const SMTPS_PORTS = [465, 10465];
const ALL_ADDRESSES = ["0.0.0.0", "::"];
const HTTP_ADDRESS: HostPort = { hostname: "127.0.0.1", port: 8080 };
const ACTIVATION_DELAY_MS = 15 * 60_000;
const DELAY_WARNING_MS = 4 * 3_600_000;
/** RFC 5321 4.5.4.1: four to five days at least. */
const EXPIRY_MS = 5 * 86_400_000;
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
/** Below this many characters a token can be guessed. */
const SHORT_TOKEN = 16;

const count = grammar.wholeNumber(1, MAX_COUNT);
const port = grammar.wholeNumber(1, 65_535);
const historyKeep: Parser<number> = {
  expected: "a duration such as 30d, from 1d to 365d",
  parse(text) {
    const milliseconds = grammar.duration.parse(text);
    return milliseconds !== undefined && milliseconds >= SHORTEST_HISTORY_MS ? milliseconds : undefined;
  },
};
const role: Parser<"all"> = {
  expected: "all: the roles api and relay are not available in this version",
  parse: (text) => text === "all" ? text : undefined,
};

/**
 * @param machineName what the operating system calls this machine.
 * @param cores how many of them it has.
 */
export function readSettings(environment: Environment, machineName: string, cores: number): ReadSettings {
  const reader = new SettingsReader<SettingName>(environment, SECRETS);
  const hostname = reader.read("MAILHOP_HOSTNAME", grammar.domainName) ??
    grammar.domainName.parse(machineName) ?? "localhost";
  const settings: Settings = {
    role: reader.read("MAILHOP_ROLE", role) ?? "all",
    hostname,
    serviceName: reader.read("MAILHOP_SERVICE_NAME", grammar.domainName) ?? hostname,
    region: reader.read("MAILHOP_REGION", grammar.label) ?? "local",
    dataDir: reader.read("MAILHOP_DATA_DIR", grammar.path) ?? "./data",
    database: reader.read("DATABASE_URL", databaseUrl),
    counters: counters(reader),
    smtpListen: smtpListen(reader, "MAILHOP_SMTP_LISTEN", SMTP_PORTS),
    smtpsListen: smtpListen(reader, "MAILHOP_SMTPS_LISTEN", SMTPS_PORTS),
    // Without it there is nothing to create an account with: even the default must be had.
    httpListen: asked(reader.read("MAILHOP_HTTP_LISTEN", grammar.nonEmptyListenList) ?? [HTTP_ADDRESS]),
    helpUrl: helpUrl(reader.read("MAILHOP_PUBLIC_URL", grammar.publicUrl)),
    tlsFiles: tlsFiles(reader),
    allowPlaintextAuth: reader.read("MAILHOP_ALLOW_PLAINTEXT_AUTH", grammar.flag) ?? false,
    adminToken: reader.read("MAILHOP_ADMIN_TOKEN", grammar.token),
    relayToken: reader.read("MAILHOP_RELAY_TOKEN", grammar.token),
    dns: reader.read("MAILHOP_DNS", grammar.serverAddresses),
    routes: reader.read("MAILHOP_ROUTES", grammar.routes) ?? { domains: new Map(), rest: null },
    sourceAddresses: reader.read("MAILHOP_SOURCE_ADDRESS", grammar.sourceAddresses) ?? { ipv4: null, ipv6: null },
    destinations: reader.read("MAILHOP_DESTINATIONS", grammar.destinations) ?? new Map(),
    delayWarningMs: reader.read("MAILHOP_DELAY_WARNING", grammar.duration) ?? DELAY_WARNING_MS,
    expiryMs: reader.read("MAILHOP_EXPIRY", grammar.duration) ?? EXPIRY_MS,
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
    activationDelayMs: reader.read("MAILHOP_ACTIVATION_DELAY", grammar.duration) ?? ACTIVATION_DELAY_MS,
    blockRelays: reader.read("MAILHOP_BLOCK_RELAYS", count) ?? 150,
    decisionSamplePercent: reader.read("MAILHOP_DECISION_SAMPLE", grammar.wholeNumber(0, 100)) ??
      DECISION_SAMPLE_PERCENT,
    keepDecisionsMs: reader.read("MAILHOP_DECISION_KEEP", grammar.duration) ?? KEEP_DECISIONS_MS,
    keepHistoryMs: reader.read("MAILHOP_HISTORY_KEEP", historyKeep) ?? KEEP_HISTORY_MS,
    workers: reader.read("MAILHOP_WORKERS", grammar.wholeNumber(1, MAX_WORKERS)) ?? Math.min(cores, MAX_WORKERS),
  };
  reader.refuseUnknown(PREFIX, [...SETTING_NAMES, ...NAMES_OF_OTHERS]);
  if (reader.mistakes.length > 0) return { ok: false, mistakes: reader.mistakes };
  return { ok: true, settings: Object.freeze(settings), warnings: warningsAbout(settings) };
}

function smtpListen(
  reader: SettingsReader<SettingName>,
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

function counters(reader: SettingsReader<SettingName>): Settings["counters"] {
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

function tlsFiles(reader: SettingsReader<SettingName>): Settings["tlsFiles"] {
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

function warningsAbout({ hostname, adminToken }: Settings): string[] {
  const warnings: string[] = [];
  if (!hostname.includes(".")) {
    warnings.push(
      `This machine's name, ${hostname}, has no dot: other mail servers may refuse mail from it. ` +
        "Set MAILHOP_HOSTNAME to its full name, such as relay.example.net.",
    );
  }
  if (adminToken !== null && adminToken.length < SHORT_TOKEN) {
    warnings.push(`MAILHOP_ADMIN_TOKEN has less than ${SHORT_TOKEN} characters: it can be guessed.`);
  }
  return warnings;
}
