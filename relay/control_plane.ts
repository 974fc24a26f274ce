/**
 * The relay's one door to the control plane.
 *
 * It joins concurrent calls, keeps facts for the stated short times, and turns every kind of trouble into
 * `ControlPlaneUnavailable`: callers answer that with 4yz, never with a refusal (invariant 7).
 */
import { decodeBase64 } from "@std/encoding";
import type {
  AccountFacts,
  DkimKeyQuestion,
  DkimKeySet,
  NodeClient,
  NodeDecisions,
  NodeEvent,
  PolicyReport,
  PolicyState,
  QueueInstructions,
  QueueReport,
  Refund,
  ReservationFacts,
  ReservationRequest,
  SuppressionFacts,
  SuppressionQuestion,
} from "../api/client.ts";
import { Batcher } from "./batcher.ts";
import type { Deliver } from "./spool/outbox.ts";
import { TtlCache } from "./ttl_cache.ts";

/** The control plane could not be asked, or it had trouble of its own. */
export class ControlPlaneUnavailable extends Error {
  override readonly name = "ControlPlaneUnavailable";
}

export interface ControlPlaneOptions {
  readonly client: NodeClient;
  /** A new one for each start: reservations of earlier ones can be told apart. */
  readonly boot: string;
  readonly monotonic: () => number;
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
/** A verified password is believed for so long: a change or a suspension reaches every session within it. */
const LOGIN_TTL_MS = 5000;
/** Accounts, addresses and logins that are remembered. */
const MAX_CACHED = 10_000;
/** Items in one call; the control plane takes no more. */
const MAX_BATCH = 256;
/**
 * Reservations of a loaded node go together: a call costs the control plane ten times what one more item in it does, and
 * with one call at a time behind the other there was nearly one for each message.
 */
const RESERVE_EVERY_MS = 8;
/** A call that takes longer has failed: the client of the SMTP session would not wait much longer either. */
const CALL_DEADLINE_MS = 10_000;
const REFUND_RETRY_MS = 5000;

/** Who has claimed a domain; null: nobody. */
interface DomainOwner {
  readonly username: string | null;
}

interface Answer {
  readonly ok: boolean;
  readonly status: number;
  json(): Promise<unknown>;
  text(): Promise<string>;
}

/** What a route answers when it could do what was asked. */
type Body<A extends Answer> = Awaited<ReturnType<Extract<A, { readonly ok: true }>["json"]>>;

export class ControlPlane {
  readonly #options: ControlPlaneOptions;
  #node = "";
  readonly #accounts: TtlCache<AccountFacts>;
  readonly #networks: TtlCache<{ account: AccountFacts | null }>;
  readonly #logins: TtlCache<string>;
  readonly #owners: TtlCache<DomainOwner>;
  readonly #reservations: Batcher<ReservationRequest, ReservationFacts>;
  readonly #refunds: Batcher<Refund, undefined>;
  readonly #ownerQuestions: Batcher<string, DomainOwner>;
  readonly #keyQuestions: Batcher<DkimKeyQuestion, DkimKeySet | null>;
  readonly #suppressionQuestions: Batcher<SuppressionQuestion, SuppressionFacts | null>;
  /** Keys the cache of logins, so that it holds no password and no hash that could be tried elsewhere. */
  readonly #loginKey: Promise<CryptoKey>;

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
    const { client, boot, monotonic } = options;
    this.#accounts = new TtlCache(FACTS_TTL_MS, MAX_CACHED, monotonic);
    this.#networks = new TtlCache(FACTS_TTL_MS, MAX_CACHED, monotonic);
    this.#logins = new TtlCache(LOGIN_TTL_MS, MAX_CACHED, monotonic);
    this.#owners = new TtlCache(FACTS_TTL_MS, MAX_CACHED, monotonic);
    this.#loginKey = crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    this.#reservations = new Batcher(MAX_BATCH, async (items) => {
      const json = { node: this.#node, boot, items: [...items] };
      return (await this.#call(() => client.v1.node.reservations.$post({ json }))).items;
    }, { everyMs: RESERVE_EVERY_MS, monotonic });
    this.#refunds = new Batcher(MAX_BATCH, async (items) => {
      const json = { node: this.#node, boot, items: [...items] };
      await this.#call(() => client.v1.node.refunds.$post({ json }));
      return items.map(() => undefined);
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

  /** Says who this node is; before any reservation. */
  name(node: string): void {
    this.#node = node;
  }

  /** The account, or null if username or password is wrong (never which). @throws {ControlPlaneUnavailable} */
  async login(username: string, password: string, address: string): Promise<string | null> {
    const key = await this.#loginCacheKey(username, password);
    const known = this.#logins.get(key);
    if (known !== undefined) return known;
    const { client } = this.#options;
    const response = await this.#response(() => client.v1.node.login.$post({ json: { username, password, address } }));
    // A name or password that is too long to be looked up is a wrong one.
    if (response.status === 401 || REFUSED.has(response.status)) return null;
    const { account } = await body(response);
    this.#accounts.set(account.username, account);
    this.#logins.set(key, account.username);
    return account.username;
  }

  /**
   * Facts of an account, or null if there is none (any more).
   *
   * @param fresh look up now, whatever is remembered.
   * @throws {ControlPlaneUnavailable}
   */
  async account(username: string, fresh: boolean): Promise<AccountFacts | null> {
    const known = fresh ? undefined : this.#accounts.get(username);
    if (known !== undefined) return known;
    const { client } = this.#options;
    const response = await this.#response(() =>
      client.v1.node.accounts[":username"].$get({ param: { username: encodeURIComponent(username) } })
    );
    if (response.status === 404) {
      this.#accounts.delete(username);
      return null;
    }
    const { account } = await body(response);
    this.#accounts.set(username, account);
    return account;
  }

  /** The account that owns the client's address, or null. @throws {ControlPlaneUnavailable} */
  async network(address: string, fresh: boolean): Promise<AccountFacts | null> {
    const known = fresh ? undefined : this.#networks.get(address);
    if (known !== undefined) return known.account;
    const { client } = this.#options;
    const found = await this.#call(() =>
      client.v1.node.networks[":address"].$get({ param: { address: encodeURIComponent(address) } })
    );
    this.#networks.set(address, found);
    if (found.account !== null) this.#accounts.set(found.account.username, found.account);
    return found.account;
  }

  /**
   * For each domain (lower-case A-labels) the account that has claimed it or a domain it lies in, or null.
   *
   * @throws {ControlPlaneUnavailable}
   */
  async owners(domains: readonly string[], fresh: boolean): Promise<(string | null)[]> {
    return await Promise.all(domains.map(async (domain) => {
      const known = fresh ? undefined : this.#owners.get(domain);
      if (known !== undefined) return known.username;
      const owner = await this.#ownerQuestions.call(domain);
      this.#owners.set(domain, owner);
      return owner.username;
    }));
  }

  /** What is to come of the account's mail to an address that failed for good; null: nothing. @throws {ControlPlaneUnavailable} */
  suppression(question: SuppressionQuestion): Promise<SuppressionFacts | null> {
    return this.#suppressionQuestions.call(question);
  }

  /** The keys that sign for a domain, or null; asked for anew each time. @throws {ControlPlaneUnavailable} */
  dkimKeys(question: DkimKeyQuestion): Promise<DkimKeySet | null> {
    return this.#keyQuestions.call(question);
  }

  /** Asks for relays. @throws {ControlPlaneUnavailable} when the outcome is unknown: refund it then. */
  async reserve(request: ReservationRequest): Promise<ReservationFacts> {
    const facts = await this.#reservations.call(request);
    if (facts.account !== null) this.#accounts.set(facts.account.username, facts.account);
    return facts;
  }

  /** Gives a reservation back, trying until it is taken or the node ends; the next start's `recover` makes that good. */
  async refund(refund: Refund): Promise<void> {
    const { closing, onTrouble, sleep } = this.#options;
    do {
      try {
        return await this.#refunds.call(refund);
      } catch (error) {
        onTrouble(error);
        await sleep(REFUND_RETRY_MS);
      }
    } while (!closing.aborted);
  }

  /** Takes settlements and events over for good; both may be repeated. */
  deliver(node: string): Deliver {
    const { client, boot } = this.#options;
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
    return await this.#call(() => this.#options.client.v1.node.policy.$post({ json }));
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
    const { client, boot } = this.#options;
    const { refunded } = await this.#call(() => client.v1.node.recover.$post({ json: { node: this.#node, boot } }));
    return refunded;
  }

  async #call<A extends Answer>(request: () => Promise<A>): Promise<Body<A>> {
    return await body(await this.#response(request));
  }

  async #response<A extends Answer>(request: () => Promise<A>): Promise<A> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer in ${CALL_DEADLINE_MS} ms`)), CALL_DEADLINE_MS);
    });
    try {
      return await Promise.race([request(), tooLate]);
    } catch (cause) {
      throw new ControlPlaneUnavailable("the control plane did not answer", { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  async #loginCacheKey(username: string, password: string): Promise<string> {
    const octets = new TextEncoder().encode(JSON.stringify([username, password]));
    return new Uint8Array(await crypto.subtle.sign("HMAC", await this.#loginKey, octets)).toBase64();
  }
}

async function body<A extends Answer>(response: A): Promise<Body<A>> {
  if (!response.ok) throw new ControlPlaneUnavailable(`the control plane answered ${response.status}`);
  try {
    return await response.json() as Body<A>;
  } catch (cause) {
    throw new ControlPlaneUnavailable("the control plane's answer is not JSON", { cause });
  }
}
