/**
 * The relay's one door to the control plane.
 *
 * It joins concurrent calls, keeps facts for the stated short times, and turns every kind of trouble into
 * `ControlPlaneUnavailable`: callers answer that with 4yz, never with a refusal (invariant 7).
 *
 * While it is away, what was known last stands in for its answers, for a bounded time; never where a fresh answer is
 * asked for, which is what a refusal needs. Calls do not wait then: one at a time is a probe, the others fail at once.
 */
import { decodeBase64 } from "@std/encoding";
import type {
  AccountFacts,
  DkimKeyQuestion,
  DkimKeySet,
  NodeClient,
  NodeDecisions,
  NodeEvent,
  NoticeMail,
  NoticeMailReport,
  PolicyReport,
  PolicyState,
  QueueInstructions,
  QueueReport,
  Refund,
  ReservationFacts,
  ReservationRequest,
  SuppressionFacts,
  SuppressionQuestion,
  Trim,
} from "../api/client.ts";
import { addressPrefix } from "./protocol/address_prefix.ts";
import { Batcher } from "./batcher.ts";
import {
  type Answer,
  type Body,
  body,
  ControlPlaneAway,
  ControlPlaneCalls,
  ControlPlaneUnavailable,
  problemOf,
  type Reach,
} from "./control_plane_calls.ts";
import { FactMemory } from "./fact_memory.ts";
import { Joined } from "./joined.ts";
import { type Credentials, Logins } from "./logins.ts";
import { Refunds } from "./refunds.ts";
import type { Deliver } from "./spool/outbox.ts";

export { ControlPlaneNotAsked, ControlPlaneUnavailable, unlessTold } from "./control_plane_calls.ts";
export { LoginNotRemembered } from "./logins.ts";

export interface ControlPlaneOptions extends Reach {
  readonly client: NodeClient;
  /** Resolves after so many ms, or as soon as `closing` aborts. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Aborts when the node ends: nothing is tried again then. */
  readonly closing: AbortSignal;
  readonly onTrouble: (error: unknown) => void;
}

/** The control plane cannot make sense of an event; the message itself is not concerned. */
export class EventRefused extends Error {
  override readonly name = "EventRefused";
}

/** Malformed, too large, not as the schema wants it: the same again would be answered the same. */
const REFUSED: ReadonlySet<number> = new Set([400, 413, 422]);

/** Facts that let a message in may be this old; a refusal is always looked up anew. */
const FACTS_TTL_MS = 2000;
/**
 * From one look at an address that was in nobody's network to the next: who asks meanwhile waits, and then asks together
 * with the others, or strangers could have it looked up without end. A network that was just added is met by then.
 */
const STRANGER_PAUSE_MS = 1000;
/** What was known when the control plane answered last is used for so long while it does not. */
export const REMEMBERED_MS = 15 * 60_000;
/** Who asks the same later than this asks for itself: the call may hang, which says nothing of the next one. */
const JOINED_FOR_MS = 1000;
/** Of each kind: accounts, addresses, logins, domains, suppressed addresses. */
const MAX_CACHED = 10_000;
/** Items in one call, which others wait behind; the control plane takes twice as many. */
const MAX_BATCH = 256;
/** A problem by its stable name (api/problem.ts). */
const WRONG_LOGIN = "/problems/login-failed";

/** Whose network an address is in; null: nobody's. */
interface NetworkOwner {
  readonly account: AccountFacts | null;
}

/** Who has claimed a domain; null: nobody. */
interface DomainOwner {
  readonly username: string | null;
}

export class ControlPlane {
  readonly #options: ControlPlaneOptions;
  #node = "";
  #boot = "";
  readonly #calls: ControlPlaneCalls;
  readonly #accounts: FactMemory<AccountFacts>;
  readonly #networks: FactMemory<NetworkOwner>;
  /**
   * Prefixes with an address that is in nobody's network, with the time of the look that found so (ms of the monotonic
   * clock).
   */
  readonly #strangers: FactMemory<number>;
  readonly #logins: Logins;
  readonly #accountQuestions: Joined<AccountFacts | null>;
  readonly #networkQuestions: Joined<NetworkOwner>;
  readonly #strangersQuestions: Joined<NetworkOwner>;
  readonly #owners: FactMemory<DomainOwner>;
  readonly #suppressions: FactMemory<SuppressionFacts | null>;
  readonly #reservations: Batcher<ReservationRequest, ReservationFacts | null>;
  readonly #refunds: Refunds;
  readonly #ownerQuestions: Batcher<string, DomainOwner>;
  readonly #keyQuestions: Batcher<DkimKeyQuestion, DkimKeySet | null>;
  readonly #suppressionQuestions: Batcher<SuppressionQuestion, SuppressionFacts | null>;

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
    const { client, monotonic } = options;
    this.#calls = new ControlPlaneCalls(options);
    const facts = { freshMs: FACTS_TTL_MS, rememberedMs: REMEMBERED_MS, maxEntries: MAX_CACHED };
    this.#accounts = new FactMemory(facts, monotonic);
    this.#networks = new FactMemory(facts, monotonic);
    const strangers = { ...facts, freshMs: STRANGER_PAUSE_MS, rememberedMs: STRANGER_PAUSE_MS };
    this.#strangers = new FactMemory(strangers, monotonic);
    // The call that finds out whether it is still away may take its time: nobody is to wait for that.
    const joins = (ageMs: number) => ageMs < JOINED_FOR_MS && !this.#calls.isAway;
    this.#accountQuestions = new Joined(monotonic, joins);
    this.#networkQuestions = new Joined(monotonic, joins);
    this.#strangersQuestions = new Joined(monotonic, joins);
    const questions = new Joined<string | null>(monotonic, joins);
    this.#logins = new Logins((credentials) => this.#askLogin(credentials), questions, facts, monotonic);
    this.#owners = new FactMemory(facts, monotonic);
    this.#suppressions = new FactMemory({ ...facts, freshMs: 0 }, monotonic);
    this.#reservations = new Batcher(MAX_BATCH, async (items) => {
      const json = { node: this.#node, boot: this.#boot, items: [...items] };
      return (await this.#call(() => client.v1.node.reservations.$post({ json }))).items;
    });
    this.#refunds = new Refunds({
      ...options,
      send: (refunds) => {
        const json = { node: this.#node, boot: this.#boot, items: [...refunds] };
        return this.#call(() => client.v1.node.refunds.$post({ json }));
      },
    });
    this.#ownerQuestions = new Batcher(MAX_BATCH, async (domains) => {
      const json = { domains: [...domains] };
      const { owners } = await this.#call(() => client.v1.node["domain-owners"].$post({ json }));
      return owners.map((username) => ({ username }));
    });
    this.#keyQuestions = new Batcher<DkimKeyQuestion, DkimKeySet | null>(MAX_BATCH, async (items) => {
      const json = { items: [...items] };
      return (await this.#call(() => client.v1.node["dkim-keys"].$post({ json }))).sets;
    });
    this.#suppressionQuestions = new Batcher<SuppressionQuestion, SuppressionFacts | null>(MAX_BATCH, async (items) => {
      const json = { items: [...items] };
      return (await this.#call(() => client.v1.node.suppressions.$post({ json }))).items;
    });
  }

  /** Says who this node is, and which of its starts this is; before any reservation. */
  name(node: string, boot: string): void {
    this.#node = node;
    this.#boot = boot;
  }

  /** The account, or null if username or password is wrong (never which). @throws {ControlPlaneUnavailable} */
  login(credentials: Credentials): Promise<string | null> {
    return this.#logins.of(credentials);
  }

  /** null: username or password is wrong. */
  async #askLogin(json: Credentials): Promise<string | null> {
    const { client } = this.#options;
    const response = await this.#response(() => client.v1.node.login.$post({ json }));
    // A name or password that is too long to be looked up is a wrong one.
    if (REFUSED.has(response.status)) {
      await response.text();
      return null;
    }
    // This node's own token may be what is wrong.
    if (response.status === 401 && await problemOf(response) === WRONG_LOGIN) return null;
    const { account } = await body(response);
    this.#accounts.learn(account.username, account);
    return account.username;
  }

  /**
   * Facts of an account, or null if there is none (any more).
   *
   * @param fresh look up now, whatever is remembered.
   * @throws {ControlPlaneUnavailable}
   */
  async account(username: string, fresh: boolean): Promise<AccountFacts | null> {
    const known = fresh ? undefined : this.#accounts.fresh(username);
    if (known !== undefined) return known;
    const ask = joined(this.#accountQuestions, username, fresh, () => this.#askAccount(username));
    return await this.#orRemembered(this.#accounts, username, fresh, ask);
  }

  async #askAccount(username: string): Promise<AccountFacts | null> {
    const { client } = this.#options;
    const response = await this.#response(() =>
      client.v1.node.accounts[":username"].$get({ param: { username: encodeURIComponent(username) } })
    );
    if (response.status === 404) {
      await response.text();
      this.#accounts.forget(username);
      return null;
    }
    const { account } = await body(response);
    this.#accounts.learn(username, account);
    return account;
  }

  /** The account that owns the client's address, or null. @throws {ControlPlaneUnavailable} */
  async network(address: string, fresh: boolean): Promise<AccountFacts | null> {
    const known = fresh ? undefined : this.#networks.fresh(address);
    if (known !== undefined) return known.account;
    const prefix = addressPrefix(address);
    const hasWaited = fresh && await this.#strangersPause(prefix);
    // Those who have waited ask together: all of them wanted to know before the look.
    const questions = hasWaited ? this.#strangersQuestions : this.#networkQuestions;
    const ask = joined(questions, address, fresh && !hasWaited, () => this.#askNetwork(address));
    const lookedAt = this.#options.monotonic();
    const { account } = await this.#orRemembered(this.#networks, address, fresh, ask);
    if (fresh && account === null) this.#strangers.learn(prefix, lookedAt, lookedAt);
    return account;
  }

  /** Resolves to whether there was one. */
  async #strangersPause(prefix: string): Promise<boolean> {
    const lookedAt = this.#strangers.fresh(prefix);
    if (lookedAt === undefined) return false;
    const { sleep, monotonic } = this.#options;
    await sleep(lookedAt + STRANGER_PAUSE_MS - monotonic());
    return true;
  }

  async #askNetwork(address: string): Promise<NetworkOwner> {
    const { client } = this.#options;
    const owner = await this.#call(() =>
      client.v1.node.networks[":address"].$get({ param: { address: encodeURIComponent(address) } })
    );
    // Strangers are many, and shall not push out what is to be remembered while the control plane is away.
    if (owner.account === null) return owner;
    this.#networks.learn(address, owner);
    this.#accounts.learn(owner.account.username, owner.account);
    return owner;
  }

  /**
   * For each domain (lower-case A-labels) the account that has claimed it or a domain it lies in, or null.
   *
   * @throws {ControlPlaneUnavailable}
   */
  async owners(domains: readonly string[], fresh: boolean): Promise<(string | null)[]> {
    const known = domains.map((domain) => fresh ? undefined : this.#owners.fresh(domain));
    const owners = known.every((owner) => owner !== undefined)
      ? known
      : await Promise.all(known.map((owner, at) => owner ?? this.#askOwner(domains[at]!, fresh)));
    return owners.map(({ username }) => username);
  }

  #askOwner(domain: string, fresh: boolean): Promise<DomainOwner> {
    return this.#orRemembered(this.#owners, domain, fresh, async () => {
      const owner = await this.#ownerQuestions.call(domain);
      this.#owners.learn(domain, owner);
      return owner;
    });
  }

  /** What is to come of the account's mail to an address that failed for good; null: nothing. @throws {ControlPlaneUnavailable} */
  suppression(question: SuppressionQuestion, fresh: boolean): Promise<SuppressionFacts | null> {
    const key = JSON.stringify([question.account, question.address]);
    return this.#orRemembered(this.#suppressions, key, fresh, async () => {
      const facts = await this.#suppressionQuestions.call(question);
      this.#suppressions.learn(key, facts);
      return facts;
    });
  }

  /** The keys that sign for a domain, or null; asked for anew each time. @throws {ControlPlaneUnavailable} */
  dkimKeys(question: DkimKeyQuestion): Promise<DkimKeySet | null> {
    return this.#keyQuestions.call(question);
  }

  /** Asks for relays. @throws {ControlPlaneUnavailable} when the outcome is unknown: refund it then. */
  async reserve(request: ReservationRequest): Promise<ReservationFacts> {
    const facts = await this.#reservations.call(request);
    // It can do what others ask: it is not away.
    if (facts === null) throw new ControlPlaneUnavailable("the policy fails for the account");
    if (facts.account !== null) this.#accounts.learn(facts.account.username, facts.account);
    return facts;
  }

  /** Gives a reservation back, trying until it is taken or the node ends; the next start's `recover` makes that good. */
  refund(refund: Refund): Promise<void> {
    return this.#refunds.push(refund);
  }

  /** Makes leases smaller, and asks which of the accounts whose leases it holds others want. @throws {ControlPlaneUnavailable} */
  async leases(trims: readonly Trim[], held: readonly string[]): Promise<{ readonly wanted: readonly string[] }> {
    const json = { node: this.#node, boot: this.#boot, items: [...trims], held: [...held] };
    return await this.#call(() => this.#options.client.v1.node.leases.$post({ json }));
  }

  /** Takes settlements and events over for good; both may be repeated. */
  deliver(node: string, boot: string): Deliver {
    const { client } = this.#options;
    return async (items) => {
      const settlements = items.flatMap(({ event, reservation }) =>
        reservation === null ? [] : [{ ...reservation, username: event.account }]
      );
      if (settlements.length > 0) {
        await this.#call(() => client.v1.node.settlements.$post({ json: { node, boot, items: settlements } }));
      }
      await this.#postEvents(node, items.map(({ event }) => event));
    };
  }

  /** An event that is refused for what it says would be refused for ever: it is left out and reported, the rest goes. */
  async #postEvents(node: string, events: NodeEvent[]): Promise<void> {
    const { client, onTrouble } = this.#options;
    const response = await this.#response(() => client.v1.node.events.$post({ json: { node, items: events } }));
    const [event, ...others] = events;
    if (!REFUSED.has(response.status) || event === undefined) {
      await body(response);
      return;
    }
    await response.text();
    if (others.length === 0) {
      onTrouble(new EventRefused(`event ${event.id} of message ${event.messageId}: ${response.status}`));
      return;
    }
    const half = Math.ceil(events.length / 2);
    await this.#postEvents(node, events.slice(0, half));
    await this.#postEvents(node, events.slice(half));
  }

  /** Tells what this node decides by, and hears what it is to. @throws {ControlPlaneUnavailable} */
  async policy(report: Omit<PolicyReport, "node">): Promise<PolicyState> {
    const json = { node: this.#node, ...report };
    // It is not tried at another address, so that it fails says little.
    return await body(await this.#response(() => this.#options.client.v1.node.policy.$post({ json }), false));
  }

  /**
   * Tells how the queue stands, and hears what is to be done with it; null: the report is refused for what it says.
   *
   * @throws {ControlPlaneUnavailable}
   */
  async queue(report: Omit<QueueReport, "node">): Promise<QueueInstructions | null> {
    const json = { node: this.#node, ...report };
    const response = await this.#response(() => this.#options.client.v1.node.queue.$post({ json }));
    if (!REFUSED.has(response.status)) return await body(response);
    await response.text();
    return null;
  }

  /** Tells which notices are in the spool, and takes others to send. @throws {ControlPlaneUnavailable} */
  async noticeMail(report: Omit<NoticeMailReport, "node">): Promise<NoticeMail[]> {
    const json = { node: this.#node, ...report, stored: [...report.stored] };
    // Not tried at another address either: what the first one handed out unheard waits until it is handed out again.
    const response = await this.#response(() => this.#options.client.v1.node.notices.$post({ json }), false);
    return (await body(response)).items;
  }

  /** The octets of a policy module. @throws {ControlPlaneUnavailable} */
  async policyModule(hash: string): Promise<Uint8Array<ArrayBuffer>> {
    const { client } = this.#options;
    const { octets } = await this.#call(() => client.v1.node.policy.modules[":hash"].$get({ param: { hash } }));
    return new Uint8Array(decodeBase64(octets));
  }

  /** Hands recorded decisions over. false: they are refused for what they are. @throws {ControlPlaneUnavailable} */
  async decisions(chunk: NodeDecisions): Promise<boolean> {
    const json = { node: this.#node, chunks: [chunk] };
    const response = await this.#response(() => this.#options.client.v1.node.decisions.$post({ json }));
    if (REFUSED.has(response.status)) {
      await response.text();
      return false;
    }
    await body(response);
    return true;
  }

  /** Refunds what earlier starts of this node reserved and never settled; after its settlements were delivered. */
  async recover(): Promise<number> {
    const json = { node: this.#node, boot: this.#boot };
    return (await this.#call(() => this.#options.client.v1.node.recover.$post({ json }))).refunded;
  }

  async #call<A extends Answer>(request: () => Promise<A>): Promise<Body<A>> {
    return await body(await this.#response(request));
  }

  #response<A extends Answer>(request: () => Promise<A>, tells = true): Promise<A> {
    return this.#calls.response(request, tells);
  }

  /** What was known last stands in for an answer that cannot be had, unless that is to be `fresh` (invariant 7). */
  async #orRemembered<Known, Asked>(
    memory: FactMemory<Known>,
    key: string,
    fresh: boolean,
    ask: () => Promise<Asked>,
  ): Promise<Known | Asked> {
    try {
      return await ask();
    } catch (error) {
      const known = !fresh && error instanceof ControlPlaneAway ? memory.remembered(key) : undefined;
      if (known === undefined) throw error;
      return known;
    }
  }
}

/** With others who ask, unless the answer is to be `fresh`: what is under way may have been looked up already. */
function joined<T>(questions: Joined<T>, key: string, fresh: boolean, ask: () => Promise<T>): () => Promise<T> {
  return fresh ? ask : () => questions.ask(key, ask);
}
