/**
 * What a node counts of its work, in its own thread; the main thread asks for it when somebody looks at /metrics.
 *
 * Labels have a bounded set of values, and none of them is of a customer: no account, address, domain or message id.
 * All that a message counts costs 3 µs, and a snapshot 0.13 ms (tests/bench/metrics.ts); what can be read when it is
 * asked for is not counted at all.
 */
import { Counter, Gauge, Histogram, type MetricObjectWithValues, type MetricValue, Registry } from "prom-client";
import type { NodeEvent, NodeLeases } from "../../api/client.ts";
import { Reason } from "../../policy/mod.ts";
import { LastMinute } from "./last_minute.ts";
import type { LoopLag } from "./loop_lag.ts";

/** As it goes to the main thread. */
export type Snapshot = MetricObjectWithValues<MetricValue<string>>[];

/** Of a shard, when it is asked for. */
export interface ShardReadings {
  /** Messages that have not ended. */
  readonly queued: () => number;
  /** Epoch ms at which the oldest of them was accepted; undefined: there is none. */
  readonly oldestAt: () => number | undefined;
  readonly segmentOctets: () => number;
  /** Next hops that are left alone. */
  readonly suspended: () => number;
  /** By how much our clock is ahead of the control plane's, in ms; null: not known. */
  readonly clockAheadMs: () => number | null;
  readonly isAway: () => boolean;
}

export interface MetricsClocks {
  /** Epoch ms. */
  readonly now: () => number;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
}

/** Of a node that has none yet. */
export const NO_LEASES: NodeLeases = { held: 0, accounts: 0, relaysLeft: 0 };

/** Where a reservation was had: from a lease of this node, or from the counters. */
export type Source = "lease" | "counters";
export type CallOutcome = "answered" | "refused" | "failed" | "lost";

/** A call in the same process takes below a millisecond; one is given up after ten seconds. */
const CALL_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10];
const MS_PER_SECOND = 1000;

export class NodeMetrics {
  readonly #registry = new Registry();
  readonly #shards = new Set<ShardReadings>();
  readonly #monotonic: () => number;
  readonly #lag: LoopLag | null;
  readonly #accepted = new LastMinute((one, other) => one + other);
  /** What the node has leased, when it is asked for. */
  leases: () => NodeLeases = () => NO_LEASES;
  readonly #events = this.#counter("mailhop_events_total", "What happened to messages, by type.", "type");
  readonly #acceptedOctets = this.#counter("mailhop_accepted_bytes_total", "Octets of accepted messages.");
  readonly #decisions = this.#counter("mailhop_decisions_total", "Decisions of the policy, by reason.", "reason");
  readonly #reservations = this.#counter(
    "mailhop_reservations_total",
    "Reservations of relays for messages, by where they were had and what came of it.",
    "source",
    "outcome",
  );
  readonly #calls = this.#counter(
    "mailhop_control_plane_calls_total",
    "Calls of the control plane, by route and what came of it.",
    "route",
    "outcome",
  );
  readonly #callSeconds = new Histogram({
    name: "mailhop_control_plane_call_seconds",
    help: "How long calls of the control plane took that were answered.",
    buckets: CALL_SECONDS,
    registers: [this.#registry],
  });

  /** @param lag of this thread; null: nobody watches it. */
  constructor({ now, monotonic }: MetricsClocks, lag: LoopLag | null) {
    this.#monotonic = monotonic;
    this.#lag = lag;
    const sum = (read: (shard: ShardReadings) => number) => () =>
      [...this.#shards].reduce((sum, shard) => sum + read(shard), 0);
    this.#gauge("mailhop_queued_messages", "Messages that have not ended.", sum(({ queued }) => queued()));
    this.#gauge("mailhop_oldest_queued_message_seconds", "Age of the oldest queued message; 0: none.", () => {
      const oldest = [...this.#shards].flatMap(({ oldestAt }) => oldestAt() ?? []);
      return oldest.length === 0 ? 0 : Math.max(0, (now() - Math.min(...oldest)) / MS_PER_SECOND);
    });
    this.#gauge(
      "mailhop_spool_segment_bytes",
      "Octets of the spool's segments that hold something.",
      sum(({ segmentOctets }) => segmentOctets()),
    );
    this.#gauge(
      "mailhop_suspended_destinations",
      "Destinations left alone because no host could be reached; 100 at most are counted for a shard.",
      sum(({ suspended }) => suspended()),
    );
    this.#gauge("mailhop_leases", "Leases of relays that the node has.", () => this.leases().held);
    this.#gauge("mailhop_leased_relays", "Relays of its leases that may be spent.", () => this.leases().relaysLeft);
    this.#gauge(
      "mailhop_control_plane_away",
      "1 while the control plane is known to be away.",
      () => [...this.#shards].some(({ isAway }) => isAway()) ? 1 : 0,
    );
    this.#gauge("mailhop_clock_ahead_seconds", "By how much the clock is ahead of the control plane's.", () => {
      const [first] = [...this.#shards].flatMap(({ clockAheadMs }) => clockAheadMs() ?? []);
      return (first ?? 0) / MS_PER_SECOND;
    });
    if (lag !== null) {
      this.#gauge(
        "mailhop_node_event_loop_lag_seconds",
        "Longest delay of the node's event loop since it was last asked for.",
        () => lag.take(),
      );
    }
    // So that a rate can be had of the first one, too.
    for (const type of ["accepted", "delivered", "deferred", "bounced", "expired"] as const) {
      this.#events.inc({ type }, 0);
    }
  }

  /** What became durable of a message. */
  happened(event: NodeEvent): void {
    this.#events.inc({ type: event.type });
    if (event.type !== "accepted") return;
    this.#acceptedOctets.inc(event.sizeBytes);
    // What the relay itself made (a DSN) costs nothing.
    if (event.relays > 0) this.#accepted.add(1, this.#monotonic());
  }

  decided(reason: Reason): void {
    this.#decisions.inc({ reason: Reason[reason] ?? "other" });
  }

  /** @param granted null: nobody could be asked. */
  reserved(source: Source, granted: boolean | null): void {
    this.#reservations.inc({ source, outcome: granted === null ? "failed" : granted ? "granted" : "refused" });
  }

  /** @param route one of a bounded set. @param ms how long it took. */
  called(route: string, outcome: CallOutcome, ms: number): void {
    this.#calls.inc({ route, outcome });
    if (outcome !== "lost") this.#callSeconds.observe(ms / MS_PER_SECOND);
  }

  /** A shard's figures are in the sums until what is returned is disposed of. */
  add(shard: ShardReadings): Disposable {
    this.#shards.add(shard);
    return { [Symbol.dispose]: () => void this.#shards.delete(shard) };
  }

  /** For the operator's glance: messages that were accepted of clients in it, and the longest delay of the event loop. */
  get lastMinute(): { readonly accepted: number; readonly loopDelayMs: number } {
    const loopDelayMs = Math.round(this.#lag?.lastMinuteMs ?? 0);
    return { accepted: this.#accepted.at(this.#monotonic()), loopDelayMs };
  }

  snapshot(): Promise<Snapshot> {
    return this.#registry.getMetricsAsJSON();
  }

  #counter<Label extends string>(name: string, help: string, ...labelNames: Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }
}
