/**
 * Several nodes, each in a thread of its own as in a whole process, around a control plane in memory.
 *
 *     await using crew = await startTestCrew(3);
 *     using client = await crew.connectTo(1);
 *
 * A node's greeting has its number: node-1.test. Time is real. There is an account, "anna", with a block.
 */
import { getLogger } from "@logtape/logtape";
import { retry } from "@std/async/retry.js";
import { join } from "@std/path";
import { ulid } from "@std/ulid";
import { createNodeClient, type NodeClient } from "../../api/client.ts";
import { createControlPlane } from "../../api/main.ts";
import { IN_MEMORY } from "../../api/store/database.ts";
import { type Endpoint, findEndpoints } from "../../relay/listeners.ts";
import { nodeParameters, planeParameters } from "../../relay/policy/parameters.ts";
import { newConnectionTable } from "../../relay/smtp/connection_counts.ts";
import { Crew, type CrewOptions } from "../../relay/workers/crew.ts";
import { addressesWith } from "./addresses.ts";
import { SERVICE, staticDns } from "./static_dns.ts";
import { Dialogue } from "./dialogue.ts";
import { startDnsServer } from "./dns_server.ts";
import { NextHopServer } from "./next_hop_server.ts";
import { passwordOf, type TestSettings, testSettings, ZONE } from "./node.ts";
import { SELF_SIGNED } from "./self_signed.ts";
import { HELP_FACTS } from "./help_facts.ts";
import { PASSWORD_COST } from "./password_cost.ts";

const ADMIN_TOKEN = "operator-token", RELAY_TOKEN = "relay-token";
/** The system spreads connections by chance: a node is missed so often with a probability of (2/3)^200. */
const MAX_CONNECTS = 200;
const PAUSE_MS = 10;

export type TestCrew = Awaited<ReturnType<typeof startTestCrew>>;

export interface CrewChanges {
  /** Instead of two free ports, one of them for TLS. */
  readonly endpoints?: readonly Endpoint[];
  readonly entry?: CrewOptions["entry"];
  /** What there is to be before the nodes start; the account "anna" exists, with a block. */
  readonly prepare?: (spoolDirectory: string, client: NodeClient) => Promise<void>;
}

export async function startTestCrew(nodes: number, changes: Partial<TestSettings> = {}, others: CrewChanges = {}) {
  await using stack = new AsyncDisposableStack();
  const dataDir = await Deno.makeTempDir({ prefix: "mailhop-crew-" });
  // A thread that was ended in the middle of its start may make one more file meanwhile.
  stack.defer(() => retry(() => Deno.remove(dataDir, { recursive: true })));
  const dns = stack.use(startDnsServer(ZONE));
  const nextHop = stack.use(await NextHopServer.start());
  const anyPort = [{ hostname: "127.0.0.1", port: 0, asked: true }];
  const settings = testSettings(nextHop.port, {
    dns: [dns],
    workers: nodes,
    smtpListen: anyPort,
    smtpsListen: anyPort,
    activationDelayMs: 0,
    ...changes,
  });
  const plane = await createControlPlane({
    passwordCost: PASSWORD_COST,
    database: IN_MEMORY,
    counters: null,
    adminToken: ADMIN_TOKEN,
    relayToken: RELAY_TOKEN,
    activationDelayMs: settings.activationDelayMs,
    parameters: planeParameters(settings, nodeParameters(settings)),
    keepDecisionsMs: 86_400_000,
    keepHistoryMs: 30 * 86_400_000,
    now: () => Date.now(),
    newId: () => ulid(),
    resolveTxt: () => Promise.resolve({ kind: "no-domain" }),
    addresses: addressesWith(),
    service: SERVICE,
    examineMachine: () => Promise.resolve([]),
    mailDns: () => staticDns({ txt: new Map() }),
    help: HELP_FACTS,
    readiness: () => Promise.resolve({}),
    log: () => {},
  });
  stack.defer(() => plane.close());
  const endpoints = others.endpoints ?? findEndpoints(settings).open;
  const spoolDirectory = join(dataDir, "spool");
  const api = async (method: string, path: string, body?: unknown) => {
    const response = await plane.app.request(`/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
    return await response.json();
  };
  await api("POST", "/accounts", { username: "anna", password: passwordOf("anna") });
  await api("POST", "/accounts/anna/blocks", { quantity: 1 });
  await others.prepare?.(spoolDirectory, createNodeClient(plane.fetch, RELAY_TOKEN));
  const crew = new Crew({
    entry: others.entry ?? new URL("./faulty_node.ts", import.meta.url),
    task: {
      settings,
      spoolDirectory,
      endpoints,
      relayToken: RELAY_TOKEN,
      connections: newConnectionTable(nodes, settings.maxConnections, 1),
    },
    certificate: SELF_SIGNED,
    fetch: plane.fetch,
    monotonic: () => performance.now(),
    log: getLogger("test-crew"),
    firstPauseMs: PAUSE_MS,
  });
  await crew.start();
  stack.defer(() => crew.drain(0));
  const portOf = (tls: boolean) => endpoints.find((endpoint) => endpoint.tls === tls)!.port;
  const cleanUp = stack.move();

  return {
    crew,
    get port() {
      return portOf(false);
    },
    get tlsPort() {
      return portOf(true);
    },
    nextHop,
    api,
    /** A connection to any node, behind EHLO; the number of the node, or what it was refused with. */
    async connect(): Promise<{ client: Dialogue; node: number | string }> {
      const client = await Dialogue.connect(portOf(false));
      const [greeting = ""] = await client.reply();
      const node = /^220 node-(\d+)\.test /.exec(greeting)?.[1];
      if (node === undefined) return { client, node: greeting };
      await client.play("C: EHLO client.test");
      await client.reply();
      return { client, node: Number(node) };
    },
    /** A connection to this node, behind EHLO. */
    async connectTo(wanted: number): Promise<Dialogue> {
      for (let tries = 0; tries < MAX_CONNECTS; tries++) {
        const { client, node } = await this.connect();
        if (node === wanted) return client;
        client.close();
      }
      throw new Error(`node ${wanted} was never met`);
    },
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}
