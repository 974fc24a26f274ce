/**
 * The relay nodes' part of a process: their certificate, their ports, and their threads. They reach the control plane
 * through the `fetch` they are started with, wherever that leads.
 */
import type { Logger } from "@logtape/logtape";
import { join } from "@std/path";
import type { Fetch } from "../api/client.ts";
import { SPOOL_DIRECTORY } from "./data_dir.ts";
import { type Endpoints, findEndpoints } from "./listeners.ts";
import type { NodesView } from "./metrics/process_metrics.ts";
import type { NodeSettings } from "./settings.ts";
import { newConnectionTable } from "./smtp/connection_counts.ts";
import { type Certificate, parseLeaf } from "./tls/certificate.ts";
import { loadCertificate } from "./tls/certificates.ts";
import { watchCertificate } from "./tls/certificate_watch.ts";
import { Crew } from "./workers/crew.ts";

/** The contract: transactions in flight have so long to end after a SIGTERM. */
const DRAIN_GRACE_MS = 30_000;
/** A changed certificate is picked up within this time. */
const CERTIFICATE_WATCH_MS = 10_000;
const NODE_MODULE = new URL("./worker.ts", import.meta.url);

export interface NodesSurroundings {
  /** Epoch ms. */
  readonly now: () => number;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  readonly log: Logger;
}

/** How the nodes call the control plane, and with which token. */
export interface Door {
  readonly fetch: Fetch;
  readonly token: string;
}

/** Finds what the nodes need. @returns mistakes of the settings. @throws {PortUnavailable} */
export async function prepareNodes(
  settings: NodeSettings,
  surroundings: NodesSurroundings,
): Promise<Nodes | readonly string[]> {
  let current: Certificate | undefined;
  const load = async () => {
    const loaded = await loadCertificate({
      files: settings.tlsFiles,
      dataDir: settings.dataDir,
      names: [settings.serviceName, settings.hostname],
      now: surroundings.now(),
      current,
    });
    if (loaded.ok) current = loaded.certificate;
    return loaded;
  };
  const loaded = await load();
  if (!loaded.ok) return loaded.mistakes;
  return new Nodes({ ...surroundings, settings, endpoints: findEndpoints(settings), loaded, load });
}

interface NodesParts extends NodesSurroundings {
  readonly settings: NodeSettings;
  readonly endpoints: Endpoints;
  readonly loaded: Extract<Awaited<ReturnType<typeof loadCertificate>>, { readonly ok: true }>;
  readonly load: () => ReturnType<typeof loadCertificate>;
}

/** Use `prepareNodes`. */
export class Nodes implements NodesView {
  readonly endpoints: Endpoints;
  /** What clients are to trust; null: the operator's own certificate. */
  readonly authorityFile: string | null;
  readonly #parts: NodesParts;
  #certificate: Certificate;
  #crew: Crew | undefined;
  #watch: ReturnType<typeof watchCertificate> | undefined;

  constructor(parts: NodesParts) {
    this.#parts = parts;
    this.endpoints = parts.endpoints;
    this.authorityFile = parts.loaded.authorityFile;
    this.#certificate = parts.loaded.certificate;
  }

  /** The one that clients see now. */
  get certificate(): Certificate {
    return this.#certificate;
  }

  /** Resolves when all let clients in. @throws {PortUnavailable | NodeNotStarted} */
  async start({ fetch, token }: Door): Promise<void> {
    const { settings, loaded, load, monotonic, log } = this.#parts;
    const crew = this.#crew = new Crew({
      entry: NODE_MODULE,
      task: {
        settings,
        spoolDirectory: join(settings.dataDir, SPOOL_DIRECTORY),
        endpoints: this.endpoints.open,
        relayToken: token,
        connections: newConnectionTable(
          settings.workers,
          settings.maxConnections,
          crypto.getRandomValues(new Int32Array(1))[0]!,
        ),
      },
      certificate: loaded.certificate,
      fetch,
      monotonic,
      log,
    });
    await crew.start();
    this.#watch = watchCertificate({
      current: loaded.certificate,
      load,
      everyMs: CERTIFICATE_WATCH_MS,
      onChange: (certificate) => {
        this.#certificate = certificate;
        crew.reload(certificate);
        log.info("the certificate has changed");
      },
      onTrouble: (trouble) => log.warn("the certificate stays as it is", { trouble: String(trouble) }),
    });
  }

  /** For the process's readiness: what is wrong with each thing that must work, in words; null: it works. */
  troubles(): { readonly [Part in "nodes" | "listeners" | "spool"]: string | null } {
    const crew = this.#crew;
    if (crew === undefined) return { nodes: "starting", listeners: null, spool: null };
    return { nodes: crew.trouble(), listeners: crew.listenersTrouble(), spool: crew.spoolTrouble() };
  }

  get configured(): number {
    return this.#parts.settings.workers;
  }

  get up(): number {
    return this.#crew?.up ?? 0;
  }

  get connections(): number {
    return this.#crew?.connections ?? 0;
  }

  get certificateEndsAt(): number | null {
    return parseLeaf(this.#certificate.cert)?.validToDate.getTime() ?? null;
  }

  metrics(): ReturnType<NodesView["metrics"]> {
    return this.#crew?.metrics() ?? Promise.resolve({ answered: new Map(), silent: this.configured });
  }

  /** No new connections; transactions in flight end within the grace. */
  async drain(): Promise<void> {
    this.#watch?.stop();
    await this.#crew?.drain(DRAIN_GRACE_MS);
  }
}
