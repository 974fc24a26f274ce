/**
 * A node in a thread of its own: put together from what the main thread sends, and led by its messages.
 *
 * Nothing unexpected is caught here: it ends the thread, the main thread starts another one, and the shard is recovered
 * as after any crash.
 */
import type { Logger } from "@logtape/logtape";
import { createNodeClient } from "../../api/client.ts";
import { adoptShards } from "../adoption.ts";
import type { Resolver } from "../dns/types.ts";
import type { OpenListener } from "../doors.ts";
import { describe } from "../error_words.ts";
import { listenOn, ownEndpoints, PortUnavailable } from "../listeners.ts";
import { type Node, type NodeOptions, startNode } from "../node.ts";
import { LoopLag } from "../metrics/loop_lag.ts";
import { measuredFetch } from "../metrics/measured_fetch.ts";
import { NodeMetrics } from "../metrics/node_metrics.ts";
import type { HostPort } from "../settings.ts";
import { shardDirectory } from "../shard_directories.ts";
import { ConnectionCounts } from "../smtp/connection_counts.ts";
import { SpoolTooNew } from "../spool/errors.ts";
import { createStartTls } from "../tls/server_starttls.ts";
import type { FromNode, Task, ToNode } from "./messages.ts";
import { fetchOver } from "./port_fetch.ts";
import { SharedLoginThrottle } from "./shared_login_throttle.ts";

/** What a worker's global scope is for this. */
export interface ThreadScope {
  postMessage(message: FromNode): void;
  addEventListener(type: "message", listener: (event: MessageEvent<ToNode>) => void): void;
}

export interface ThreadParts {
  /** @param servers null: the system's. */
  readonly createResolver: (servers: readonly HostPort[] | null) => Promise<Resolver & AsyncDisposable>;
  /** Epoch ms. */
  readonly now: () => number;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  readonly random: () => number;
  /** A ULID; later ones sort behind earlier ones, also within a millisecond. */
  readonly newId: (now: number) => string;
  readonly openLog: () => Promise<Logger>;
  /** Resolves when what was logged is written. */
  readonly closeLog: () => Promise<void>;
}

/** Waits for the task, runs the node, and says when it has drained. */
export function runNodeThread(scope: ThreadScope, parts: ThreadParts): void {
  let node: Promise<RunningNode | undefined> | undefined;
  scope.addEventListener("message", async ({ data }) => {
    if (data.is === "start") {
      node = start(scope, data.task, parts);
      if (await node !== undefined) scope.postMessage({ is: "up" });
      return;
    }
    const running = await node;
    if (data.is === "certificate") running?.reload(data.certificate);
    else if (data.is === "login") running?.throttle.hear(data.news, parts.monotonic());
    else if (data.is === "metrics") await tell(scope, data.ask, running);
    else {
      await running?.drain(data.graceMs);
      await parts.closeLog();
      scope.postMessage({ is: "drained" });
    }
  });
}

/** Trouble with a reading leaves the question without an answer, which the main thread counts; the node goes on. */
async function tell(scope: ThreadScope, ask: number, running: RunningNode | undefined): Promise<void> {
  try {
    if (running !== undefined) scope.postMessage({ is: "metrics", ask, metrics: await running.metrics.snapshot() });
  } catch (error) {
    running?.log.warn("the node's figures could not be told", { error: describe(error) });
  }
}

interface RunningNode {
  readonly reload: ReturnType<typeof createStartTls>["reload"];
  readonly throttle: SharedLoginThrottle;
  readonly metrics: NodeMetrics;
  readonly log: Logger;
  drain(graceMs: number): Promise<void>;
}

async function start(scope: ThreadScope, task: Task, parts: ThreadParts): Promise<RunningNode | undefined> {
  const { settings, spoolDirectory, endpoints } = task;
  const { now, monotonic, random, newId } = parts;
  const resolver = await parts.createResolver(settings.dns);
  const startTls = createStartTls(task.certificate);
  const throttle = new SharedLoginThrottle((news) => scope.postMessage({ is: "login", news }));
  const lag = new LoopLag(monotonic);
  const metrics = new NodeMetrics({ now, monotonic }, lag);
  const shared = {
    settings,
    number: task.node,
    client: createNodeClient(measuredFetch(fetchOver(task.controlPlane), metrics, monotonic), task.relayToken),
    resolver,
    isOwnEndpoint: ownEndpoints(endpoints),
    now,
    monotonic,
    random,
    newId,
    log: (await parts.openLog()).with({ node: task.node }),
    metrics,
  };
  const node = await startUnlessTooNew(scope, {
    ...shared,
    directory: shardDirectory(spoolDirectory, task.node),
    throttle,
    connections: new ConnectionCounts(task.connections, task.node),
    secure: async (conn) => {
      const { conn: secured, tls } = await startTls.upgrade(conn);
      return { conn: secured, tls: `${tls.version} ${tls.cipher}` };
    },
    onSpoolTrouble: (trouble) => scope.postMessage({ is: "spool", trouble }),
  });
  if (node === undefined) return undefined;
  const adoption = await adoptShards({ ...shared, spoolDirectory, node: task.node });
  try {
    const watched = watcher((open) => scope.postMessage({ is: "doors", open }));
    for (const endpoint of endpoints) node.serve(watched(() => listenOn(endpoint)), endpoint.tls);
  } catch (error) {
    if (!(error instanceof PortUnavailable)) throw error;
    scope.postMessage({ is: "no-port", why: error.message });
    return undefined;
  }
  return {
    reload: (certificate) => startTls.reload(certificate),
    throttle,
    metrics,
    log: shared.log,
    async drain(graceMs) {
      await Promise.all([node.drain(graceMs), adoption.close()]);
      await resolver[Symbol.asyncDispose]();
      lag[Symbol.dispose]();
    },
  };
}

/** @param tell hears whether any of the listeners is open, whenever that changes; at first none is. */
function watcher(tell: (open: boolean) => void): (open: () => Deno.Listener) => OpenListener {
  let count = 0;
  return (open) => (closed) => {
    const listener = open();
    if (count++ === 0) tell(true);
    closed.addEventListener("abort", () => {
      if (--count === 0) tell(false);
    });
    return listener;
  };
}

/** undefined: the spool is of a newer version, and the main thread was told. */
async function startUnlessTooNew(scope: ThreadScope, options: NodeOptions): Promise<Node | undefined> {
  try {
    return await startNode(options);
  } catch (error) {
    if (!(error instanceof SpoolTooNew)) throw error;
    scope.postMessage({ is: "no-spool", why: error.message });
    return undefined;
  }
}
