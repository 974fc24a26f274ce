/**
 * What a process tells a monitor: figures of its main thread, and those of its nodes, each asked in its own thread.
 *
 * A node's figures bear its number: one that is started again counts from nought, which in a sum over nodes would look
 * as if everything had begun anew. A node that does not answer in time is left out of the answer, and counted.
 */
import { AggregatorRegistry, Counter, Gauge, Histogram, Registry } from "prom-client";
import { VERSION } from "../version.ts";
import { LoopLag } from "./loop_lag.ts";
import type { Snapshot } from "./node_metrics.ts";

/** The nodes of a process, as they are asked. */
export interface NodesView {
  /** Of those that answered in time, by the node's number; and how many did not. */
  metrics(): Promise<{ readonly answered: ReadonlyMap<number, Snapshot>; readonly silent: number }>;
  readonly configured: number;
  readonly up: number;
  /** SMTP connections that are open, at all of them. */
  readonly connections: number;
  /** Epoch ms; null: the certificate does not say. */
  readonly certificateEndsAt: number | null;
}

export interface ProcessMetricsOptions {
  readonly role: string;
  readonly region: string;
  /** Epoch ms. */
  readonly now: () => number;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  /** null: the process has none. */
  readonly nodes: NodesView | null;
  /** Resident memory of the process, in octets. */
  readonly residentOctets: () => number;
}

const REQUEST_SECONDS = [0.005, 0.02, 0.1, 0.5, 2, 10];
const MS_PER_SECOND = 1000;

export class ProcessMetrics implements Disposable {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #registry = new Registry();
  readonly #nodes: NodesView | null;
  readonly #lag: LoopLag;
  readonly #silent: Gauge | null;
  readonly #silences: Counter | null;
  readonly #requests = this.#counter("mailhop_http_requests_total", "HTTP requests, by status class.", "status");
  readonly #requestSeconds = new Histogram({
    name: "mailhop_http_request_seconds",
    help: "How long HTTP requests took.",
    buckets: REQUEST_SECONDS,
    registers: [this.#registry],
  });
  readonly #counterCalls: Counter<"operation" | "outcome">;
  readonly #troubles: Counter<"kind">;

  constructor({ role, region, now, monotonic, nodes, residentOctets }: ProcessMetricsOptions) {
    this.#nodes = nodes;
    const lag = this.#lag = new LoopLag(monotonic);
    const started = now() / MS_PER_SECOND;
    const info = new Gauge({
      name: "mailhop_info",
      help: "The program.",
      labelNames: ["version", "role", "region"],
      registers: [this.#registry],
    });
    info.set({ version: VERSION, role, region }, 1);
    this.#gauge("process_start_time_seconds", "When the process started, as Unix time.", () => started);
    this.#gauge("process_resident_memory_bytes", "Resident memory of the process.", residentOctets);
    this.#gauge(
      "mailhop_main_event_loop_lag_seconds",
      "Longest delay of the main thread's event loop since it was last asked for.",
      () => lag.take(),
    );
    this.#counterCalls = this.#counter(
      "mailhop_counter_calls_total",
      "Calls of the day's counters, by what came of them.",
      "operation",
      "outcome",
    );
    this.#troubles = this.#counter("mailhop_troubles_total", "Requests that failed for the service's sake.", "kind");
    for (const kind of ["database", "counters", "other"]) this.#troubles.inc({ kind }, 0);
    this.#silent = nodes === null ? null : this.#ofNodes(nodes);
    this.#silences = nodes === null
      ? null
      : this.#counter("mailhop_silent_nodes_total", "How often a node did not tell its figures in time.");
  }

  /** A request was answered. */
  requested(status: number, ms: number): void {
    this.#requests.inc({ status: `${Math.floor(status / 100)}xx` });
    this.#requestSeconds.observe(ms / MS_PER_SECOND);
  }

  /** The counters were asked. */
  counted(operation: string, outcome: "answered" | "failed"): void {
    this.#counterCalls.inc({ operation, outcome });
  }

  troubled(kind: "database" | "counters" | "other"): void {
    this.#troubles.inc({ kind });
  }

  /** All figures, in Prometheus' text format. */
  async text(): Promise<string> {
    const { answered, silent } = await this.#nodes?.metrics() ?? { answered: new Map<number, Snapshot>(), silent: 0 };
    this.#silent?.set(silent);
    this.#silences?.inc(silent);
    const ofNodes = AggregatorRegistry.aggregate([...answered].map(([node, metrics]) => named(node, metrics)));
    return `${await this.#registry.metrics()}\n${await ofNodes.metrics()}`;
  }

  [Symbol.dispose](): void {
    this.#lag[Symbol.dispose]();
  }

  #ofNodes(nodes: NodesView): Gauge {
    this.#gauge("mailhop_nodes", "Nodes that are to run.", () => nodes.configured);
    this.#gauge("mailhop_nodes_up", "Nodes that let clients in.", () => nodes.up);
    this.#gauge("mailhop_smtp_connections", "Open connections of clients.", () => nodes.connections);
    this.#gauge(
      "mailhop_certificate_end_timestamp_seconds",
      "When the certificate ends, as Unix time; 0: it cannot be read.",
      () => (nodes.certificateEndsAt ?? 0) / MS_PER_SECOND,
    );
    return this.#gauge("mailhop_silent_nodes", "Nodes whose figures are not in this answer.", () => null);
  }

  #counter<Label extends string>(name: string, help: string, ...labelNames: Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  /** @param read null: it is set elsewhere. */
  #gauge(name: string, help: string, read: () => number | null): Gauge {
    return new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        const value = read();
        if (value !== null) this.set(value);
      },
    });
  }
}

function named(node: number, metrics: Snapshot): Snapshot {
  return metrics.map((metric) => ({
    ...metric,
    values: metric.values.map((value) => ({ ...value, labels: { node: String(node), ...value.labels } })),
  }));
}
