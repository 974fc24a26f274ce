/**
 * A whole node in this process, made of the real parts: control plane in memory, policy, resolver, spool, delivery and
 * SMTP server on a real socket. Only its clocks are false, and the world around it: a test DNS server and a next hop.
 *
 *     await using node = await startTestNode();
 *     await node.account("anna", { blocks: 1 });
 *     using client = await node.login("anna");
 *
 * "example.com" is a good sender's domain; "example.net" is routed to the next hop, so its DNS is not looked up.
 */
import { getLogger } from "@logtape/logtape";
import { monotonicUlid } from "@std/ulid";
import { createNodeClient, type NoticeMail } from "../../api/client.ts";
import { createControlPlane } from "../../api/main.ts";
import { type DatabaseLocation, IN_MEMORY } from "../../api/store/database.ts";
import { addressFacts } from "../../relay/admission/address_facts.ts";
import { LoginThrottle } from "../../relay/admission/login_throttle.ts";
import { createResolver } from "../../relay/dns/resolver.ts";
import { NodeMetrics } from "../../relay/metrics/node_metrics.ts";
import { ownEndpoints } from "../../relay/listeners.ts";
import { startNode } from "../../relay/node.ts";
import { namesOf } from "../../relay/names_of.ts";
import { outgoingAddresses } from "../../relay/outgoing_addresses.ts";
import { nodeParameters, planeParameters } from "../../relay/policy/parameters.ts";
import { type NodeSettings, type PlaneSettings, readSettings } from "../../relay/settings.ts";
import { ConnectionCounts, newConnectionTable } from "../../relay/smtp/connection_counts.ts";
import { createStartTls } from "../../relay/tls/server_starttls.ts";
import { Dialogue, plainResponse } from "./dialogue.ts";
import { startDnsServer, type Zone } from "./dns_server.ts";
import { NextHopServer } from "./next_hop_server.ts";
import { SELF_SIGNED } from "./self_signed.ts";
import { HELP_FACTS } from "./help_facts.ts";
import { PASSWORD_COST } from "./password_cost.ts";

export const NOON = Date.parse("2026-11-23T12:00:00Z");
export const MINUTE_MS = 60_000;
export const ACTIVATION_DELAY_MS = 15 * MINUTE_MS;
/** Longer than a node believes what it remembers of an account or a password. */
export const FORGOTTEN_MS = 5001;
/** A control plane that was away is asked again after it. */
export const PROBE_MS = 1000;

const HOST = "127.0.0.1";
const ADMIN_TOKEN = "operator-token", RELAY_TOKEN = "relay-token";
/** Of the test resolver: a server that is silent costs a test no seconds. */
const DNS_ATTEMPT_MS = 100, DNS_TOTAL_MS = 300;

export const ZONE: Zone = {
  "example.com": { MX: ["10 mx.example.com"] },
  "mx.example.com": { A: ["192.0.2.1"] },
};

/** MAIL and RCPT as they are when nothing is wrong. */
export const ENVELOPE = `
  C: MAIL FROM:<anna@example.com>
  S: 250 2.1.0 Sender OK
  C: RCPT TO:<friend@example.net>
  S: 250 2.1.5 Recipient OK
`;
/** Behind it, the content. */
export const DATA = `
  C: DATA
  S: 354 End the message with a dot on a line of its own
`;
/** A whole transaction. */
export const MESSAGE = `
  ${ENVELOPE}
  ${DATA}
  C: From: anna@example.com
  C:
  C: Hello
  C: .
  S: 250 2.0.0 OK: queued as …
`;

export interface TestNodeOptions {
  readonly zone?: Zone;
  readonly settings?: Partial<TestSettings>;
  /** The control plane's; in memory unless told. */
  readonly database?: DatabaseLocation;
  /** For the spool; one of its own, which is removed, unless told. */
  readonly directory?: string;
  /** Epoch ms at the start; noon of 2026-11-23 unless told. */
  readonly now?: number;
  /** The node's; `monotonicUlid` unless told, which, unlike another process's, knows of the nodes before. */
  readonly newId?: (now: number) => string;
}

export interface Quota {
  readonly ndr: number;
  readonly ndrLimit: number | null;
  readonly day: string;
  readonly limit: number;
  readonly used: number;
  readonly pending: readonly { readonly quantity: number; readonly activatesAt: string }[];
}

/** The way to the control plane. */
export interface Link {
  /** It cannot be reached. */
  down: boolean;
  /** Whether a call does not get through to it, by path and body; it is there for the others. */
  loses: (path: string, body: string) => boolean;
}

export type TestNode = Awaited<ReturnType<typeof startTestNode>>;

export async function startTestNode(options: TestNodeOptions = {}) {
  await using stack = new AsyncDisposableStack();
  const clock = { now: options.now ?? NOON, monotonic: 0 };
  const directory = options.directory ?? await Deno.makeTempDir({ prefix: "mailhop-spool-" });
  if (options.directory === undefined) stack.defer(() => Deno.remove(directory, { recursive: true }));
  const dns = stack.use(startDnsServer({ ...ZONE, ...options.zone }));
  const nextHop = stack.use(await NextHopServer.start());
  const resolver = stack.use(
    createResolver([dns], { attemptTimeoutMs: DNS_ATTEMPT_MS, totalTimeoutMs: DNS_TOTAL_MS }),
  );
  const settings = testSettings(nextHop.port, options.settings);
  const plane = await createControlPlane({
    passwordCost: PASSWORD_COST,
    database: options.database ?? IN_MEMORY,
    counters: null,
    adminToken: ADMIN_TOKEN,
    relayToken: RELAY_TOKEN,
    activationDelayMs: settings.activationDelayMs,
    parameters: planeParameters(settings, nodeParameters(settings)),
    keepDecisionsMs: settings.keepDecisionsMs,
    keepHistoryMs: settings.keepHistoryMs,
    now: () => clock.now,
    newId: () => monotonicUlid(clock.now),
    resolveTxt: (name) => resolver.fresh().txt(name),
    addresses: addressFacts(resolver, settings.routes),
    service: {
      name: settings.serviceName,
      hostname: settings.hostname,
      addresses: () => outgoingAddresses(settings, resolver),
      namesOf: (address) => namesOf(address, [dns]),
    },
    examineMachine: () => Promise.resolve([]),
    mailDns: () => resolver.fresh(),
    help: HELP_FACTS,
    readiness: () => Promise.resolve({}),
    log: () => {},
  });
  stack.defer(() => plane.close());
  const link: Link = { down: false, loses: () => false };
  const client = createNodeClient((input, init) => {
    if (link.down) throw new TypeError("connection refused");
    const isLost = link.loses(new URL(String(input)).pathname, String(init?.body ?? ""));
    if (isLost) return new Response(null, { status: 500 });
    return plane.fetch(input, init);
  }, RELAY_TOKEN);
  const tls = createStartTls(SELF_SIGNED);
  const first = Deno.listen({ hostname: HOST, port: 0 });
  const { port } = first.addr;
  const node = await startNode({
    settings,
    directory,
    number: 0,
    client,
    resolver,
    throttle: new LoginThrottle(),
    connections: new ConnectionCounts(newConnectionTable(1, settings.maxConnections, 1), 0),
    isOwnEndpoint: ownEndpoints([{ hostname: HOST, port }]),
    onSpoolTrouble: () => {},
    secure: async (plain) => {
      const { conn, tls: { version, cipher } } = await tls.upgrade(plain);
      return { conn, tls: `${version} ${cipher}` };
    },
    now: () => clock.now,
    monotonic: () => clock.monotonic,
    random: Math.random,
    newId: options.newId ?? monotonicUlid,
    log: getLogger("test-node"),
    metrics: new NodeMetrics({ now: () => clock.now, monotonic: () => clock.monotonic }, null),
  });
  // The port is closed and opened again when the operator has the node drain.
  let fresh: Deno.Listener | undefined = first;
  node.serve(() => {
    const listener = fresh ?? Deno.listen({ hostname: HOST, port });
    fresh = undefined;
    return listener;
  }, false);
  let drained: Promise<void> | undefined;
  const drain = (graceMs: number) => drained ??= node.drain(graceMs);
  stack.defer(() => drain(0));

  const v1 = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await plane.app.request(`/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
      ...(body !== undefined && { body: body instanceof Uint8Array ? body.slice() : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  };
  const api = <T>(method: string, path: string, body?: unknown) => v1<T>(method, `/accounts${path}`, body);
  const quota = (username: string) => api<Quota>("GET", `/${username}/quota`);
  const cleanUp = stack.move();

  return {
    port,
    clock,
    dns,
    nextHop,
    /** The spool's. */
    directory,
    link,
    /** Takes notices to send, as a node of this name does, and nothing more. */
    async takeNotices(name: string): Promise<readonly NoticeMail[]> {
      const other = createNodeClient(plane.fetch, RELAY_TOKEN);
      const taken = await other.v1.node.notices.$post({ json: { node: name, stored: [], wanted: 1 } });
      return (await taken.json()).items;
    },
    /** As it is done every now and then. */
    sayBlocks: () => plane.sayBlocks(new AbortController().signal),
    /** Time goes by, on both clocks. Connections that are idle for five minutes are closed. */
    pass(ms: number): void {
      clock.now += ms;
      clock.monotonic += ms;
    },
    /** A call of the operator; a body of octets is sent as it is. */
    v1,
    /** The same below /accounts. */
    api,
    /** A new account whose password is its name, with blocks that are active. */
    async account(username: string, { blocks = 0 } = {}): Promise<void> {
      await api("POST", "", { username, password: passwordOf(username) });
      if (blocks === 0) return;
      await api("POST", `/${username}/blocks`, { quantity: blocks });
      this.pass(ACTIVATION_DELAY_MS);
    },
    /** Buys blocks; they are pending. */
    buy: (username: string, quantity: number) => api("POST", `/${username}/blocks`, { quantity }),
    quota,
    used: async (username: string): Promise<number> => (await quota(username)).used,
    /** A connection behind the greeting and EHLO. */
    async hello(): Promise<Dialogue> {
      const dialogue = await Dialogue.connect(port);
      await dialogue.play("S: 220 relay.test ESMTP MailHop\nC: EHLO client.test");
      await dialogue.reply();
      return dialogue;
    },
    /** A connection that is authenticated. */
    async login(username: string): Promise<Dialogue> {
      const dialogue = await this.hello();
      const response = plainResponse(username, passwordOf(username));
      await dialogue.play(`C: AUTH PLAIN ${response}\nS: 235 2.7.0 Authenticated`);
      return dialogue;
    },
    /** Lets clients in by another listener, too; the drain closes it. */
    serve: (listener: Deno.Listener) => node.serve(() => listener, false),
    drain,
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}

/** Passwords have a least length. */
export function passwordOf(username: string): string {
  return `password of ${username}`;
}

/** Those of both parts of a process in role `all`. */
export type TestSettings = PlaneSettings & NodeSettings;

/** As a start reads them from its environment: settings of a relay whose mail for "example.net" goes to a next hop on this machine. */
export function testSettings(nextHopPort: number, changes: Partial<TestSettings> = {}): TestSettings {
  const read = readSettings(
    {
      MAILHOP_ALLOW_PLAINTEXT_AUTH: "true",
      MAILHOP_ALLOW_PRIVATE_NEXT_HOPS: "true",
      MAILHOP_ROUTES: `example.net=${HOST}:${nextHopPort}`,
      MAILHOP_MX_PORT: `${nextHopPort}`,
    },
    "relay.test",
    1,
  );
  if (!read.ok) throw new Error(read.mistakes.join("\n"));
  const { settings } = read;
  if (settings.role !== "all") throw new Error(settings.role);
  return { ...settings.plane, ...settings.nodes, ...changes };
}
