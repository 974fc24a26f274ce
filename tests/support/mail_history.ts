/**
 * The events of many messages, as nodes would have told them: popular and rare accounts, senders and recipients, spread
 * over days, with about three events each. The same for the same seed, but for the random part of the ids.
 */
import { monotonicUlid } from "@std/ulid";
import type { AcceptedEvent, NodeEvent } from "../../api/client.ts";
import { Draw } from "./draw.ts";

const DAY_MS = 86_400_000;
const ACCOUNTS = 200;
const SENDERS_OF_ACCOUNT = 20;
const CONTACTS_OF_ACCOUNT = 300;
/** Messages that have come since a message came and before its first attempt ends. */
const IN_FLIGHT = 20;

/** Three in a hundred recipients, of all accounts. */
export const POPULAR_RECIPIENT = "Invoices@big.example";
/** A contact of the busiest account, which has a sixth of all messages, and its busiest sender. */
export const POPULAR_CONTACT = "contact0@partner0.example";
export const POPULAR_ACCOUNT = "account0";
export const POPULAR_SENDER = "sender0@account0.example";
/** It has one in six hundred messages. */
export const RARE_ACCOUNT = `account${ACCOUNTS - 1}`;
export const RARE_SENDER = `sender${SENDERS_OF_ACCOUNT - 1}@${RARE_ACCOUNT}.example`;

export interface MailHistoryOptions {
  readonly seed: number;
  readonly messages: number;
  /** Epoch ms of the first message, and days to the last one. */
  readonly from: number;
  readonly days: number;
}

export class MailHistory {
  /** The message in the middle, and an address that is in few messages. */
  middle: AcceptedEvent | undefined;
  rareRecipient = "";
  readonly #options: MailHistoryOptions;
  readonly #draw: Draw;

  constructor(options: MailHistoryOptions) {
    this.#options = options;
    this.#draw = new Draw(options.seed);
  }

  /** All events, in batches of so many. */
  *batches(size: number): Generator<NodeEvent[]> {
    let batch: NodeEvent[] = [];
    for (const event of this.#events()) {
      batch.push(event);
      if (batch.length < size) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }

  *#events(): Generator<NodeEvent> {
    const { messages, from, days } = this.#options;
    const inFlight: NodeEvent[][] = [];
    for (let n = 0; n < messages; n++) {
      const accepted = this.#accepted(n, from + Math.floor((n * days * DAY_MS) / messages));
      if (n === Math.floor(messages / 2)) this.middle = accepted;
      yield accepted;
      // The last of all have not been tried yet.
      inFlight.push(this.#fate(accepted));
      if (inFlight.length > IN_FLIGHT) yield* inFlight.shift()!;
    }
  }

  #accepted(n: number, at: number): AcceptedEvent {
    const draw = this.#draw, id = monotonicUlid(at);
    const account = Math.floor(ACCOUNTS * draw.share() ** 3);
    const sender = Math.floor(SENDERS_OF_ACCOUNT * draw.share() ** 2);
    const many = draw.rarely() ? 10 : 3;
    const recipients = draw.below(10) > 0
      ? [this.#recipient(n, account)]
      : Array.from({ length: 1 + draw.below(many) }, () => this.#recipient(n, account));
    return {
      id,
      messageId: id,
      account: `account${account}`,
      at,
      type: "accepted",
      sender: draw.rarely() ? "" : `sender${sender}@account${account}.example`,
      recipients: [...new Set(recipients)],
      sizeBytes: 2000 + draw.below(60_000),
      relays: recipients.length,
      messageIdField: `<${id.toLowerCase()}.${n.toString(36)}@mail.account${account}.example>`,
      origin: { address: "192.0.2.1", helo: "laptop", protocol: "ESMTPSA", tls: "TLSv1.3 TLS_AES_128_GCM_SHA256" },
      policy: "a".repeat(64),
    };
  }

  #recipient(n: number, account: number): string {
    const draw = this.#draw, kind = draw.below(100);
    if (kind < 3) return POPULAR_RECIPIENT;
    const contact = Math.floor(CONTACTS_OF_ACCOUNT * draw.share() ** 2);
    if (kind < 70) return `contact${contact}@partner${account}.example`;
    if (kind === 99) this.rareRecipient = `user${n}@site${n % 5000}.example`;
    return `user${n}@site${n % 5000}.example`;
  }

  /** One in four is deferred at first, one in twenty bounces, a few expire. */
  #fate(accepted: AcceptedEvent): NodeEvent[] {
    const draw = this.#draw, { messageId, account, at, recipients } = accepted;
    const events: NodeEvent[] = [];
    const about = () => ({ id: monotonicUlid(at), messageId, account, at: at + 1000 * (events.length + 1) });
    const attempt = (type: "delivered" | "deferred" | "bounced", to: readonly string[], reply: string) =>
      events.push({
        ...about(),
        ...{ type, recipients: [...to], host: "mx1.partner.example", address: "198.51.100.1", tls: "TLSv1.3", reply },
        ...{ attempt: events.length + 1, nextAttemptAt: type === "deferred" ? at + 300_000 : null },
      });
    const fate = draw.below(1000);
    const deferrals = draw.below(4) === 0 ? 1 + draw.below(3) : 0;
    for (let n = 0; n < deferrals; n++) attempt("deferred", recipients, "451 4.7.1 Greylisted, please try again later");
    // Not ended, now and then.
    if (fate < 2) return events;
    if (fate < 5) {
      events.push({ ...about(), type: "expired", recipients, reply: "the next hop could not be reached" });
    } else if (fate < 55) {
      attempt("bounced", recipients.slice(0, 1), "550 5.1.1 The email account that you tried to reach does not exist");
      events.push({ ...about(), type: "returned", recipients: recipients.slice(0, 1), dsnId: monotonicUlid(at) });
      if (recipients.length > 1) attempt("delivered", recipients.slice(1), "250 2.0.0 Ok: queued as 4Xk2Gv1b7Yz");
    } else attempt("delivered", recipients, "250 2.0.0 Ok: queued as 4Xk2Gv1b7Yz");
    return events;
  }
}
