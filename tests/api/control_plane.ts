/** A control plane for tests: with a new database unless one is given, and a clock that stands still until it is set. */
import { monotonicUlid } from "@std/ulid";
import type { App } from "../../api/app.ts";
import { createClient, createNodeClient } from "../../api/client.ts";
import type { UpstashLocation } from "../../api/counters/upstash/store.ts";
import type { TxtAnswer } from "../../api/domain_proof.ts";
import { createControlPlane } from "../../api/main.ts";
import { defaultParameters, type DomainFacts } from "../../policy/mod.ts";
import type { Cost } from "../../api/passwords.ts";
import type { Readiness } from "../../api/routes/health.ts";
import type { DatabaseLocation } from "../../api/store/database.ts";
import { addressesWith } from "../support/addresses.ts";
import { SERVICE, staticDns } from "../support/static_dns.ts";
import { newDatabase } from "./database.ts";
import { HELP_FACTS } from "../support/help_facts.ts";
import { PASSWORD_COST } from "../support/password_cost.ts";

export const ADMIN = "operator-token";
export const RELAY = "relay-token";
export const PASSWORD = "correct horse";
export const NOON = Date.parse("2026-11-23T12:00:00Z");
export const MINUTE_MS = 60_000;
export const ACTIVATION_DELAY_MS = 15 * MINUTE_MS;

export interface TestOptions {
  readonly database?: DatabaseLocation;
  readonly now?: number;
  readonly readiness?: Readiness;
  readonly passwordCost?: Cost;
}

/** What a request was answered with; `body` is null where there was none. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any -- a test reads whatever JSON came
  readonly body: any;
}

/** Counters in Redis, whose clock is the test's. */
export interface TestCounters {
  /** Of an empty database. */
  location(): Promise<UpstashLocation>;
  setClock(now: number): void;
}

let counters: TestCounters | undefined;

/** For all control planes that this module's importers start; otherwise the counters are in their database. */
export const useCounters = (other: TestCounters): void => {
  counters = other;
};

/** How a request gets to the app: its path and what `fetch` takes. */
export type Transport = (path: string, init?: RequestInit) => Promise<Response>;

let isOverHttp = false;

/** For all control planes that this module's importers start; otherwise the app is called in the process. */
export const useHttp = (): void => {
  isOverHttp = true;
};

const transportTo = (app: App, stack: AsyncDisposableStack): Transport => {
  if (!isOverHttp) return async (path, init) => await app.request(path, init);
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch);
  stack.defer(() => server.shutdown());
  return (path, init) => fetch(`http://127.0.0.1:${server.addr.port}${path}`, { redirect: "manual", ...init });
};

/** A clock that stands, for the counters too. */
const clockOf = (start: number) => {
  let now = start;
  counters?.setClock(now);
  return {
    get now() {
      return now;
    },
    set now(to: number) {
      now = to;
      counters?.setClock(now);
    },
  };
};

export const startControlPlane = async (options: TestOptions = {}) => {
  const clock = clockOf(options.now ?? NOON);
  const logged: string[] = [], errors: unknown[] = [];
  const txt = new Map<string, TxtAnswer>();
  const domains = new Map<string, DomainFacts>();
  const a = new Map<string, readonly string[]>(), cname = new Map<string, readonly string[]>();
  const mx = new Map<string, readonly { preference: number; exchange: string }[]>();
  await using stack = new AsyncDisposableStack();
  const database = options.database ?? stack.use(await newDatabase()).location;
  const plane = await createControlPlane({
    passwordCost: options.passwordCost ?? PASSWORD_COST,
    database,
    counters: await counters?.location() ?? null,
    adminToken: ADMIN,
    relayToken: RELAY,
    activationDelayMs: ACTIVATION_DELAY_MS,
    parameters: defaultParameters,
    keepDecisionsMs: 86_400_000,
    keepHistoryMs: 30 * 86_400_000,
    now: () => clock.now,
    newId: () => monotonicUlid(),
    resolveTxt: (name) => Promise.resolve(txt.get(name) ?? { kind: "no-domain" }),
    addresses: addressesWith(domains),
    service: SERVICE,
    examineMachine: () => Promise.resolve([]),
    mailDns: () => staticDns({ txt, a, mx, cname }),
    help: HELP_FACTS,
    readiness: options.readiness ?? (() => Promise.resolve({})),
    log: (message, { error }) => {
      logged.push(message);
      if (error !== undefined) errors.push(error);
    },
  });
  stack.defer(() => plane.close());
  const transport = transportTo(plane.app, stack);
  const cleanUp = stack.move();
  const request = async (method: string, path: string, body?: unknown, token = ADMIN): Promise<Answer> => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const text = typeof body === "string" ? body : body === undefined ? null : JSON.stringify(body);
    return await answerTo(transport(path, { method, headers, body: text }));
  };
  const answerTo = async (asked: Promise<Response>): Promise<Answer> => {
    const response = await asked;
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) };
  };
  return {
    clock,
    logged,
    /** Those in what was logged. */
    errors,
    /** What the DNS says of TXT records, by name; nothing at first. */
    txt,
    /** And of the others. */
    a,
    mx,
    cname,
    /** What it says of senders' and recipients' domains; all others are good. */
    domains,
    app: plane.app,
    recheckDomains: plane.recheckDomains,
    prune: plane.prune,
    sayBlocks: plane.sayBlocks,
    client: createClient(plane.fetch, ADMIN),
    node: createNodeClient(plane.fetch, RELAY),
    request,
    /** A call of the node "n1" in its boot "b1", unless the body says otherwise. */
    nodeCall: (call: string, body: Record<string, unknown>) =>
      request("POST", `/v1/node/${call}`, { node: "n1", boot: "b1", ...body }, RELAY),
    account: (username: string) => request("POST", "/v1/accounts", { username, password: PASSWORD }),
    /** Buys, and lets the activation pass. */
    async blocks(username: string, quantity: number) {
      await request("POST", `/v1/accounts/${username}/blocks`, { quantity });
      clock.now += ACTIVATION_DELAY_MS;
    },
    used: async (username: string): Promise<number> =>
      (await request("GET", `/v1/accounts/${username}/quota`)).body.used,
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
};

export type TestControlPlane = Awaited<ReturnType<typeof startControlPlane>>;
