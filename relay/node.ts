/**
 * A relay node: SMTP server, admission, spool and delivery, put together. It owns sockets and its own spool, nothing
 * else; all it knows of accounts comes through the control plane's client.
 *
 * Order of a start: the spool is recovered, then delivery begins, then clients are let in. What an earlier process
 * accepted is settled with the control plane before its other reservations are refunded (invariant 4).
 */
import type { Logger } from "@logtape/logtape";
import { delay } from "@std/async/delay.js";
import type { NodeClient } from "../api/client.ts";
import type { Policy } from "../policy/mod.ts";
import { Admission } from "./admission/admission.ts";
import { LoginThrottle } from "./admission/login_throttle.ts";
import { SenderDomains } from "./admission/sender_domains.ts";
import { ControlPlane } from "./control_plane.ts";
import { Delivery, DELIVERY_LIMITS } from "./delivery/delivery.ts";
import { findNextHop, type Routing } from "./delivery/next_hop.ts";
import type { Resolver } from "./dns/types.ts";
import type { Settings } from "./settings.ts";
import type { ConnectionContext } from "./smtp/connection.ts";
import { SmtpServer } from "./smtp/server.ts";
import { openSpool } from "./spool/open.ts";

export interface NodeOptions {
  readonly settings: Settings;
  /** Where this node's spool is. */
  readonly spoolDirectory: string;
  readonly client: NodeClient;
  readonly policy: Policy;
  readonly resolver: Resolver;
  /** Bound already; `tls` says that TLS begins with the connection. */
  readonly listeners: readonly { readonly listener: Deno.Listener; readonly tls: boolean }[];
  /** The server's side of STARTTLS. */
  readonly secure: ConnectionContext["secure"];
  /** Epoch ms. */
  readonly now: () => number;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  readonly random: () => number;
  /** A ULID; later ones sort behind earlier ones, also within a millisecond. */
  readonly newId: (now: number) => string;
  readonly log: Logger;
}

export interface Node {
  /** What keeps the node from serving, or null. */
  trouble(): string | null;
  /** No new connections; transactions in flight end within `graceMs`; what is accepted stays in the spool. */
  drain(graceMs: number): Promise<void>;
}

export async function startNode(options: NodeOptions): Promise<Node> {
  const { settings, policy, resolver, now, monotonic, random, log } = options;
  const closing = new AbortController();
  const onTrouble = (error: unknown) => log.warn("trouble in the background", { error: describe(error) });
  const newId = () => options.newId(now());
  const controlPlane = new ControlPlane({
    client: options.client,
    boot: newId(),
    monotonic,
    sleep: (ms) => sleep(ms, closing.signal),
    onTrouble,
  });
  const { spool, outbox, nodeId, recovered } = await openSpool({
    directory: options.spoolDirectory,
    now,
    clock: { sleep },
    newNodeId: newId,
    deliver: (node) => controlPlane.deliver(node),
    report: {
      damagedMessage: (messageId, damage) => log.error("a message is damaged", { messageId, damage: damage.message }),
      damagedSegment: (path, offset) => log.error("a segment is damaged", { path, offset }),
      trouble: onTrouble,
    },
  });
  controlPlane.name(nodeId);
  if (recovered.messages > 0) log.info("messages are queued from before", { ...recovered });
  const recovery = recoverReservations();

  const routing: Routing = {
    resolver,
    routes: settings.routes,
    mxPort: settings.mxPort,
    ownNames: new Set([settings.hostname, settings.serviceName].map((name) => name.toLowerCase())),
    isOwnEndpoint: ownEndpoints(options.listeners),
    allowPrivate: settings.allowPrivateNextHops,
    random,
  };
  const delivery = new Delivery({
    queue: spool,
    hostname: settings.hostname,
    serviceName: settings.serviceName,
    nextHop: (domain) => findNextHop(domain, routing),
    now,
    monotonic,
    random,
    newId,
    log,
    limits: DELIVERY_LIMITS,
  });
  const server = new SmtpServer({
    rules: {
      hostname: settings.hostname,
      serviceName: settings.serviceName,
      maxMessageBytes: policy.parameters.maxSizeBytes,
      maxRecipients: policy.parameters.maxRecipients,
      allowPlaintextAuth: settings.allowPlaintextAuth,
    },
    admission: new Admission({
      controlPlane,
      policy,
      resolver,
      throttle: new LoginThrottle(settings.maxAuthFailures),
      senderDomains: new SenderDomains(),
      isRouted: (domain) => settings.routes.rest !== null || settings.routes.domains.has(domain),
      now,
      monotonic,
    }),
    spool,
    hostname: settings.hostname,
    maxMessageBytes: policy.parameters.maxSizeBytes,
    secure: options.secure,
    now,
    newId: options.newId,
    monotonic,
    maxConnections: settings.maxConnections,
    maxConnectionsPerAddress: settings.maxConnectionsPerAddress,
    onTrouble: (messageId, error) => log.error("trouble at the edge", { messageId, error: describe(error) }),
  });
  delivery.start();
  for (const { listener, tls } of options.listeners) server.serve(listener, tls);

  async function recoverReservations(): Promise<void> {
    await outbox.drained();
    while (!closing.signal.aborted) {
      try {
        const refunded = await controlPlane.recover();
        if (refunded > 0) log.info("reservations of an earlier start were refunded", { refunded });
        return;
      } catch (error) {
        onTrouble(error);
        await sleep(RECOVERY_RETRY_MS, closing.signal);
      }
    }
  }

  return {
    trouble: () => closing.signal.aborted ? "shutting down" : null,
    async drain(graceMs) {
      // What is accepted meanwhile stays in the spool.
      await Promise.all([server.drain(graceMs), delivery.close()]);
      closing.abort();
      await recovery;
      await spool.close();
    },
  };
}

/** Wait between tries to have the control plane refund what an earlier start left reserved. */
const RECOVERY_RETRY_MS = 5000;

/** Whether this node listens at an address: mail for it would come back to it. */
function ownEndpoints(listeners: NodeOptions["listeners"]): (address: string, port: number) => boolean {
  const ports = new Set(listeners.map(({ listener }) => (listener.addr as Deno.NetAddr).port));
  const addresses = new Set([
    ...listeners.map(({ listener }) => (listener.addr as Deno.NetAddr).hostname),
    ...Deno.networkInterfaces().map(({ address }) => address),
  ]);
  return (address, port) => ports.has(port) && addresses.has(address);
}

/** Resolves after so many ms, or when `signal` aborts: the only reason why `delay` rejects. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, { signal }).catch(() => {});
}

/** An error with its causes, in one line. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`;
}
