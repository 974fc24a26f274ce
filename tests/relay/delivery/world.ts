/** What the tests of delivery share: a delivery with a fake clock, a queue in memory and servers as next hops. */
import { getLogger } from "@logtape/logtape";
import type { AttemptEvent, NodeEvent } from "../../../api/client.ts";
import { ANY_SOURCE } from "../../../relay/delivery/connect_from.ts";
import {
  Delivery,
  DELIVERY_LIMITS,
  type DeliveryLimits,
  type DeliveryParts,
} from "../../../relay/delivery/delivery.ts";
import type { NextHop } from "../../../relay/delivery/next_hop.ts";
import type { Envelope } from "../../../relay/envelope.ts";
import type { Content } from "../../../relay/spool/types.ts";
import { MemoryQueue } from "../../support/memory_queue.ts";
import type { NextHopServer, Script } from "../../support/next_hop_server.ts";

export const START = Date.parse("2026-11-23T12:00:00Z");
export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;
export const TEXT = "Subject: hello\r\nFrom: me@example.org\r\n\r\nHello.\r\n";
const HELLO = new TextEncoder().encode(TEXT);

/** A delivery with a fake clock over a queue in memory; each domain goes to the given servers in order. */
export class World implements AsyncDisposable {
  readonly queue = new MemoryQueue();
  now = START;
  readonly #ids = new Map<string, number>();
  readonly #delivery: Delivery;

  constructor(
    hops: Record<string, NextHop | readonly Pick<NextHopServer, "port">[]>,
    limits: Partial<DeliveryLimits> = {},
    parts: Partial<DeliveryParts> = {},
  ) {
    this.#delivery = new Delivery({
      queue: this.queue,
      nextHop: (domain) => Promise.resolve(asHop(domain, hops[domain] ?? hops["*"]!)),
      sign: (_, content) => Promise.resolve({ kind: "content", content }),
      hostname: "relay.example.org",
      sources: ANY_SOURCE,
      serviceName: "smtp.example.org",
      now: () => this.now,
      monotonic: () => this.now,
      random: () => 0.5,
      newId: () => this.#newId("id"),
      log: getLogger(["mailhop", "delivery"]),
      limits: { ...DELIVERY_LIMITS, ...limits },
      ...parts,
    });
    this.#delivery.start();
  }

  /** Queues a message, and gives its id. */
  send(
    recipients: string[],
    facts: Partial<Envelope> = {},
    attempts = 0,
    content: Uint8Array | Content = HELLO,
  ): string {
    const id = this.#newId("message");
    const envelope: Envelope = {
      id,
      account: "alice",
      reversePath: "me@example.org",
      recipients,
      body: "7BIT",
      smtputf8: false,
      dsnRequest: null,
      sizeBytes: TEXT.length,
      receivedAt: this.now,
      reservation: null,
      origin: null,
      policy: null,
      messageIdField: null,
      ...facts,
    };
    this.queue.add(envelope, content, { attempts });
    return id;
  }

  pass(ms: number): void {
    this.now += ms;
    this.queue.wake();
  }

  close(): Promise<void> {
    return this.#delivery.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #newId(kind: string): string {
    const number = (this.#ids.get(kind) ?? 0) + 1;
    this.#ids.set(kind, number);
    return `${kind}-${number}`;
  }
}

export function asHop(domain: string, hop: NextHop | readonly Pick<NextHopServer, "port">[]): NextHop {
  if ("kind" in hop) return hop;
  const hosts = hop.map(({ port }, at) => {
    const addresses = () => Promise.resolve({ kind: "addresses" as const, addresses: ["127.0.0.1"] });
    return { name: `mx${at + 1}.${domain}`, port, rank: at, addresses };
  });
  return { kind: "hosts", key: hop.map(({ port }) => port).join(), hosts };
}

/** The events in a line each. */
export function told(events: readonly NodeEvent[]): string[] {
  return events.map((event) => {
    if (event.type === "accepted") return "accepted";
    const to = event.recipients.join(",");
    if (event.type === "returned") return `returned ${to} by ${event.dsnId}`;
    if (event.type === "expired" || event.type === "skipped") return `${event.type} ${to}: ${event.reply}`;
    if ("reason" in event) return `${event.type} ${to}: ${event.reason}`;
    const next = event.nextAttemptAt === null ? "" : `, next in ${(event.nextAttemptAt - event.at) / MINUTE} min`;
    return `${event.type} ${to} by ${event.host}, attempt ${event.attempt}${next}: ${event.reply}`;
  });
}

/** The first event, which is about an attempt. */
export function attemptIn([event]: readonly NodeEvent[]): AttemptEvent {
  if (event === undefined || !("host" in event)) throw new Error("no attempt");
  return event;
}

export const refuse = (part: string, reply: string): Script => (input) => input.includes(part) ? reply : undefined;
