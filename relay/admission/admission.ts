/**
 * Admission: collects facts from the control plane and the DNS, asks the policy, and says its verdict in a reply.
 *
 * It decides nothing itself. Guarantees: a refusal is never given from remembered facts without a fresh look-up; where
 * none can be had the answer is 4yz (invariant 7).
 */
import {
  type ConnectionFacts,
  type FactsOf,
  type Policy,
  PolicyFault,
  Reason,
  type RefusalContext,
  refusalOf,
  type StageName,
  type Verdict,
} from "../../policy/mod.ts";
import type { AccountFacts, SuppressionFacts } from "../../api/client.ts";
import { type ControlPlane, ControlPlaneUnavailable, LoginNotRemembered } from "../control_plane.ts";
import type { Resolver } from "../dns/types.ts";
import type { Reservation } from "../envelope.ts";
import { type HeaderFacts, MAX_HEADER_OCTETS } from "../protocol/header_scan.ts";
import { replies } from "../protocol/replies.ts";
import { type Reply, reply } from "../protocol/reply.ts";
import { authorDomains, MAX_AUTHOR_DOMAINS, MAX_FROM_OCTETS } from "./author_domains.ts";
import { closestDomain } from "./did_you_mean.ts";
import { recipientDomainFacts, senderDomainFacts } from "./domain_facts.ts";
import { domainOwnership } from "./domain_ownership.ts";
import type { Reservations } from "../leases/reservations.ts";
import { type LoginThrottle, NO_ACCOUNT } from "./login_throttle.ts";
import type { SenderDomains } from "./sender_domains.ts";
import { whySkipped } from "./skip_words.ts";

export interface AdmissionParts {
  readonly controlPlane: ControlPlane;
  readonly reservations: Pick<Reservations, "reserve">;
  readonly policy: Policy;
  readonly resolver: Resolver;
  readonly throttle: LoginThrottle;
  readonly senderDomains: SenderDomains;
  /** Whether mail for this domain (lower case) goes to a static route, so that its DNS does not matter. */
  readonly isRouted: (domain: string) => boolean;
  /** Where refusals find the help pages; null: nowhere. */
  readonly helpUrl: string | null;
  /** Epoch ms. */
  readonly now: () => number;
  readonly monotonic: () => number;
}

/** What a session knows at MAIL. */
export interface Mail {
  readonly mailbox: { readonly domain: string } | null;
  readonly declaredSizeBytes: number;
}

/** A forward path. */
export interface Recipient {
  readonly address: string;
  readonly domain: string;
}

/** What a session knows at RCPT and later. */
export interface Admitted extends Mail {
  readonly account: string;
  readonly recipients: readonly string[];
}

/** What is known of a message when its data has ended. */
export interface ReceivedMessage extends Omit<HeaderFacts, "messageIdField" | "ended"> {
  readonly sizeBytes: number;
  readonly bareLineEndings: boolean;
  /** Whether the header section does not end within what was scanned. */
  readonly headerTooLong: boolean;
}

type Refusal = { readonly refusal: Reply };

/** The API gives no account a longer one: whoever logs in so is nobody, and nothing of such a name is kept. */
const MAX_USERNAME_CHARS = 64;
/** Of the sender's domain. */
const NOT_LOOKED_UP: Pick<FactsOf["mail"], "sender" | "ownership"> = { sender: null, ownership: null };
const SCAN = { headerOctets: MAX_HEADER_OCTETS, fromOctets: MAX_FROM_OCTETS, authorDomains: MAX_AUTHOR_DOMAINS };

/** What a refusal names beyond the verdict. */
type Named = Pick<RefusalContext, "domain" | "didYouMean">;

export class Admission {
  readonly #parts: AdmissionParts;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** null: the client is let in. */
  connection(facts: ConnectionFacts): Reply | null {
    return this.#refusal("connection", this.#decide("connection", facts));
  }

  async login(
    credentials: { readonly username: string; readonly password: string },
    address: string,
  ): Promise<{ readonly account: string } | Refusal> {
    const { controlPlane, throttle, monotonic, policy } = this.#parts;
    const username = credentials.username.length > MAX_USERNAME_CHARS ? NO_ACCOUNT : credentials.username;
    const failures = throttle.facts(username, address, monotonic());
    const decide = (credentials: FactsOf["login"]["credentials"]) =>
      policy.decide("login", { ...failures, credentials });
    const waiting = this.#answer("login", decide("not-checked"), null);
    if (waiting !== null) return waiting;
    try {
      const account = username === NO_ACCOUNT ? null : await controlPlane.login({ ...credentials, address });
      if (account === null) throttle.failed(username, address, policy.parameters.loginWindowMs, monotonic());
      else throttle.succeeded(username, address);
      const verdict = decide(account === null ? "wrong" : "right");
      return account === null
        ? { refusal: this.#refusal("login", verdict) ?? replies.authFailed }
        : this.#answer("login", verdict, { account });
    } catch (error) {
      if (!(error instanceof ControlPlaneUnavailable)) throw error;
      // Without the control plane a guess costs nothing: it is counted, so that there are not many.
      if (error instanceof LoginNotRemembered) {
        throttle.failed(username, address, policy.parameters.loginWindowMs, monotonic());
      }
      return { refusal: replies.authUnavailable };
    }
  }

  /** @param login the account that logged in; null: the client's address decides. */
  async mail(mail: Mail, login: string | null, address: string): Promise<{ readonly account: string } | Refusal> {
    const { controlPlane, resolver, senderDomains, policy } = this.#parts;
    const find = (fresh: boolean) =>
      login === null ? controlPlane.network(address, fresh) : controlPlane.account(login, fresh);
    return await this.#orTrouble("mail", async () => {
      // The account first: a stranger shall not make us look names up.
      let account = await find(false);
      const domain = mail.mailbox?.domain;
      const ofAccount = (account: AccountFacts | null) => this.#mailFacts(mail, account, NOT_LOOKED_UP);
      let refused = this.#wouldRefuse(ofAccount(account));
      if (refused) {
        account = await find(true);
        refused = this.#wouldRefuse(ofAccount(account));
      }
      if (account === null || domain === undefined || refused) {
        const verdict = this.#decide("mail", ofAccount(account), account?.username);
        return this.#answer(
          "mail",
          verdict,
          { account: account?.username ?? "" },
          domain === undefined ? {} : { domain },
        );
      }
      const { username } = account;
      const ownership = async (fresh: boolean) => (await domainOwnership([domain], username, controlPlane, fresh))[0]!;
      const [sender, owned] = await Promise.all([senderDomainFacts(domain, resolver), ownership(false)]);
      const facts = this.#mailFacts(mail, account, { sender, ownership: owned });
      const verdict = policy.accept("mail", facts, username) ?? this.#decide(
        "mail",
        this.#mailFacts(mail, await find(true), { sender, ownership: await ownership(true) }),
        username,
      );
      const didYouMean = closestDomain(domain, senderDomains.of(username));
      if (verdict.reason === Reason.Accepted) senderDomains.used(username, domain);
      return this.#answer("mail", verdict, { account: username }, { domain, didYouMean });
    });
  }

  /** Accepted; `skip` says why nothing is to be sent to it all the same, or null. */
  async recipient(
    transaction: Admitted,
    { address, domain }: Recipient,
  ): Promise<{ readonly skip: string | null } | Refusal> {
    const { controlPlane, resolver, isRouted, now } = this.#parts;
    const { account: username, declaredSizeBytes: sizeBytes, recipients } = transaction;
    return await this.#orTrouble("recipient", async () => {
      let suppression: SuppressionFacts | null = null;
      const looked = isRouted(domain) ? null : await recipientDomainFacts(domain, resolver);
      const verdict = await this.#settled("recipient", username, async (fresh) => {
        const account = await controlPlane.account(username, fresh);
        // Nearly no account has any, and it need not be asked for each recipient of the others.
        suppression = account?.suppresses === true
          ? await controlPlane.suppression({ account: username, address }, fresh)
          : null;
        const suppressed = suppression?.choice === "refuse";
        return { now: now(), account, sizeBytes, recipients: recipients.length, suppressed, domain: looked };
      });
      return this.#answer("recipient", verdict, { skip: whySkipped(username, address, suppression) }, { domain });
    });
  }

  /** At the end of the data: the message itself, its authors, its price. What is granted is refunded unless kept. */
  async message(id: string, transaction: Admitted, message: ReceivedMessage): Promise<HeldReservation | Refusal> {
    const authors = message.fromValue === null ? [] : authorDomains(message.fromValue);
    const content = { ...message, nullReversePath: transaction.mailbox === null, fromTooLong: authors === null };
    return await this.#orTrouble("message", async () => {
      const isNdr = this.#parts.policy.isNdr(content);
      return await this.#content(transaction.account, content, isNdr) ??
        await this.#authors(authors ?? [], transaction.account) ??
        await this.#reserve(id, transaction, message.sizeBytes, isNdr);
    });
  }

  /** null: nothing is wrong with the message itself. */
  async #content(
    username: string,
    content: Omit<FactsOf["message"], "ndrChoice">,
    isNdr: boolean,
  ): Promise<Refusal | null> {
    const verdict = await this.#settled("message", username, async (fresh) => {
      // What the account wants done with reports need not be known of any other message.
      const account = isNdr ? await this.#parts.controlPlane.account(username, fresh) : null;
      return { ...content, ndrChoice: account?.ndr.choice ?? "count" };
    });
    return this.#answer("message", verdict, null);
  }

  /** null: the account may send as all of these domains. */
  async #authors(domains: readonly string[], username: string): Promise<Refusal | null> {
    const { controlPlane } = this.#parts;
    const known = await domainOwnership(domains, username, controlPlane, false);
    for (const [at, domain] of domains.entries()) {
      const verdict = await this.#settled("author", username, async (fresh) => ({
        ownership: fresh ? (await domainOwnership([domain], username, controlPlane, true))[0]! : known[at]!,
      }));
      const refused = this.#answer("author", verdict, null, { domain });
      if (refused !== null) return refused;
    }
    return null;
  }

  async #reserve(
    id: string,
    { account: username, recipients }: Admitted,
    sizeBytes: number,
    ndr: boolean,
  ): Promise<HeldReservation | Refusal> {
    const { reservations, policy } = this.#parts;
    const relays = policy.price(sizeBytes, recipients.length);
    const { facts, reservation, giveBack } = await reservations.reserve({ id, username, relays, ndr });
    const { granted, used, limit, now, account } = facts;
    const held = new HeldReservation(reservation, policy.module, giveBack);
    const quota = (account: AccountFacts | null) => {
      const reports = facts.ndr && account && { ...facts.ndr, wish: account.ndr };
      return { now, account, granted, used, limit, need: relays, ndr: reports };
    };
    let verdict;
    try {
      // What a lease has paid for comes with facts that are remembered; a reservation brings its own.
      const isRemembered = reservation.lease !== undefined;
      const find = async (fresh: boolean) =>
        quota(fresh && isRemembered ? await this.#parts.controlPlane.account(username, true) : account);
      verdict = await this.#settled("quota", username, find);
    } catch (error) {
      held[Symbol.dispose]();
      throw error;
    }
    const answer = this.#answer("quota", verdict, held);
    // Granted, and refused all the same: what was not accepted costs nothing.
    if ("refusal" in answer && granted) held[Symbol.dispose]();
    return answer;
  }

  #mailFacts(
    { declaredSizeBytes }: Mail,
    account: AccountFacts | null,
    domain: Pick<FactsOf["mail"], "sender" | "ownership">,
  ): FactsOf["mail"] {
    return { now: this.#parts.now(), account, sizeBytes: declaredSizeBytes, ...domain };
  }

  /** A refusal is given on fresh facts only (invariant 7). */
  async #settled<Stage extends StageName>(
    stage: Stage,
    username: string,
    find: (fresh: boolean) => Promise<FactsOf[Stage]>,
  ): Promise<Verdict> {
    return this.#parts.policy.accept(stage, await find(false), username) ??
      this.#decide(stage, await find(true), username);
  }

  #wouldRefuse(facts: FactsOf["mail"]): boolean {
    return this.#parts.policy.foresee("mail", facts).reason !== Reason.Accepted;
  }

  #decide<Stage extends StageName>(stage: Stage, facts: FactsOf[Stage], account: string | null = null): Verdict {
    return this.#parts.policy.decide(stage, facts, account);
  }

  async #orTrouble<T>(stage: StageName, decide: () => Promise<T>): Promise<T | Refusal> {
    try {
      return await decide();
    } catch (error) {
      if (error instanceof ControlPlaneUnavailable) return { refusal: replies.localTrouble };
      // In foresight or in a computation: nobody has decided.
      if (error instanceof PolicyFault) return { refusal: this.#refusal(stage, { reason: Reason.PolicyFault })! };
      throw error;
    }
  }

  #answer<T>(stage: StageName, verdict: Verdict, accepted: T, named: Named = {}): T | Refusal {
    const refusal = this.#refusal(stage, verdict, named);
    return refusal === null ? accepted : { refusal };
  }

  /** null: the verdict accepts. */
  #refusal(stage: StageName, verdict: Verdict, named: Named = {}): Reply | null {
    const { now, helpUrl } = this.#parts;
    const refused = refusalOf(verdict, { stage, now: now(), scan: SCAN, helpUrl, ...named });
    return refused && reply(refused.code, refused.status, refused.text);
  }
}

/** A reservation that is given back at the end of its scope unless the message was stored (invariant 4). */
export class HeldReservation implements Disposable {
  readonly granted: Reservation;
  /** Hash of the policy module that decided. */
  readonly policy: string;
  readonly #giveBack: () => void;
  #kept = false;

  constructor(granted: Reservation, policy: string, giveBack: () => void) {
    this.granted = granted;
    this.policy = policy;
    this.#giveBack = giveBack;
  }

  keep(): void {
    this.#kept = true;
  }

  [Symbol.dispose](): void {
    if (!this.#kept) this.#giveBack();
    this.#kept = true;
  }
}
