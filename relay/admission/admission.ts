/**
 * Admission: collects facts from the control plane and the DNS, asks the policy, and says its verdict in a reply.
 *
 * It decides nothing itself. Guarantees: a refusal is never given from remembered facts without a fresh look-up; where
 * none can be had the answer is 4yz (invariant 7).
 */
import { type AccountFacts, type MailFacts, type Policy, Reason, type Verdict } from "../../policy/mod.ts";
import { type ControlPlane, ControlPlaneUnavailable } from "../control_plane.ts";
import type { Resolver } from "../dns/types.ts";
import type { Reservation } from "../envelope.ts";
import { replies } from "../protocol/replies.ts";
import { type Reply, reply } from "../protocol/reply.ts";
import { authorDomains } from "./author_domains.ts";
import { closestDomain } from "./did_you_mean.ts";
import { recipientDomainFacts, senderDomainFacts } from "./domain_facts.ts";
import { domainOwnership } from "./domain_ownership.ts";
import type { LoginThrottle } from "./login_throttle.ts";
import { minutes, refusal } from "./refusals.ts";
import type { SenderDomains } from "./sender_domains.ts";

export interface AdmissionParts {
  readonly controlPlane: ControlPlane;
  readonly policy: Policy;
  readonly resolver: Resolver;
  readonly throttle: LoginThrottle;
  readonly senderDomains: SenderDomains;
  /** Whether mail for this domain (lower case) goes to a static route, so that its DNS does not matter. */
  readonly isRouted: (domain: string) => boolean;
  /** Epoch ms. */
  readonly now: () => number;
  readonly monotonic: () => number;
}

/** What a session knows at MAIL. */
export interface Mail {
  readonly mailbox: { readonly domain: string } | null;
  readonly declaredSizeBytes: number;
}

/** What a session knows at RCPT and later. */
export interface Admitted {
  readonly account: string;
  readonly declaredSizeBytes: number;
  readonly recipients: readonly string[];
}

export interface MessageFacts {
  readonly sizeBytes: number;
  readonly bareLineEndings: boolean;
  /** Whether the header section does not end within what was scanned. */
  readonly headerTooLong: boolean;
  readonly receivedFields: number;
  readonly fromFields: number;
  /** The value of the From field as it came; null if there is none. */
  readonly fromValue: Uint8Array | null;
}

type Refusal = { readonly refusal: Reply };

/** Of the sender's domain. */
const NOT_LOOKED_UP: Pick<MailFacts, "sender" | "ownership"> = { sender: null, ownership: null };

export class Admission {
  readonly #parts: AdmissionParts;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  async login(
    credentials: { readonly username: string; readonly password: string },
    address: string,
  ): Promise<{ readonly account: string } | Refusal> {
    const { controlPlane, throttle, monotonic } = this.#parts;
    const { username, password } = credentials;
    const waitMs = throttle.waitMs(username, address, monotonic());
    if (waitMs > 0) return { refusal: tooManyFailures(waitMs) };
    try {
      const account = await controlPlane.login(username, password, address);
      if (account === null) {
        throttle.failed(username, address, monotonic());
        return { refusal: replies.authFailed };
      }
      throttle.succeeded(username, address);
      return { account };
    } catch (error) {
      if (error instanceof ControlPlaneUnavailable) return { refusal: replies.authUnavailable };
      throw error;
    }
  }

  /** @param login the account that logged in; null: the client's address decides. */
  async mail(mail: Mail, login: string | null, address: string): Promise<{ readonly account: string } | Refusal> {
    const { controlPlane, resolver, senderDomains } = this.#parts;
    const find = (fresh: boolean) =>
      login === null ? controlPlane.network(address, fresh) : controlPlane.account(login, fresh);
    return await orTrouble(async () => {
      // The account first: a stranger shall not make us look names up.
      let account = await find(false);
      let verdict = this.#mailVerdict(mail, account, NOT_LOOKED_UP);
      if (verdict.reason !== Reason.Accepted) {
        account = await find(true);
        verdict = this.#mailVerdict(mail, account, NOT_LOOKED_UP);
      }
      const domain = mail.mailbox?.domain;
      if (verdict.reason !== Reason.Accepted || account === null || domain === undefined) {
        return this.#answer(verdict, { account: account?.username ?? "" });
      }
      const ownership = async (fresh: boolean) =>
        (await domainOwnership([domain], account!.username, controlPlane, fresh))[0]!;
      const [sender, owned] = await Promise.all([senderDomainFacts(domain, resolver), ownership(false)]);
      verdict = this.#mailVerdict(mail, account, { sender, ownership: owned });
      if (verdict.reason === Reason.DomainOfAnotherAccount) {
        verdict = this.#mailVerdict(mail, account, { sender, ownership: await ownership(true) });
      }
      const didYouMean = closestDomain(domain, senderDomains.of(account.username));
      if (verdict.reason === Reason.Accepted) senderDomains.used(account.username, domain);
      return this.#answer(verdict, { account: account.username }, { domain, didYouMean });
    });
  }

  /** null: the recipient is accepted. */
  async recipient(transaction: Admitted, domain: string): Promise<Reply | null> {
    const { controlPlane, resolver, isRouted } = this.#parts;
    const answer = await orTrouble(async () => {
      const facts = isRouted(domain) ? null : await recipientDomainFacts(domain, resolver);
      const decide = async (fresh: boolean): Promise<Verdict> => {
        const account = await controlPlane.account(transaction.account, fresh);
        return account === null
          ? { reason: Reason.AuthenticationRequired }
          : this.#recipientVerdict(transaction, account, facts);
      };
      let verdict = await decide(false);
      if (verdict.reason !== Reason.Accepted) verdict = await decide(true);
      return this.#answer(verdict, null, { domain });
    });
    return answer?.refusal ?? null;
  }

  /** At the end of the data: the message itself, its authors, its price. What is granted is refunded unless kept. */
  async message(id: string, transaction: Admitted, message: MessageFacts): Promise<HeldReservation | Refusal> {
    const { controlPlane, policy } = this.#parts;
    const username = transaction.account;
    const authors = message.fromValue === null ? [] : authorDomains(message.fromValue);
    const refused = this.#answer(policy.message({ ...message, fromTooLong: authors === null }), null);
    if (refused !== null) return refused;
    const relays = policy.price(message.sizeBytes, transaction.recipients.length);
    return await orTrouble(async () => {
      const notTheirs = await this.#authors(authors ?? [], username);
      if (notTheirs !== null) return notTheirs;
      let facts;
      try {
        facts = await controlPlane.reserve({ id, username, relays });
      } catch (error) {
        // It may have been granted all the same.
        void controlPlane.refund({ id, username, day: null, relays });
        throw error;
      }
      const { granted, used, limit, now, day } = facts;
      if (facts.account === null) return { refusal: refusal({ reason: Reason.AuthenticationRequired }, { now })! };
      const { status, blocks } = facts.account;
      const quota = policy.quota({ now, status, blocks, granted, used, limit, need: relays });
      return this.#answer(
        quota,
        new HeldReservation({ id, day, relays }, () => {
          return controlPlane.refund({ id, username, day, relays });
        }),
      );
    });
  }

  /** null: the account may send as all of these domains. */
  async #authors(domains: readonly string[], username: string): Promise<Refusal | null> {
    const { controlPlane, policy } = this.#parts;
    const ownerships = await domainOwnership(domains, username, controlPlane, false);
    for (const [at, domain] of domains.entries()) {
      let verdict = policy.author(ownerships[at]!);
      if (verdict.reason !== Reason.Accepted) {
        const [asked] = await domainOwnership([domain], username, controlPlane, true);
        verdict = policy.author(asked!);
      }
      const refused = this.#answer(verdict, null, { domain });
      if (refused !== null) return refused;
    }
    return null;
  }

  #mailVerdict(mail: Mail, account: AccountFacts | null, domain: Pick<MailFacts, "sender" | "ownership">): Verdict {
    return this.#parts.policy.mail({ now: this.#parts.now(), account, sizeBytes: mail.declaredSizeBytes, ...domain });
  }

  #recipientVerdict(
    { declaredSizeBytes, recipients }: Admitted,
    account: AccountFacts,
    domain: Parameters<Policy["recipient"]>[0]["domain"],
  ): Verdict {
    return this.#parts.policy.recipient({
      now: this.#parts.now(),
      account,
      sizeBytes: declaredSizeBytes,
      recipients: recipients.length,
      domain,
    });
  }

  #answer<T>(
    verdict: Verdict,
    accepted: T,
    context: { domain?: string; didYouMean?: string | undefined } = {},
  ): T | Refusal {
    const refused = refusal(verdict, { now: this.#parts.now(), ...context });
    return refused === null ? accepted : { refusal: refused };
  }
}

/** A reservation that is given back at the end of its scope unless the message was stored (invariant 4). */
export class HeldReservation implements AsyncDisposable {
  readonly granted: Reservation;
  readonly #refund: () => Promise<void>;
  #kept = false;

  constructor(granted: Reservation, refund: () => Promise<void>) {
    this.granted = granted;
    this.#refund = refund;
  }

  keep(): void {
    this.#kept = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    // Not awaited: the client need not wait for it, and it is tried until it is taken.
    if (!this.#kept) void this.#refund();
    return Promise.resolve();
  }
}

async function orTrouble<T>(decide: () => Promise<T>): Promise<T | Refusal> {
  try {
    return await decide();
  } catch (error) {
    if (error instanceof ControlPlaneUnavailable) return { refusal: replies.localTrouble };
    throw error;
  }
}

function tooManyFailures(waitMs: number): Reply {
  return reply(454, "4.7.0", `Too many failed logins: try again in ${minutes(waitMs)}`);
}
