/**
 * The nodes of a process, as its main thread sees them: each in a Deno Worker of its own. It starts them, answers their
 * calls of the control plane, passes on what all have to know, and leads the drain.
 *
 * A node that ends by an uncaught error is started again, after a pause that grows while it keeps ending; the others
 * and their sessions go on. A thread that spins for ever is not noticed: Deno 2.9.6 could not end it.
 */
import type { Logger } from "@logtape/logtape";
import type { Fetch } from "../../api/client.ts";
import { PortUnavailable } from "../listeners.ts";
import { ConnectionCounts } from "../smtp/connection_counts.ts";
import type { Certificate } from "../tls/certificate.ts";
import type { Snapshot } from "../metrics/node_metrics.ts";
import type { CommonTask, FromNode, LoginNews, ToNode } from "./messages.ts";
import { serveFetch } from "./port_fetch.ts";

export interface CrewOptions {
  /** The module of a node's thread. */
  readonly entry: URL;
  readonly task: CommonTask;
  readonly certificate: Certificate;
  /** The control plane's. */
  readonly fetch: Fetch;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  readonly log: Logger;
  /** Pause before a node that has ended is started again, in ms. */
  readonly firstPauseMs?: number;
}

/** A node ended before it was up. */
export class NodeNotStarted extends Error {
  override readonly name = "NodeNotStarted";
}

/**
 * Long enough that what the dead thread had handed to the system (a write into its log, calls to the control plane) is
 * over when its successor recovers the shard.
 */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** A node that was up for so long did not end because of what it found at its start. */
const STEADY_MS = 60_000;
/** A node that has not told its figures by then is left out: a monitor gives up after ten seconds. */
const METRICS_DEADLINE_MS = 2000;
const CLOSED = "closed: no node lets clients in (one that was drained does again by mailhop node serve <node>)";
/** Beyond the grace of a drain: for closing what is on disk. */
const CLOSING_MS = 5000;

interface Member {
  readonly node: number;
  /** Of the thread that runs now, or is being started. */
  thread: Thread | undefined;
  upSince: number | undefined;
  /** Why its spool takes no mail; null: it does. */
  spoolTrouble: string | null;
  /** It lets clients in. */
  doorsOpen: boolean;
  pauseMs: number;
  restart: ReturnType<typeof setTimeout> | undefined;
}

interface Thread {
  readonly worker: Worker;
  readonly controlPlane: MessagePort;
  /** @throws {PortUnavailable | NodeNotStarted} */
  readonly up: PromiseWithResolvers<void>;
  /** Resolves also when the thread has died. */
  readonly drained: PromiseWithResolvers<void>;
}

export class Crew {
  readonly #options: CrewOptions;
  readonly #connections: ConnectionCounts;
  readonly #members: readonly Member[];
  #certificate: Certificate;
  #draining = false;
  #asked = 0;
  /** Who waits for a node's figures, by the number of the question. */
  readonly #waiting = new Map<number, (metrics: Snapshot | undefined) => void>();

  constructor(options: CrewOptions) {
    const { connections, settings: { workers } } = options.task;
    this.#options = options;
    this.#certificate = options.certificate;
    this.#connections = new ConnectionCounts(connections, 0);
    const pauseMs = options.firstPauseMs ?? FIRST_PAUSE_MS;
    this.#members = Array.from({ length: workers }, (_, node) => (
      { node, thread: undefined, upSince: undefined, spoolTrouble: null, doorsOpen: false, pauseMs, restart: undefined }
    ));
  }

  /**
   * Resolves when all nodes let clients in.
   * @throws {PortUnavailable | NodeNotStarted} one of them does not start; none runs then.
   */
  async start(): Promise<void> {
    try {
      await Promise.all(this.#members.map((member) => this.#begin(member)));
    } catch (error) {
      this.#endAll();
      throw error;
    }
  }

  /** Which nodes are not up, in words; null if all are. */
  trouble(): string | null {
    const down = this.#members.filter(({ upSince }) => upSince === undefined).map(({ node }) => node);
    return down.length === 0 ? null : `not up: ${down.join(", ")} of ${this.#members.length}`;
  }

  /** Which spools take no mail, and why, in words; null if all do. */
  spoolTrouble(): string | null {
    const troubles = this.#members.flatMap(({ node, spoolTrouble }) =>
      spoolTrouble === null ? [] : [`node ${node}: ${spoolTrouble}`]
    );
    return troubles.length === 0 ? null : troubles.join("; ");
  }

  /** Why none of those that are up lets clients in, in words; null if one does, or there is no listener at all. */
  listenersTrouble(): string | null {
    const up = this.#members.filter(({ upSince }) => upSince !== undefined);
    if (this.#options.task.endpoints.length === 0 || up.length === 0) return null;
    if (up.some(({ doorsOpen }) => doorsOpen)) return null;
    return this.#draining ? "closed: the process is ending" : CLOSED;
  }

  /** How many let clients in. */
  get up(): number {
    return this.#members.filter(({ upSince }) => upSince !== undefined).length;
  }

  /** Connections that are open, at all nodes. */
  get connections(): number {
    return this.#connections.open;
  }

  /** The figures of those that tell them in time, by the node's number, and how many do not. */
  async metrics(): Promise<{ answered: Map<number, Snapshot>; silent: number }> {
    const answered = new Map<number, Snapshot>();
    await Promise.all(this.#members.map(async (member) => {
      const metrics = await this.#metricsOf(member);
      if (metrics !== undefined) answered.set(member.node, metrics);
    }));
    return { answered, silent: this.#members.length - answered.size };
  }

  /** Handshakes from now on use this certificate, at all nodes. */
  reload(certificate: Certificate): void {
    this.#certificate = certificate;
    this.#tellAll({ is: "certificate", certificate });
  }

  /** No new connections; transactions in flight end within `graceMs`. Resolves when all nodes have ended. */
  async drain(graceMs: number): Promise<void> {
    this.#draining = true;
    for (const { restart } of this.#members) clearTimeout(restart);
    this.#tellAll({ is: "drain", graceMs });
    const tooLate = Promise.withResolvers<void>();
    const timer = setTimeout(tooLate.resolve, graceMs + CLOSING_MS);
    const drained = this.#members.map(({ thread }) => thread?.drained.promise);
    await Promise.race([Promise.all(drained), tooLate.promise]);
    clearTimeout(timer);
    this.#endAll();
  }

  async #begin(member: Member): Promise<void> {
    const { entry, task, fetch, monotonic } = this.#options;
    const { node } = member;
    const channel = new MessageChannel();
    const worker = new Worker(entry, { type: "module", name: `node ${node}` });
    const thread: Thread = member.thread = {
      worker,
      controlPlane: channel.port1,
      up: Promise.withResolvers(),
      drained: Promise.withResolvers(),
    };
    serveFetch(channel.port1, fetch);
    worker.onmessage = ({ data }: MessageEvent<FromNode>) => {
      if (data.is === "up") thread.up.resolve();
      else if (data.is === "drained") thread.drained.resolve();
      else if (data.is === "login") this.#passOn(data.news, member);
      else if (data.is === "spool") member.spoolTrouble = data.trouble;
      else if (data.is === "doors") member.doorsOpen = data.open;
      else if (data.is === "metrics") this.#waiting.get(data.ask)?.(data.metrics);
      else if (data.is === "no-port") this.#ended(member, thread, data.why, new PortUnavailable(data.why));
      else this.#ended(member, thread, data.why, new NodeNotStarted(data.why));
    };
    worker.onerror = (event) => {
      event.preventDefault(); // or it would end the process
      this.#ended(member, thread, event.message, new NodeNotStarted(`node ${node} did not start: ${event.message}`));
    };
    const start = { ...task, node, certificate: this.#certificate, controlPlane: channel.port2 };
    worker.postMessage({ is: "start", task: start } satisfies ToNode, [channel.port2]);
    await thread.up.promise;
    member.upSince = monotonic();
  }

  /** @param notStarted what a start that was under way fails with. */
  #ended(member: Member, thread: Thread, why: string, notStarted: PortUnavailable | NodeNotStarted): void {
    const { upSince, node } = member;
    // Another one may run by now: a thread may tell of several errors.
    if (member.thread !== thread) return;
    this.#end(member);
    thread.up.reject(notStarted);
    thread.drained.resolve();
    if (this.#draining || upSince === undefined) return;
    const { log, monotonic, firstPauseMs = FIRST_PAUSE_MS } = this.#options;
    if (monotonic() - upSince > STEADY_MS) member.pauseMs = firstPauseMs;
    log.fatal("a node has ended by an error and will be started again", {
      node,
      error: why,
      pauseMs: member.pauseMs,
    });
    this.#startLater(member);
  }

  #startLater(member: Member): void {
    const { log } = this.#options;
    member.restart = setTimeout(async () => {
      try {
        await this.#begin(member);
        log.info("a node is up again", { node: member.node });
      } catch (error) {
        if (!(error instanceof NodeNotStarted || error instanceof PortUnavailable)) throw error;
        if (this.#draining) return;
        log.fatal("a node does not start", { node: member.node, error: error.message, pauseMs: member.pauseMs });
        this.#startLater(member);
      }
    }, member.pauseMs);
    member.pauseMs = Math.min(2 * member.pauseMs, LONGEST_PAUSE_MS);
  }

  async #metricsOf({ thread, upSince }: Member): Promise<Snapshot | undefined> {
    if (thread === undefined || upSince === undefined) return undefined;
    const ask = this.#asked++;
    const { promise, resolve } = Promise.withResolvers<Snapshot | undefined>();
    this.#waiting.set(ask, resolve);
    const timer = setTimeout(() => resolve(undefined), METRICS_DEADLINE_MS);
    thread.worker.postMessage({ is: "metrics", ask } satisfies ToNode);
    const metrics = await promise;
    clearTimeout(timer);
    this.#waiting.delete(ask);
    return metrics;
  }

  #passOn(news: LoginNews, from: Member): void {
    for (const member of this.#members) if (member !== from) member.thread?.worker.postMessage({ is: "login", news });
  }

  #tellAll(message: ToNode): void {
    for (const { thread } of this.#members) thread?.worker.postMessage(message);
  }

  #endAll(): void {
    for (const member of this.#members) this.#end(member);
  }

  /** Lets go of the thread, and of what it held of the connections. */
  #end(member: Member): void {
    if (member.thread === undefined) return;
    member.thread.worker.terminate();
    member.thread.controlPlane.close();
    member.thread = undefined;
    member.upSince = undefined;
    member.spoolTrouble = null;
    member.doorsOpen = false;
    this.#connections.forget(member.node);
  }
}
