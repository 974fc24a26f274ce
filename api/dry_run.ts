/**
 * The dry run: what a node would answer to a message, and why, rule by rule. It collects the facts as a node does and
 * asks a module of its own, so that nothing is charged, counted, recorded or remembered.
 *
 * The message is taken for an ordinary one whose author is its sender: what its header says cannot be known here.
 */
import {
  type DomainFacts,
  type DomainOwnership,
  type FactsOf,
  ModulePolicy,
  Reason,
  type Refusal,
  refusalOf,
  type RuleVerdict,
  type StageName,
  type Verdict,
} from "../policy/mod.ts";
import { type AccountSources, findStandings, spent } from "./account_facts.ts";
import type { Counters } from "./counters/counters.ts";
import type { PolicyControl } from "./policy_control.ts";
import { findOwners } from "./store/domains.ts";
import { findSuppression, findSuppressionChoice } from "./store/suppressions.ts";
import { dayOf } from "./utc_day.ts";
import type { AccountFacts } from "./wire.ts";

/** What a node makes of addresses and of their domains. */
export interface AddressFacts {
  /** The domain of a mailbox, and the name that the DNS has for it, or null where it can have none; null: no mailbox. */
  domainOf(mailbox: string): { readonly domain: string; readonly name: string | null } | null;
  sender(domain: string): Promise<DomainFacts>;
  /** null: not looked up, for its mail is routed statically. */
  recipient(domain: string): Promise<DomainFacts | null>;
}

export interface Mailbox {
  readonly address: string;
  readonly domain: string;
  readonly name: string | null;
}

export interface Question {
  readonly account: string;
  /** null: the null reverse path. */
  readonly sender: Mailbox | null;
  readonly recipients: readonly Mailbox[];
  readonly sizeBytes: number;
  /** Epoch ms; undefined: now. */
  readonly at: number | undefined;
}

export interface Step {
  readonly stage: StageName;
  /** The address that it is about. */
  readonly subject: string | null;
  readonly verdict: Verdict;
  readonly refusal: Refusal | null;
  readonly rules: readonly RuleVerdict[];
}

export interface Outcome {
  readonly at: number;
  /** Hash. */
  readonly module: string;
  readonly price: number;
  readonly accepted: readonly string[];
  /** The step that ends it; null: the message is accepted. */
  readonly refusedBy: Step | null;
  readonly steps: readonly Step[];
}

export interface DryRunSources extends AccountSources {
  readonly counters: Counters;
  readonly policy: PolicyControl;
  readonly addresses: AddressFacts;
  /** Where refusals find the help pages. */
  readonly help: { readonly url: string | null };
}

/** An ordinary message. */
const CONTENT: Omit<FactsOf["message"], "sizeBytes" | "nullReversePath" | "ndrChoice"> = {
  bareLineEndings: false,
  receivedFields: 0,
  headerTooLong: false,
  fromFields: 1,
  fromTooLong: false,
  reportType: "none",
  autoSubmitted: "no",
  failedRecipientsField: false,
};

/** @returns undefined where there is no such account. @throws {PolicyFault} the module failed. */
export const dryRun = async (sources: DryRunSources, question: Question): Promise<Outcome | undefined> => {
  const found = await findAccount(sources, question);
  if (found === undefined) return undefined;
  const { policy: control } = sources;
  const current = await control.current();
  const policy = new ModulePolicy(await control.module(current.active), control.parametersOf(current));
  return await new DryRun(sources, question, found, policy).run();
};

interface Found {
  readonly now: number;
  readonly account: AccountFacts;
  readonly ndrUsed: number;
}

/** The account's facts at the instant in question, which lies within the day or after it. */
const findAccount = async (sources: DryRunSources, { account: username, at }: Question): Promise<Found | undefined> => {
  const { day, now: clock, used: usage } = await sources.counters.today([username]);
  const now = at ?? clock;
  const standing = (await findStandings(sources, [username], Math.min(now, clock))).get(username);
  if (standing === undefined) return undefined;
  const { used, ndr } = spent(usage.get(username));
  return { now, account: { ...standing, day, used }, ndrUsed: ndr };
};

class DryRun {
  readonly #sources: DryRunSources;
  readonly #question: Question;
  readonly #found: Found;
  readonly #policy: ModulePolicy;
  readonly #steps: Step[] = [];

  constructor(sources: DryRunSources, question: Question, found: Found, policy: ModulePolicy) {
    this.#sources = sources;
    this.#question = question;
    this.#found = found;
    this.#policy = policy;
  }

  async run(): Promise<Outcome> {
    const { sizeBytes, recipients } = this.#question;
    let refusedBy = await this.#mail();
    const accepted = refusedBy === null ? await this.#recipients() : [];
    refusedBy ??= accepted.length > 0 ? null : this.#steps.find(isRefusal) ?? null;
    const price = this.#policy.price(sizeBytes, accepted.length > 0 ? accepted.length : recipients.length);
    if (refusedBy === null) refusedBy = await this.#data(price);
    return { at: this.#found.now, module: this.#policy.module, price, accepted, refusedBy, steps: this.#steps };
  }

  /** As at MAIL: the account first, and the DNS only if there is nothing against it. @returns the refusal. */
  async #mail(): Promise<Step | null> {
    const { sender, sizeBytes } = this.#question;
    const { now, account } = this.#found;
    const facts = { now, account, sizeBytes };
    const known = { ...facts, sender: null, ownership: null };
    if (sender === null || this.#policy.foresee("mail", known).reason !== Reason.Accepted) {
      return await this.#step("mail", known, sender);
    }
    const [looked, ownership] = await Promise.all([
      this.#sources.addresses.sender(sender.domain),
      this.#ownership(sender),
    ]);
    return await this.#step("mail", { ...facts, sender: looked, ownership }, sender);
  }

  /** @returns those that are accepted; each of them counts for the next. */
  async #recipients(): Promise<string[]> {
    const { recipients, sizeBytes } = this.#question;
    const { now, account } = this.#found;
    const domains = [...new Set(recipients.map(({ domain }) => domain))];
    const looked = new Map(
      await Promise.all(
        domains.map(async (domain) => [domain, await this.#sources.addresses.recipient(domain)] as const),
      ),
    );
    const accepted: string[] = [];
    for (const recipient of recipients) {
      const domain = looked.get(recipient.domain) ?? null;
      const suppressed = account.suppresses &&
        await findSuppression(this.#sources.db, account.username, recipient.address) !== undefined &&
        await findSuppressionChoice(this.#sources.db, account.username) === "refuse";
      const facts = { now, account, sizeBytes, recipients: accepted.length, suppressed, domain };
      if (await this.#step("recipient", facts, recipient) === null) accepted.push(recipient.address);
    }
    return accepted;
  }

  /** As at the end of the data: the message, its author, its price. @returns the refusal. */
  async #data(price: number): Promise<Step | null> {
    const { sender, sizeBytes } = this.#question;
    const { ndr: wish } = this.#found.account;
    const content = { ...CONTENT, sizeBytes, nullReversePath: sender === null };
    const isNdr = this.#policy.isNdr(content);
    return await this.#step("message", { ...content, ndrChoice: isNdr ? wish.choice : "count" }, null) ??
      (sender && await this.#step("author", { ownership: await this.#ownership(sender) }, sender)) ??
      await this.#step("quota", this.#quota(price, isNdr), null);
  }

  /** What the counter store would answer. */
  #quota(need: number, isNdr: boolean): FactsOf["quota"] {
    const { now, account, ndrUsed } = this.#found;
    const { status, ndr: wish, day } = account;
    const blocks = status === "active" ? account.blocks : [];
    const isToday = dayOf(now) === day;
    const used = isToday ? account.used : 0;
    const limit = this.#policy.cap(blocks, now);
    const ndr = isNdr ? { used: isToday ? ndrUsed : 0, limit: this.#policy.ndrCap(blocks, now, wish), wish } : null;
    const granted = used + need <= limit && (ndr === null || ndr.used + need <= ndr.limit);
    return { now, account, granted, used, limit, need, ndr };
  }

  async #ownership({ name }: Mailbox): Promise<DomainOwnership> {
    if (name === null) return "unclaimed";
    const [owner] = await findOwners(this.#sources.db, [name]);
    if (typeof owner !== "string") return "unclaimed";
    return owner === this.#question.account ? "own" : "another's";
  }

  /** @returns the step if it refuses. */
  async #step<Stage extends StageName>(
    stage: Stage,
    facts: FactsOf[Stage],
    about: Mailbox | null,
  ): Promise<Step | null> {
    // A module may take its time for each answer: others have their turn in between.
    await new Promise((resolve) => setTimeout(resolve));
    const verdict = this.#policy.decide(stage, facts);
    const { now } = this.#found;
    const { url: helpUrl } = this.#sources.help;
    const refusal = refusalOf(verdict, { stage, now, helpUrl, ...(about && { domain: about.domain }) });
    const step = {
      stage,
      subject: about?.address ?? null,
      verdict,
      refusal,
      rules: this.#policy.explain(stage, facts),
    };
    this.#steps.push(step);
    return isRefusal(step) ? step : null;
  }
}

const isRefusal = ({ refusal }: Step): boolean => refusal !== null;
