/**
 * A relay node: SMTP server and admission on top of a spool shard. It owns sockets and its own shard, nothing else; all
 * it knows of accounts comes through the control plane's client.
 *
 * Order of a start: the shard is recovered and delivers, then clients are let in.
 */
import { delay } from "@std/async/delay.js";
import { isRoutedBy } from "./admission/address_facts.ts";
import { Admission } from "./admission/admission.ts";
import type { LoginThrottle } from "./admission/login_throttle.ts";
import { SenderDomains } from "./admission/sender_domains.ts";
import { unlessTold } from "./control_plane.ts";
import { Doors, type OpenListener } from "./doors.ts";
import { edgeOf, type EdgeSettings } from "./edge_settings.ts";
import { describe } from "./error_words.ts";
import { Reservations } from "./leases/reservations.ts";
import type { NodeMetrics } from "./metrics/node_metrics.ts";
import { startPeriodicWork } from "./periodic_work.ts";
import { PolicyFollower } from "./policy/follower.ts";
import { nodeParameters } from "./policy/parameters.ts";
import { DecisionRecorder } from "./policy/recorder.ts";
import type { NodeSettings } from "./settings.ts";
import { openShard, type ShardOptions } from "./shard.ts";
import type { ConnectionContext } from "./smtp/connection.ts";
import type { ConnectionCounts } from "./smtp/connection_counts.ts";
import { SmtpServer } from "./smtp/server.ts";
import type { Spool } from "./spool/spool.ts";

export interface NodeOptions extends Omit<ShardOptions, "onDraining" | "isDraining" | "atEdge"> {
  readonly settings:
    & ShardOptions["settings"]
    & EdgeSettings
    & Parameters<typeof nodeParameters>[0]
    & Pick<NodeSettings, "decisionSamplePercent" | "helpUrl">;
  readonly throttle: LoginThrottle;
  readonly connections: ConnectionCounts;
  /** The server's side of STARTTLS. */
  readonly secure: ConnectionContext["secure"];
  /** Hears why the spool takes no mail, in words, and null when it does again. */
  readonly onSpoolTrouble: (trouble: string | null) => void;
}

/** Load balancers look every few seconds, too. */
const SPOOL_WATCH_MS = 2000;
/**
 * A look for room writes until the disk is full again, beside whatever else is on it: without mail to gain by it, so
 * often at most, or half as often, so that nodes on one disk do not take the room from each other again and again.
 */
const LOOK_FOR_ROOM_MS = 15_000;

export interface Node {
  /** Lets clients in, unless the operator has it drain; `tls` says that TLS begins with the connection. */
  serve(open: OpenListener, tls: boolean): void;
  /** No new connections; transactions in flight end within `graceMs`; what is accepted stays in the spool. */
  drain(graceMs: number): Promise<void>;
}

export async function startNode(options: NodeOptions): Promise<Node> {
  const { settings, resolver, now, monotonic, random, log } = options;
  const way: { doors?: Doors; draining: boolean } = { draining: false };
  const shard = await openShard({
    ...options,
    onDraining: (wanted) => {
      way.draining = wanted;
      if (wanted) way.doors?.close();
      else way.doors?.open();
    },
    isDraining: () => way.doors?.areOpen !== true,
    atEdge: () => ({ connections: options.connections.own, leases: options.metrics.leases() }),
  });
  const policy = new PolicyFollower({
    controlPlane: shard.controlPlane,
    recorder: new DecisionRecorder({
      samplePercent: settings.decisionSamplePercent,
      random,
      newId: () => options.newId(now()),
      monotonic,
    }),
    onDecision: (reason) => options.metrics.decided(reason),
    parameters: nodeParameters(settings),
    now,
    monotonic,
    onTrouble: unlessTold((error) => log.warn("the policy could not be followed", { error: describe(error) })),
    onNews: (message, facts) => log.info(message, facts),
  });
  const { live } = policy;
  await policy.start();
  const reservations = new Reservations({
    controlPlane: shard.controlPlane,
    newId: () => options.newId(now()),
    monotonic,
    sleep: delay,
    onTrouble: unlessTold((error) => log.warn("leases could not be looked after", { error: describe(error) })),
  });
  options.metrics.leases = () => reservations.leases;
  const server = new SmtpServer(Object.assign(edgeOf(settings, () => live.parameters), {
    admission: new Admission({
      controlPlane: shard.controlPlane,
      reservations: counted(reservations, options.metrics),
      policy: live,
      resolver,
      throttle: options.throttle,
      senderDomains: new SenderDomains(),
      isRouted: isRoutedBy(settings.routes),
      helpUrl: settings.helpUrl,
      now,
      monotonic,
    }),
    spool: shard.spool,
    secure: options.secure,
    now,
    newId: options.newId,
    monotonic,
    connections: options.connections,
    onTrouble: (messageId: string, error: unknown) =>
      log.error("trouble at the edge", { messageId, error: describe(error) }),
  }));
  const doors = way.doors = new Doors(
    server,
    (error) => log.error("trouble with a listener", { error: describe(error) }),
  );
  // What the operator wants stands through a restart: it is heard of before the doors are opened. Where the control
  // plane cannot be asked, nobody gets further than that anyway.
  await shard.heard;
  if (way.draining) doors.close();
  const spoolWatch = watchSpool(shard.spool, options);
  return {
    serve: (open, tls) => doors.add(open, tls),
    async drain(graceMs) {
      // What is accepted meanwhile stays in the spool.
      await Promise.all([doors.end(graceMs), shard.stopDelivering()]);
      await spoolWatch[Symbol.asyncDispose]();
      await policy[Symbol.asyncDispose]();
      await reservations[Symbol.asyncDispose]();
      await shard.close();
    },
  };
}

/** Who is known to take no mail is sent none, and would not find out that there is room again. */
function watchSpool(spool: Pick<Spool, "trouble">, { random, onSpoolTrouble, log }: NodeOptions): AsyncDisposable {
  const lookAgainMs = LOOK_FOR_ROOM_MS * (1 + random());
  let told: string | null = null;
  return startPeriodicWork({
    async work() {
      const trouble = await spool.trouble(lookAgainMs);
      if (trouble !== told) onSpoolTrouble(told = trouble);
    },
    everyMs: SPOOL_WATCH_MS,
    onTrouble: (error) => log.warn("the spool could not be looked at", { error: describe(error) }),
  });
}

function counted(reservations: Reservations, metrics: NodeMetrics): Pick<Reservations, "reserve"> {
  return {
    async reserve(request) {
      try {
        const reserved = await reservations.reserve(request);
        const isLeased = reserved.reservation.lease !== undefined;
        metrics.reserved(isLeased ? "lease" : "counters", reserved.facts.granted);
        return reserved;
      } catch (error) {
        metrics.reserved("counters", null);
        throw error;
      }
    },
  };
}
