/** What the tool's tests share: the real API on a real socket, and a terminal that remembers what was written. */
import { createControlPlane } from "../../../api/main.ts";
import { defaultParameters, type DomainFacts } from "../../../policy/mod.ts";
import { createNodeClient, type NodeClient } from "../../../api/client.ts";
import { run } from "../../../api/cli/run.ts";
import type { Terminal } from "../../../api/cli/terminal.ts";
import { addressesWith } from "../../support/addresses.ts";
import { SERVICE, staticDns } from "../../support/static_dns.ts";
import { newDatabase } from "../database.ts";
import { HELP_FACTS } from "../../support/help_facts.ts";
import { PASSWORD_COST } from "../../support/password_cost.ts";

export const NOW = Date.parse("2026-11-23T12:00:00Z");
const ADMIN_TOKEN = "operator-token-of-the-test";
const RELAY_TOKEN = "relay-token-of-the-test";

export interface Api extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  readonly node: NodeClient;
  /** The API's clock and the tool's. */
  readonly clock: { now: number };
  /** TXT records that the API finds, by name. */
  readonly txt: Map<string, string[]>;
  /** What the API finds of senders' and recipients' domains; all others are good. */
  readonly domains: Map<string, DomainFacts>;
}

/** Serves the control plane on a free port of loopback. */
export async function startApi(): Promise<Api> {
  const clock = { now: NOW };
  const txt = new Map<string, string[]>();
  const domains = new Map<string, DomainFacts>();
  let ids = 0;
  const database = await newDatabase();
  const plane = await createControlPlane({
    passwordCost: PASSWORD_COST,
    database: database.location,
    counters: null,
    adminToken: ADMIN_TOKEN,
    relayToken: RELAY_TOKEN,
    activationDelayMs: 15 * 60 * 1000,
    parameters: defaultParameters,
    keepDecisionsMs: 86_400_000,
    keepHistoryMs: 30 * 86_400_000,
    now: () => clock.now,
    newId: () => `id-${String(++ids).padStart(6, "0")}`,
    resolveTxt: (name) => {
      const records = txt.get(name);
      return Promise.resolve(records === undefined ? { kind: "no-domain" } : { kind: "found", records });
    },
    addresses: addressesWith(domains),
    service: SERVICE,
    examineMachine: () => Promise.resolve([]),
    mailDns: () => staticDns({ txt }),
    help: HELP_FACTS,
    readiness: () => Promise.resolve({}),
    log: (message, facts) => {
      if (facts.error === undefined) return;
      throw new Error(`the API failed: ${message}`, { cause: facts });
    },
  });
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, plane.app.fetch);
  const url = `http://127.0.0.1:${server.addr.port}`;
  return {
    url,
    token: ADMIN_TOKEN,
    node: createNodeClient(plane.fetch, RELAY_TOKEN),
    clock,
    txt,
    domains,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await plane.close();
      await database[Symbol.asyncDispose]();
    },
  };
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What was shown of the progress, in order. */
  readonly statuses: readonly string[];
}

export interface Circumstances {
  readonly env?: Readonly<Record<string, string>>;
  /** The files there are, by path. */
  readonly files?: Readonly<Record<string, string | Uint8Array<ArrayBuffer>>>;
  /** null is more than the tool reads; an error is what reading it throws. */
  readonly stdin?: string | null | Error;
  /** What somebody types when asked, in order; undefined where nobody sits there. */
  readonly typed?: readonly string[];
  readonly colours?: boolean;
  readonly columns?: number;
  readonly now?: number;
  readonly fetch?: typeof fetch;
  /** What happens while the tool waits. */
  readonly pause?: (ms: number) => Promise<void>;
}

/** Runs a command line in this process, against whatever the environment names. */
export async function runTool(line: string, circumstances: Circumstances = {}): Promise<Ran> {
  const { env = {}, files = {}, stdin = "", typed, now = NOW } = circumstances;
  const out: string[] = [];
  const err: string[] = [];
  const statuses: string[] = [];
  const answers = [...(typed ?? [])];
  const answer: Terminal["ask"] = (prompt) => {
    err.push(prompt);
    const text = answers.shift();
    return Promise.resolve(text === undefined ? { kind: "cancelled" } : { kind: "line", text });
  };
  const terminal: Terminal = {
    interactive: typed !== undefined,
    colours: circumstances.colours ?? false,
    columns: circumstances.columns ?? 120,
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    readAll: () => stdin instanceof Error ? Promise.reject(stdin) : Promise.resolve(stdin),
    status: (text) => void statuses.push(text),
    askHidden: answer,
    ask: answer,
  };
  let reading = true;
  const readFile = (path: string): Promise<Uint8Array<ArrayBuffer>> => {
    const file = files[path];
    if (!reading) return Promise.reject(new Deno.errors.NotCapable(path));
    if (file === undefined) return Promise.reject(new Deno.errors.NotFound(path));
    return Promise.resolve(typeof file === "string" ? new TextEncoder().encode(file) : file);
  };
  const code = await run(line.split(" ").filter((word) => word !== ""), {
    terminal,
    env: (name) => env[name],
    readTextFile: async (path) => new TextDecoder().decode(await readFile(path)),
    readFile,
    endReading: () => reading = false,
    pause: circumstances.pause ?? (() => Promise.reject(new Error("nothing is waited for"))),
    fetch: circumstances.fetch ?? fetch,
    now: () => now,
    randomBytes: (length) => new Uint8Array(length).map((_, at) => at),
  });
  return { code, out: out.join("\n"), err: err.join("\n"), statuses };
}

/** The same against `api`, with its token and clock. */
export const runOn = (api: Api, line: string, circumstances: Circumstances = {}): Promise<Ran> =>
  runTool(line, {
    now: api.clock.now,
    ...circumstances,
    env: { MAILHOP_API_URL: api.url, MAILHOP_API_TOKEN: api.token, ...circumstances.env },
  });
