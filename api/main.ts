/**
 * Composition root of the control plane: opens its database and puts the app together.
 *
 * It listens nowhere: whoever starts it serves `fetch`, or calls it in the same process.
 */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { delay } from "@std/async/delay.js";
import type { Parameters } from "../policy/mod.ts";
import { type App, createApp, type Figures, type Log } from "./app.ts";
import { sayBlocks } from "./block_notices.ts";
import type { Fetch } from "./client.ts";
import { createControlDatabaseCounters } from "./counters/control_database.ts";
import { countedCounters } from "./counters/counted.ts";
import type { Caps, Counters } from "./counters/counters.ts";
import { CountersUnavailable } from "./counters/trouble.ts";
import type { UpstashLocation } from "./counters/upstash/store.ts";
import type { Finding } from "./doctor/finding.ts";
import { nodeClocks } from "./doctor/node_clocks.ts";
import type { OwnNames } from "./doctor/own_names.ts";
import type { MailDns } from "./domain_check/mail_dns.ts";
import type { ResolveTxt } from "./domain_proof.ts";
import { recheckDomains } from "./domain_recheck.ts";
import type { AddressFacts } from "./dry_run.ts";
import { createHabits } from "./habits.ts";
import type { HelpFacts } from "./help/placeholders.ts";
import { type Cost, createPasswords } from "./passwords.ts";
import { createNoticeBoard } from "./notices.ts";
import { openPolicyControl } from "./policy_control.ts";
import { prune } from "./pruning.ts";
import type { Readiness } from "./routes/health.ts";
import { type ControlDatabase, type DatabaseLocation, openDatabase } from "./store/database.ts";

/** Octets of the token that proves a claim: nobody guesses 128 bits. */
const TOKEN_OCTETS = 16;
/** Between two steps of pruning, each of 3 ms: others have most of the time, and some thousand messages a second go. */
const PRUNE_PAUSE_MS = 8;

export { DatabaseUnusable } from "./store/trouble.ts";

/** Hears what the operator's figures are made of. */
export interface ControlPlaneFigures extends Figures {
  counted(operation: string, outcome: "answered" | "failed"): void;
}

export interface ControlPlaneOptions {
  readonly database: DatabaseLocation;
  /** Where the counters are; null: in the database. */
  readonly counters: UpstashLocation | null;
  /** The operator's bearer token. */
  readonly adminToken: string;
  /** The bearer token of relay nodes. */
  readonly relayToken: string;
  readonly activationDelayMs: number;
  /** Of the policy, as the settings have them; those that were set through the API go before them. */
  readonly parameters: Parameters;
  /** How long recorded decisions are kept. */
  readonly keepDecisionsMs: number;
  /** How long messages with their history are kept, and notices. */
  readonly keepHistoryMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** A new unique id on each call, that sorts behind those before (ULID). */
  readonly newId: () => string;
  /** Looks up the proofs of claimed domains. */
  readonly resolveTxt: ResolveTxt;
  /** What a node makes of addresses and their domains, for the dry run. */
  readonly addresses: AddressFacts;
  /** How the service appears to the world, and the DNS as it is now, for the checks of domains. */
  readonly service: OwnNames;
  readonly mailDns: () => MailDns;
  /** What is to be said of the machine itself, for the operator. */
  readonly examineMachine: () => Promise<readonly Finding[]>;
  /** What the help pages tell customers to set up. */
  readonly help: Omit<HelpFacts, "activationDelayMs">;
  /** Checks of the rest of the process, beside the database. */
  readonly readiness: Readiness;
  /** Of passwords' hashes, where it is not to be the service's own. */
  readonly passwordCost?: Cost;
  /** Where the operator's figures are kept, if anywhere. */
  readonly figures?: ControlPlaneFigures;
  readonly log: Log;
}

export interface ControlPlane {
  /** For Deno.serve: `Deno.serve(app.fetch)`. */
  readonly app: App;
  /** The same in the shape of the global `fetch`, for the clients of client.ts in this process. */
  readonly fetch: Fetch;
  /**
   * Looks again at the proofs of verified domains that were not looked at for a day. To be called every now and then.
   *
   * @param closing aborts when the process ends: the rest waits for the next start.
   */
  recheckDomains(closing: AbortSignal): Promise<void>;
  /** Deletes what is older than it is kept, and keeps what counters elsewhere forget. To be called every hour or so. */
  prune(closing: AbortSignal): Promise<void>;
  /** Says which blocks have begun to count, or have ended. To be called every now and then. */
  sayBlocks(closing: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

const openCounters = async (
  { counters, now, log }: Pick<ControlPlaneOptions, "counters" | "now" | "log">,
  { db, sync }: ControlDatabase,
  caps: Caps,
): Promise<Counters> => {
  if (counters === null) return createControlDatabaseCounters({ db, sync, now, ...caps });
  // Loaded where it is used alone.
  const { createUpstashCounters, UpstashStore } = await import("./counters/upstash/mod.ts");
  return createUpstashCounters({ store: new UpstashStore(counters, now), db, now, log, ...caps });
};

/** What else the control plane needs, and what is said where it does not answer. */
const NEEDED = { database: "the database does not answer", counters: "the counters do not answer" };

/** null: it answers. */
const troubleOf = async (
  needed: keyof typeof NEEDED,
  look: () => Promise<unknown>,
  { log, figures }: Pick<ControlPlaneOptions, "log" | "figures">,
): Promise<string | null> => {
  try {
    await look();
    return null;
  } catch (error) {
    figures?.troubled(needed);
    log(NEEDED[needed], { error });
    return "does not answer";
  }
};

/** With its length, as HTTP has it: the limit of bodies then needs no look at the body, which it reads in pieces. */
const requestOf = (input: string | URL | Request, init?: RequestInit): Request => {
  const request = new Request(input, init);
  if (typeof init?.body === "string") request.headers.set("content-length", `${Buffer.byteLength(init.body)}`);
  return request;
};

/** @throws {DatabaseUnusable}, or Error of the file system or of SQLite. */
export const createControlPlane = async (options: ControlPlaneOptions): Promise<ControlPlane> => {
  const { adminToken, relayToken, activationDelayMs, parameters, now, newId, log } = options;
  const { resolveTxt, addresses, service, mailDns } = options;
  const database = await openDatabase(options.database, {
    onWait: (server, why) => log("waiting for the database", { server, error: why }),
  });
  const { db, sync } = database;
  const notices = createNoticeBoard({ db, now, newId });
  const policy = await openPolicyControl({ db, sync, parameters, now, notices, log });
  const caps: Caps = {
    cap: (blocks, at) => policy.live.cap(blocks, at),
    ndrCap: (blocks, at, wish) => policy.live.ndrCap(blocks, at, wish),
  };
  const { figures } = options;
  const opened = await openCounters(options, database, caps);
  const counters = figures === undefined
    ? opened
    : countedCounters(opened, (operation, outcome) => figures.counted(operation, outcome));
  const lookAtDatabase = async () => {
    await db.selectFrom("account").select("username").limit(1).execute();
    await sync();
  };
  // Nobody has no name: it is asked, and finds nothing.
  const lookAtCounters = () => counters.today([""]);
  const app = createApp({
    db,
    sync,
    counters,
    caps,
    policy,
    notices,
    habits: createHabits(db),
    passwords: createPasswords(options.passwordCost),
    now,
    newId,
    newToken: () => randomBytes(TOKEN_OCTETS).toString("hex"),
    resolveTxt,
    addresses,
    service,
    mailDns,
    examine: async () => {
      const { ownNames } = await import("./doctor/own_names.ts"); // it loads mailauth
      return (await Promise.all([ownNames(service, mailDns()), options.examineMachine(), nodeClocks(db, now())]))
        .flat();
    },
    activationDelayMs,
    help: { ...options.help, activationDelayMs },
    adminToken,
    relayToken,
    readiness: async () => ({
      database: await troubleOf("database", lookAtDatabase, options),
      // Those in the database answer where it does.
      ...options.counters && { counters: await troubleOf("counters", lookAtCounters, options) },
      ...await options.readiness(),
    }),
    figures,
    log,
  });
  return {
    app,
    fetch: (input, init) => app.fetch(input instanceof Request && init === undefined ? input : requestOf(input, init)),
    recheckDomains: (closing) => {
      const onLapse = ({ username, domain }: { username: string; domain: string }) =>
        log("the claim of a domain has lapsed", { username, domain });
      return recheckDomains({ db, resolveTxt, closing, onLapse }, now());
    },
    async prune(closing) {
      const { keepDecisionsMs, keepHistoryMs, help: { expiryMs } } = options;
      try {
        await counters.keepDays();
      } catch (error) {
        if (!(error instanceof CountersUnavailable)) throw error;
        log("what was used today could not be copied from the counters", { error });
      }
      const kept = { keepDecisionsMs, keepHistoryMs, expiryMs };
      await prune({ db, ...kept, pause: () => delay(PRUNE_PAUSE_MS) }, now(), closing);
    },
    sayBlocks: (closing) => sayBlocks({ db, caps, notices }, now(), closing),
    async close() {
      await database[Symbol.asyncDispose]();
    },
  };
};
