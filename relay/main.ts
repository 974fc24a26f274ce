/**
 * The composition root of a process: settings, data directory, control plane, SMTP node, and what the operator sees.
 *
 * Exit codes: 0 after a drain, 1 when it cannot start, 2 when the settings have mistakes.
 */
import { configure, getLogger, getStreamSink, jsonLinesFormatter } from "@logtape/logtape";
import { join } from "@std/path";
import { monotonicUlid } from "@std/ulid";
import { createNodeClient } from "../api/client.ts";
import { type ControlPlane, createControlPlane } from "../api/main.ts";
import { createPolicy, defaultParameters } from "../policy/mod.ts";
import { type DataDir, openDataDir } from "./data_dir.ts";
import { createResolver } from "./dns/resolver.ts";
import { systemNameServers } from "./dns/resolv_conf.ts";
import { processEnvironment } from "./environment.ts";
import { bindListeners, PortUnavailable } from "./listeners.ts";
import { type Node, startNode } from "./node.ts";
import { readSettings, type Settings } from "./settings.ts";
import { loadCertificate } from "./tls/certificates.ts";
import { watchCertificate } from "./tls/certificate_watch.ts";
import { createStartTls } from "./tls/server_starttls.ts";
import { welcome } from "./welcome.ts";

/** The contract: transactions in flight have so long to end after a SIGTERM. */
const DRAIN_GRACE_MS = 30_000;
/** A changed certificate is picked up within this time. */
const CERTIFICATE_WATCH_MS = 10_000;
const TOKEN_OCTETS = 32;

const EXIT_CANNOT_START = 1;
const EXIT_BAD_SETTINGS = 2;

const now = () => Date.now();
const monotonic = () => performance.now();
const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));

await configure({
  sinks: { stderr: getStreamSink(Deno.stderr.writable, { formatter: jsonLinesFormatter }) },
  loggers: [
    { category: "mailhop", lowestLevel: "info", sinks: ["stderr"] },
    { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["stderr"] },
  ],
});
const log = getLogger("mailhop");

await run();

async function run(): Promise<void> {
  const read = readSettings(processEnvironment(), Deno.hostname());
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
    if (error instanceof PortUnavailable) return leave(EXIT_CANNOT_START, [error.message]);
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
  const startTls = createStartTls(loaded.certificate);
  const listeners = bindListeners(settings);

  const relayToken = settings.relayToken ?? randomBytes(TOKEN_OCTETS).toHex();
  let node: Node | undefined = undefined;
  const controlPlane = await createControlPlane({
    databasePath: join(settings.dataDir, "control.db"),
    adminToken: dataDir.adminToken,
    relayToken,
    activationDelayMs: settings.activationDelayMs,
    blockRelays: settings.blockRelays,
    now,
    newId: () => monotonicUlid(now()),
    readiness: () => Promise.resolve({ node: node === undefined ? "starting" : node.trouble() }),
    log: (message, facts) => log.error(message, { ...facts, error: String(facts.error ?? "") }),
  });
  await using resolver = createResolver(settings.dns ?? await systemNameServers());
  const http = serveHttp(settings, controlPlane);
  node = await startNode({
    settings,
    spoolDirectory: join(settings.dataDir, "spool"),
    client: createNodeClient(controlPlane.fetch, relayToken),
    policy: createPolicy({ ...defaultParameters, relaysPerBlock: settings.blockRelays }),
    resolver,
    listeners: listeners.bound,
    secure: async (conn) => {
      const { conn: secured, tls } = await startTls.upgrade(conn);
      return { conn: secured, tls: `${tls.version} ${tls.cipher}` };
    },
    now,
    monotonic,
    random: Math.random,
    newId: monotonicUlid,
    log,
  });
  const watch = watchCertificate({
    current: loaded.certificate,
    load: () => loadCertificate(certificateOptions()),
    everyMs: CERTIFICATE_WATCH_MS,
    onChange: (certificate) => {
      startTls.reload(certificate);
      log.info("the certificate has changed");
    },
    onTrouble: (trouble) => log.warn("the certificate stays as it is", { trouble: String(trouble) }),
  });
  console.log(welcome({
    serviceName: settings.serviceName,
    dataDir: settings.dataDir,
    listeners: listeners.bound,
    leftOut: listeners.leftOut,
    http: settings.httpListen,
    adminToken: {
      file: dataDir.adminTokenFile,
      shown: dataDir.isNewToken && Deno.stdout.isTerminal() ? dataDir.adminToken : null,
    },
    authorityFile: loaded.authorityFile,
    activationDelayMs: settings.activationDelayMs,
    warnings,
  }));

  await toldToStop();
  log.info("draining");
  watch.stop();
  await node.drain(DRAIN_GRACE_MS);
  await Promise.all(http.map((server) => server.shutdown()));
  await controlPlane.close();
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
