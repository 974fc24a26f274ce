/**
 * The policy as the rest of the house sees it: plain facts in, a verdict out.
 *
 * This is the only file that touches the module's memory (assembly/layout.ts). Each call writes all the facts that its
 * rules read, and is synchronous, so that one instance serves everybody and no decision depends on the one before.
 * It decides nothing itself: the rules are in assembly/.
 */
import { Address, Existence, Mx, Ownership, SenderRecord } from "./assembly/codes.ts";
import * as at from "./assembly/layout.ts";
import { Reason } from "./assembly/reason.ts";
import { midnightOf, moment, wholeNumber } from "./checks.ts";
import type {
  AccountFacts,
  Block,
  DomainFacts,
  DomainOwnership,
  MailFacts,
  MessageFacts,
  QuotaFacts,
  RecipientFacts,
} from "./facts.ts";
import type { Parameters } from "./parameters.ts";
import * as rulebook from "./policy.wasm";
import type { SenderNoUsableRecord, Verdict } from "./verdict.ts";

export { Reason } from "./assembly/reason.ts";
export type * from "./facts.ts";
export { defaultParameters, type Parameters } from "./parameters.ts";
export type * from "./verdict.ts";

/** All methods throw RangeError for facts that are not whole numbers in their range. */
export interface Policy {
  readonly parameters: Parameters;
  /** Relays that a message of `sizeBytes` octets to so many recipients costs. */
  price(sizeBytes: number, recipients: number): number;
  /** Relays of the day, from the blocks that are active at `now`. */
  cap(blocks: readonly Block[], now: number): number;
  /** The UTC day of `ms`: "2026-11-23". */
  utcDay(ms: number): string;
  /** The midnight UTC that ends the day of `ms`; at midnight, the next one. */
  resetsAt(ms: number): number;
  /** Authentication, size, suspended, no block, pending, quota for one recipient, whose the sender's domain is, its DNS. */
  mail(facts: MailFacts): Verdict;
  /** Number of recipients, suspended, no block, pending, quota with this recipient, the recipient's domain. */
  recipient(facts: RecipientFacts): Verdict;
  /** Size, bare line endings, length of the header, hops, From fields, length of the From field. */
  message(facts: MessageFacts): Verdict;
  /** A domain in the From field: whose it is. */
  author(ownership: DomainOwnership): Verdict;
  /** The counter store's answer in words: accepted if granted, else suspended, no block, pending, quota. */
  quota(facts: QuotaFacts): Verdict;
}

/** @throws RangeError unless all parameters are whole numbers of at least 1 */
export function createPolicy(parameters: Parameters): Policy {
  const figures = Object.freeze({ ...parameters });
  for (const [name, value] of Object.entries(figures)) wholeNumber(name, value, 1);

  /** Several policies may share the instance, so each call brings its own parameters. */
  const begin = () => {
    put(at.RELAYS_PER_BLOCK, figures.relaysPerBlock);
    put(at.PRICE_STEP_BYTES, figures.priceStepBytes);
    put(at.MAX_SIZE_BYTES, figures.maxSizeBytes);
    put(at.MAX_RECIPIENTS, figures.maxRecipients);
    put(at.MAX_RECEIVED_FIELDS, figures.maxReceivedFields);
  };

  return {
    parameters: figures,
    price(sizeBytes, recipients) {
      begin();
      return wholeNumber(
        "price",
        rulebook.price(wholeNumber("sizeBytes", sizeBytes), wholeNumber("recipients", recipients)),
      );
    },
    cap(blocks, now) {
      begin();
      putBlocks(blocks);
      put(at.NOW, moment("now", now));
      return wholeNumber("cap", rulebook.cap());
    },
    utcDay(ms) {
      const digits = String(rulebook.calendarDay(moment("ms", ms)));
      return `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
    },
    resetsAt(ms) {
      return rulebook.nextMidnight(moment("ms", ms));
    },
    mail({ now, account, sizeBytes, sender, ownership }) {
      begin();
      put(at.NOW, moment("now", now));
      put(at.AUTHENTICATED, account === null ? 0 : 1);
      if (account !== null) putAccount(account);
      put(at.SIZE_BYTES, wholeNumber("sizeBytes", sizeBytes));
      putDomain(sender);
      putOwnership(ownership);
      return verdict(rulebook.mail());
    },
    recipient({ now, account, sizeBytes, recipients, domain }) {
      begin();
      put(at.NOW, moment("now", now));
      putAccount(account);
      put(at.SIZE_BYTES, wholeNumber("sizeBytes", sizeBytes));
      put(at.RECIPIENTS, wholeNumber("recipients", recipients));
      putDomain(domain);
      return verdict(rulebook.recipient());
    },
    message({ sizeBytes, bareLineEndings, headerTooLong, receivedFields, fromFields, fromTooLong }) {
      begin();
      put(at.SIZE_BYTES, wholeNumber("sizeBytes", sizeBytes));
      put(at.BARE_LINE_ENDINGS, bareLineEndings ? 1 : 0);
      put(at.HEADER_TOO_LONG, headerTooLong ? 1 : 0);
      put(at.RECEIVED_FIELDS, wholeNumber("receivedFields", receivedFields));
      put(at.FROM_FIELDS, wholeNumber("fromFields", fromFields));
      put(at.FROM_TOO_LONG, fromTooLong ? 1 : 0);
      return verdict(rulebook.message());
    },
    author(ownership) {
      begin();
      putOwnership(ownership);
      return verdict(rulebook.author());
    },
    quota({ now, status, blocks, granted, used, limit, need }) {
      begin();
      put(at.NOW, moment("now", now));
      put(at.SUSPENDED, status === "suspended" ? 1 : 0);
      putBlocks(blocks);
      put(at.GRANTED, granted ? 1 : 0);
      put(at.USED, wholeNumber("used", used));
      put(at.LIMIT, wholeNumber("limit", limit));
      put(at.NEED, wholeNumber("need", need));
      return verdict(rulebook.quota());
    },
  };
}

const memory = new DataView(rulebook.memory.buffer);

function put(offset: number, value: number): void {
  memory.setFloat64(offset, value, true);
}

function get(offset: number): number {
  return memory.getFloat64(offset, true);
}

const DAY_MS = 86_400_000;

function putAccount({ status, day, used, blocks }: AccountFacts): void {
  put(at.SUSPENDED, status === "suspended" ? 1 : 0);
  put(at.USED_DAY, midnightOf("day", day) / DAY_MS);
  put(at.USED, wholeNumber("used", used));
  putBlocks(blocks);
}

function putBlocks(blocks: readonly Block[]): void {
  if (blocks.length > at.MAX_BLOCKS) {
    throw new RangeError(`${blocks.length} blocks: at most ${at.MAX_BLOCKS} entries were expected; merge them`);
  }
  let offset = 0;
  for (const { quantity, activatesAt } of blocks) {
    put(at.BLOCK_QUANTITY + offset, wholeNumber("quantity", quantity, 1));
    put(at.BLOCK_ACTIVATES_AT + offset, moment("activatesAt", activatesAt));
    offset += at.BLOCK_STRIDE;
  }
  put(at.BLOCK_COUNT, blocks.length);
}

const EXISTENCE: Record<DomainFacts["existence"], Existence> = {
  "not-checked": Existence.NotChecked,
  exists: Existence.Exists,
  missing: Existence.Missing,
  failed: Existence.Failed,
};

const MX: Record<DomainFacts["mx"], Mx> = {
  none: Mx.None,
  null: Mx.Null,
  usable: Mx.Usable,
  "names-address": Mx.NamesAddress,
  unresolvable: Mx.Unresolvable,
  failed: Mx.Failed,
};

const ADDRESS: Record<DomainFacts["address"], Address> = {
  absent: Address.Absent,
  present: Address.Present,
  failed: Address.Failed,
};

function putDomain(domain: DomainFacts | null): void {
  put(at.DOMAIN_EXISTENCE, domain === null ? Existence.NotChecked : EXISTENCE[domain.existence]);
  put(at.DOMAIN_MX, domain === null ? Mx.None : MX[domain.mx]);
  put(at.DOMAIN_ADDRESS, domain === null ? Address.Absent : ADDRESS[domain.address]);
}

const OWNERSHIP: Record<DomainOwnership, Ownership> = {
  unclaimed: Ownership.Unclaimed,
  own: Ownership.Own,
  "another's": Ownership.Another,
};

function putOwnership(ownership: DomainOwnership | null): void {
  put(at.DOMAIN_OWNERSHIP, ownership === null ? Ownership.Unclaimed : OWNERSHIP[ownership]);
}

const RECORD: Record<SenderRecord, SenderNoUsableRecord["record"]> = {
  [SenderRecord.Nothing]: "nothing",
  [SenderRecord.MxNamesAddress]: "mx-names-address",
  [SenderRecord.MxUnresolvable]: "mx-unresolvable",
};

function verdict(reason: Reason): Verdict {
  switch (reason) {
    case Reason.QuotaExceeded: {
      const activatesAt = get(at.VERDICT_ACTIVATES_AT);
      return {
        reason,
        used: get(at.VERDICT_USED),
        limit: get(at.VERDICT_LIMIT),
        need: get(at.VERDICT_NEED),
        resetsAt: get(at.VERDICT_RESETS_AT),
        pendingActivatesAt: activatesAt === at.NEVER ? null : activatesAt,
      };
    }
    case Reason.BlockPending:
      return { reason, activatesAt: get(at.VERDICT_ACTIVATES_AT) };
    case Reason.MessageTooBig:
    case Reason.TooManyRecipients:
    case Reason.TooManyHops:
      return { reason, limit: get(at.VERDICT_LIMIT) };
    case Reason.SenderNoUsableRecord:
      return { reason, record: RECORD[get(at.VERDICT_RECORD) as SenderRecord] };
    default:
      return { reason };
  }
}
