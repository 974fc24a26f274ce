/**
 * The composition root of a process: settings, data directory, control plane, the SMTP nodes in their threads, and what
 * the operator sees.
 *
 * Exit codes: 0 after a drain, 1 when it cannot start, 2 when the settings have mistakes.
 */
import { join } from "@std/path";
import { monotonicUlid } from "@std/ulid";
import { type ControlPlane, createControlPlane, DatabaseUnusable } from "../api/main.ts";
import { addressFacts } from "./admission/address_facts.ts";
import { CONTROL_DATABASE, type DataDir, openDataDir, SPOOL_DIRECTORY } from "./data_dir.ts";
import { createResolver } from "./dns/resolver.ts";
import { systemNameServers } from "./dns/resolv_conf.ts";
import { processEnvironment } from "./environment.ts";
import { describe } from "./error_words.ts";
import { examine } from "./doctor/examination.ts";
import { namesOf } from "./names_of.ts";
import { outgoingAddresses } from "./outgoing_addresses.ts";
import { findEndpoints, portsOf, PortUnavailable } from "./listeners.ts";
import { openLog } from "./logging.ts";
import { startPeriodicWork } from "./periodic_work.ts";
import { parametersOf } from "./policy/parameters.ts";
import { readSettings, type Settings } from "./settings.ts";
import { newConnectionTable } from "./smtp/connection_counts.ts";
import { loadCertificate } from "./tls/certificates.ts";
import { watchCertificate } from "./tls/certificate_watch.ts";
import { welcome } from "./welcome.ts";
import { Crew, NodeNotStarted } from "./workers/crew.ts";

/** The contract: transactions in flight have so long to end after a SIGTERM. */
const DRAIN_GRACE_MS = 30_000;
/** A changed certificate is picked up within this time. */
const CERTIFICATE_WATCH_MS = 10_000;
/** A claimed domain is looked at again daily, within this time of being due. */
const DOMAIN_RECHECK_MS = 3_600_000;
/** What is pruned was kept for days: an hour more does not matter. */
const PRUNE_MS = 3_600_000;
const TOKEN_OCTETS = 32;
const NODE_MODULE = new URL("./worker.ts", import.meta.url);

const EXIT_CANNOT_START = 1;
const EXIT_BAD_SETTINGS = 2;

const now = () => Date.now();
const monotonic = () => performance.now();
const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));

const log = await openLog();

await run();

async function run(): Promise<void> {
  const read = readSettings(processEnvironment(), Deno.hostname(), navigator.hardwareConcurrency);
  if (!read.ok) return leave(EXIT_BAD_SETTINGS, read.mistakes);
  const { settings, warnings } = read;
  const opened = await openDataDir({
    path: settings.dataDir,
    adminToken: settings.adminToken,
    randomBytes,
    pid: Deno.pid,
  });
  if (!opened.ok) return leave(EXIT_CANNOT_START, [opened.why]);
  try {
    await serve(settings, opened.dataDir, [...warnings, ...opened.dataDir.warnings]);
  } catch (error) {
    if (
      error instanceof PortUnavailable || error instanceof NodeNotStarted || error instanceof DatabaseUnusable
    ) {
      return leave(EXIT_CANNOT_START, [error.message]);
    }
    throw error;
  }
}

async function serve(settings: Settings, dataDir: DataDir, warnings: readonly string[]): Promise<void> {
  const certificateOptions = () => ({
    files: settings.tlsFiles,
    dataDir: settings.dataDir,
    names: [settings.serviceName, settings.hostname],
    now: now(),
  });
  const loaded = await loadCertificate(certificateOptions());
  if (!loaded.ok) return leave(EXIT_BAD_SETTINGS, loaded.mistakes);
  let shown = loaded.certificate;
  const endpoints = findEndpoints(settings);

  const relayToken = settings.relayToken ?? randomBytes(TOKEN_OCTETS).toHex();
  let crew: Crew | undefined = undefined;
  await using closing = new AsyncDisposableStack();
  const resolver = closing.use(createResolver(settings.dns ?? await systemNameServers()));
  const controlPlane = await createControlPlane({
    database: settings.database ?? join(settings.dataDir, CONTROL_DATABASE),
    adminToken: dataDir.adminToken,
    relayToken,
    activationDelayMs: settings.activationDelayMs,
    parameters: parametersOf(settings),
    keepDecisionsMs: settings.keepDecisionsMs,
    keepHistoryMs: settings.keepHistoryMs,
    now,
    newId: () => monotonicUlid(now()),
    resolveTxt: (name) => resolver.fresh().txt(name),
    addresses: addressFacts(resolver, settings.routes),
    service: {
      name: settings.serviceName,
      hostname: settings.hostname,
      addresses: () => outgoingAddresses(settings, resolver),
      namesOf: (address) => namesOf(address, settings.dns),
    },
    examineMachine: () =>
      examine({
        serviceName: settings.serviceName,
        dataDir: settings.dataDir,
        certificate: () => ({ certificate: shown, own: settings.tlsFiles === null }),
        resolver: resolver.fresh(),
        now,
        monotonic,
      }),
    mailDns: () => resolver.fresh(),
    help: {
      name: settings.serviceName,
      starttlsPorts: portsOf(endpoints, false),
      tlsPorts: portsOf(endpoints, true),
      delayWarningMs: settings.delayWarningMs,
      expiryMs: settings.expiryMs,
      url: settings.helpUrl,
    },
    readiness: () => Promise.resolve({ nodes: crew === undefined ? "starting" : crew.trouble() }),
    log: (message, facts) => log.error(message, { ...facts, error: String(facts.error ?? "") }),
  });
  closing.defer(() => controlPlane.close());
  closing.use(startPeriodicWork({
    work: (closing) => controlPlane.prune(closing),
    everyMs: PRUNE_MS,
    onTrouble: (error) => log.error("what is too old could not be deleted", { error: describe(error) }),
  }));
  closing.use(startPeriodicWork({
    work: controlPlane.recheckDomains,
    everyMs: DOMAIN_RECHECK_MS,
    onTrouble: (error) => log.error("claimed domains could not be looked at again", { error: describe(error) }),
  }));
  const http = serveHttp(settings, controlPlane);
  closing.defer(async () => {
    await Promise.all(http.map((server) => server.shutdown()));
  });
  const { adminToken: _, database: __, ...nodeSettings } = settings;
  crew = new Crew({
    entry: NODE_MODULE,
    task: {
      settings: nodeSettings,
      spoolDirectory: join(settings.dataDir, SPOOL_DIRECTORY),
      endpoints: endpoints.open,
      relayToken,
      connections: newConnectionTable(
        settings.workers,
        settings.maxConnections,
        crypto.getRandomValues(new Int32Array(1))[0]!,
      ),
    },
    certificate: loaded.certificate,
    fetch: controlPlane.fetch,
    monotonic,
    log,
  });
  await crew.start();
  const watch = watchCertificate({
    current: loaded.certificate,
    load: () => loadCertificate(certificateOptions()),
    everyMs: CERTIFICATE_WATCH_MS,
    onChange: (certificate) => {
      shown = certificate;
      crew.reload(certificate);
      log.info("the certificate has changed");
    },
    onTrouble: (trouble) => log.warn("the certificate stays as it is", { trouble: String(trouble) }),
  });
  // Before it says that it is ready: whoever waits for that may stop it at once.
  const stop = toldToStop();
  console.log(welcome({
    serviceName: settings.serviceName,
    dataDir: settings.dataDir,
    listeners: endpoints.open,
    leftOut: endpoints.leftOut,
    http: settings.httpListen,
    adminToken: {
      file: dataDir.adminTokenFile,
      shown: dataDir.isNewToken && Deno.stdout.isTerminal() ? dataDir.adminToken : null,
    },
    authorityFile: loaded.authorityFile,
    activationDelayMs: settings.activationDelayMs,
    warnings,
  }));

  await stop;
  log.info("draining");
  watch.stop();
  await crew.drain(DRAIN_GRACE_MS);
}

function serveHttp(settings: Settings, { app }: ControlPlane): Deno.HttpServer[] {
  return settings.httpListen.map(({ hostname, port }) => {
    try {
      return Deno.serve({ hostname, port, onListen: () => {} }, app.fetch);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new PortUnavailable(`${hostname} port ${port}: ${error.message}`, { cause: error });
    }
  });
}

/** Resolves at the first SIGTERM or SIGINT. */
function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => resolve());
  });
}

function leave(code: number, lines: readonly string[]): void {
  for (const line of lines) console.error(line);
  Deno.exitCode = code;
}
