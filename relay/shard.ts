/**
 * A spool shard at work: the spool in one directory, its outbox, its name at the control plane, and delivery of what it
 * holds. A node takes mail in on top of one; a shard whose node is no more is adopted and only delivers.
 *
 * Order of a start: whoever has the shard still is waited for, the spool is recovered, then delivery begins. What an
 * earlier process accepted is settled with the control plane before its other reservations are refunded (invariant 4).
 */
import type { Logger } from "@logtape/logtape";
import { join } from "@std/path";
import type { NodeClient, NodeLeases } from "../api/client.ts";
import { ClockWatch } from "./clock_watch.ts";
import { ControlPlane, unlessTold } from "./control_plane.ts";
import { Delivery, DELIVERY_LIMITS, type DeliveryLimits } from "./delivery/delivery.ts";
import type { DestinationRule } from "./delivery/destination_limits.ts";
import { findNextHop, type Routing } from "./delivery/next_hop.ts";
import type { PoolLimits } from "./delivery/pool.ts";
import { sleep } from "./delivery/sleep.ts";
import type { Resolver } from "./dns/types.ts";
import { describe } from "./error_words.ts";
import type { NodeMetrics } from "./metrics/node_metrics.ts";
import { followNotices } from "./notices/follower.ts";
import { followQueue } from "./queue_jobs/follow.ts";
import type { QueueFollower } from "./queue_jobs/follower.ts";
import { createSigner, openPolicies } from "./mail_authentication.ts";
import type { NodeSettings } from "./settings.ts";
import { VERSION } from "./version.ts";
import { type OpenSpool, openSpool } from "./spool/open.ts";
import type { Spool } from "./spool/spool.ts";

export interface ShardOptions {
  readonly settings: Pick<
    NodeSettings,
    | "hostname"
    | "region"
    | "serviceName"
    | "routes"
    | "sourceAddresses"
    | "destinations"
    | "delayWarningMs"
    | "expiryMs"
    | "mxPort"
    | "allowPrivateNextHops"
    | "dkimService"
    | "workers"
  >;
  /** Its own; it is made where there is none. */
  readonly directory: string;
  /** Of the node that has it, among those of its process; null: it has none, and is only delivered from. */
  readonly number: number | null;
  readonly client: NodeClient;
  readonly resolver: Resolver;
  /** Whether this process listens at an address: mail for it would come back. */
  readonly isOwnEndpoint: (address: string, port: number) => boolean;
  /** Epoch ms. */
  readonly now: () => number;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  readonly random: () => number;
  /** A ULID; later ones sort behind earlier ones, also within a millisecond. */
  readonly newId: (now: number) => string;
  readonly log: Logger;
  /** Counts what happens here. */
  readonly metrics: NodeMetrics;
  /** Hears whether the operator wants clients to be let in, whenever that changes. */
  readonly onDraining: (draining: boolean) => void;
  /** Whether no clients are let in now. */
  readonly isDraining: () => boolean;
  /** What the node that takes mail in has to do. */
  readonly atEdge: () => EdgeLoad;
}

export interface EdgeLoad {
  /** Open connections of clients. */
  readonly connections: number;
  readonly leases: NodeLeases;
}

/** Wait between tries to have the control plane refund what an earlier start left reserved. */
const RECOVERY_RETRY_MS = 5000;
const LOCK_FILE = "lock";
const PRIVATE_DIR = 0o700;
const PRIVATE_FILE = 0o600;

export async function openShard(options: ShardOptions): Promise<Shard> {
  const { settings, directory, resolver, now, monotonic, random, log } = options;
  using held = new DisposableStack();
  await lockShard(directory, held);
  const closing = new AbortController();
  const onTrouble = unlessTold((error) => log.warn("trouble in the background", { error: describe(error) }));
  const newId = () => options.newId(now());
  let isAway = false;
  const controlPlane = new ControlPlane({
    client: options.client,
    monotonic,
    sleep: (ms) => sleep(ms, closing.signal),
    closing: closing.signal,
    onTrouble,
    onAway: (error) => {
      isAway = true;
      log.error("the control plane is away", { error: describe(error) });
    },
    onBack: (awayMs) => {
      isAway = false;
      log.info("the control plane is back", { awayMs: Math.round(awayMs) });
    },
  });
  const opened = await openSpool({
    directory,
    now,
    clock: { sleep },
    newNodeId: newId,
    deliver: (node, boot) => controlPlane.deliver(node, boot),
    report: {
      damagedMessage: (messageId, damage) => log.error("a message is damaged", { messageId, damage: damage.message }),
      damagedSegment: (path, offset) => log.error("a segment is damaged", { path, offset }),
      damagedIndex: (path) => log.error("the spool's index is damaged and was made anew from the log", { path }),
      trouble: onTrouble,
      event: (event) => options.metrics.happened(event),
    },
  });
  controlPlane.name(opened.nodeId, opened.boot);
  const { nodeId, recovered } = opened;
  log.info("the spool is open: the control plane knows it by this name", { node: nodeId });
  if (recovered.messages > 0) log.info("messages are queued from before", { ...recovered });
  const { policies, written } = await openPolicies(options);
  const signer = createSigner({ ...options, controlPlane });
  const routing: Routing = {
    resolver,
    routes: settings.routes,
    mxPort: settings.mxPort,
    ownNames: new Set([settings.hostname, settings.serviceName].map((name) => name.toLowerCase())),
    isOwnEndpoint: options.isOwnEndpoint,
    allowPrivate: settings.allowPrivateNextHops,
    policyOf: (domain) => policies.of(domain),
    random,
  };
  const delivery = new Delivery({
    queue: opened.spool,
    hostname: settings.hostname,
    sources: settings.sourceAddresses,
    serviceName: settings.serviceName,
    nextHop: (domain) => findNextHop(domain, routing),
    sign: (envelope, content) => signer.sign(envelope, content),
    now,
    monotonic,
    random,
    newId,
    log,
    limits: deliveryLimits(settings),
  });
  delivery.start();
  const clock = new ClockWatch({
    now,
    onChange: (apart, aheadMs) =>
      apart
        ? log.error("this machine's clock and the control plane's are apart", { aheadMs })
        : log.info("this machine's clock and the control plane's agree again", { aheadMs }),
  });
  const queueFollower = followQueue({
    spool: opened.spool,
    delivery,
    controlPlane,
    region: settings.region,
    version: VERSION,
    clock,
    monotonic,
    number: options.number,
    serviceName: settings.serviceName,
    onDraining: options.onDraining,
    isDraining: options.isDraining,
    load: () => {
      const { connections, leases } = options.atEdge(), { accepted, loopDelayMs } = options.metrics.lastMinute;
      const acceptedPerMinute = options.number === null ? 0 : accepted;
      return { load: { connections, inDelivery: delivery.inHand, acceptedPerMinute, loopDelayMs }, leases };
    },
    onTrouble: unlessTold((error) =>
      log.warn("the operator's jobs could not be asked for", { error: describe(error) })
    ),
    onNews: (message, facts) => log.info(message, facts),
    now,
    newId,
  });
  // One that is only delivered from takes nothing in.
  const noticeFollower = options.number === null ? null : followNotices({
    spool: opened.spool,
    controlPlane,
    serviceName: settings.serviceName,
    isDraining: options.isDraining,
    now,
    onTrouble: (error) => log.warn("notices could not be taken to be sent", { error: describe(error) }),
    onUnsendable: ({ id, account }) => log.warn("a notice cannot be sent to its account's address", { id, account }),
  });
  const readings = options.metrics.add({
    queued: () => opened.spool.count(),
    oldestAt: () => opened.spool.oldestAt(),
    segmentOctets: () => opened.spool.segmentOctets,
    suspended: () => delivery.suspendedDestinations().length,
    clockAheadMs: () => clock.comparison?.aheadMs ?? null,
    isAway: () => isAway,
  });
  return new Shard({
    ...opened,
    controlPlane,
    delivery,
    queueFollower,
    noticeFollower,
    policiesWritten: written,
    closing,
    onTrouble,
    log,
    readings,
    lock: held.move(),
  });
}

interface ShardParts extends OpenSpool {
  readonly controlPlane: ControlPlane;
  readonly delivery: Delivery;
  readonly queueFollower: QueueFollower;
  readonly noticeFollower: AsyncDisposable | null;
  readonly policiesWritten: () => Promise<void>;
  readonly closing: AbortController;
  readonly onTrouble: (error: unknown) => void;
  readonly log: Logger;
  readonly readings: Disposable;
  readonly lock: Disposable;
}

/** Use `openShard`. */
export class Shard {
  readonly spool: Spool;
  /** Known there by the shard's name. */
  readonly controlPlane: ControlPlane;
  readonly #parts: ShardParts;
  readonly #recovery: Promise<void>;
  #stopped: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(parts: ShardParts) {
    this.#parts = parts;
    this.spool = parts.spool;
    this.controlPlane = parts.controlPlane;
    this.#recovery = this.#recoverReservations();
  }

  /**
   * Resolves to true when all mail has ended, the control plane knows, and no reservation of an earlier start is open;
   * to false when the shard was closed before. To be asked of a shard that takes nothing in.
   */
  async emptied(): Promise<boolean> {
    const { spool, closing: { signal } } = this.#parts;
    await new Promise<void>((resolve) => {
      let done = false;
      const look = () => {
        if (done || spool.count() > 0) return;
        done = true;
        resolve();
      };
      signal.addEventListener("abort", () => {
        done = true;
        resolve();
      });
      spool.onAvailable(look);
      look();
    });
    await this.#recovery;
    return !signal.aborted && await this.#parts.outbox.drained();
  }

  /** Resolves when the control plane was asked what the operator wants, whether it answered or not. */
  get heard(): Promise<void> {
    return this.#parts.queueFollower.heard;
  }

  /** Tells the operator that the shard is no more. */
  sayGone(): Promise<void> {
    return this.#parts.queueFollower.sayGone();
  }

  /** Takes nothing more out of the spool; resolves when no connection to a next hop is left. */
  stopDelivering(): Promise<void> {
    return this.#stopped ??= this.#parts.delivery.close();
  }

  /** Ends. What has not been delivered stays in the directory. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  async #close(): Promise<void> {
    using _ = this.#parts.lock;
    this.#parts.readings[Symbol.dispose]();
    await this.stopDelivering();
    await this.#parts.queueFollower[Symbol.asyncDispose]();
    await this.#parts.noticeFollower?.[Symbol.asyncDispose]();
    this.#parts.closing.abort();
    // Recovery may wait for the outbox, which gives up when the spool closes.
    await this.spool.close();
    await this.#parts.policiesWritten();
    await this.#recovery;
  }

  async #recoverReservations(): Promise<void> {
    const { outbox, closing: { signal }, controlPlane, log, onTrouble } = this.#parts;
    if (!await outbox.drained()) return;
    while (!signal.aborted) {
      try {
        const refunded = await controlPlane.recover();
        if (refunded > 0) log.info("reservations of an earlier start were refunded", { refunded });
        return;
      } catch (error) {
        onTrouble(error);
        await sleep(RECOVERY_RETRY_MS, signal);
      }
    }
  }
}

/** A node that has died may take a moment to let go of its files. */
async function lockShard(directory: string, held: DisposableStack): Promise<void> {
  await Deno.mkdir(directory, { recursive: true, mode: PRIVATE_DIR });
  const options = { read: true, write: true, create: true, mode: PRIVATE_FILE };
  const file = held.use(await Deno.open(join(directory, LOCK_FILE), options));
  await file.lock(true);
}

function deliveryLimits({ destinations, delayWarningMs, expiryMs, workers }: ShardOptions["settings"]): DeliveryLimits {
  return {
    ...DELIVERY_LIMITS,
    pool: shareOf({ ...DELIVERY_LIMITS.pool, rules: destinations }, workers),
    schedule: { ...DELIVERY_LIMITS.schedule, delayWarningMs, expiryMs },
  };
}

/** What next hops are asked to bear is meant for the process, whatever the number of its nodes. */
function shareOf(limits: PoolLimits, nodes: number): PoolLimits {
  const share = (count: number) => Math.max(1, Math.floor(count / nodes));
  const shareOfRule = ({ connections, messages, intervalMs }: DestinationRule): DestinationRule => ({
    ...(connections === undefined ? {} : { connections: share(connections) }),
    ...(messages === undefined ? {} : { messages }),
    ...(intervalMs === undefined ? {} : { intervalMs: intervalMs * nodes }),
  });
  return {
    ...limits,
    connections: share(limits.connections),
    connectionsPerDestination: share(limits.connectionsPerDestination),
    rules: new Map(Array.from(limits.rules, ([name, rule]) => [name, shareOfRule(rule)])),
  };
}
