/** Facts into a module's memory, with checks on the way: no fact is written that a double does not hold. */
import {
  Address,
  AutoSubmitted,
  Credentials,
  Existence,
  Mx,
  NdrChoice,
  Ownership,
  ReportType,
} from "./assembly/codes.ts";
import * as at from "./assembly/layout.ts";
import { midnightOf, moment, wholeNumber } from "./checks.ts";
import type {
  AccountFacts,
  Block,
  DomainFacts,
  DomainOwnership,
  FactsOf,
  NdrWish,
  ReportFacts,
  StageName,
} from "./facts.ts";
import { PARAMETER_NAMES, PARAMETERS, type Parameters } from "./parameters.ts";

const DAY_MS = 86_400_000;
/** Facts, verdict and blocks. */
const WIPED_FROM = at.NOW;

export function put(memory: DataView, offset: number, value: number): void {
  memory.setFloat64(offset, value, true);
}

export function get(memory: DataView, offset: number): number {
  return memory.getFloat64(offset, true);
}

/** Forgets the facts, the blocks and the verdict of the decision before. */
export function wipe(memory: DataView): void {
  new Uint8Array(memory.buffer, memory.byteOffset + WIPED_FROM, memory.byteLength - WIPED_FROM).fill(0);
}

export function putParameters(memory: DataView, parameters: Parameters): void {
  for (const name of PARAMETER_NAMES) put(memory, PARAMETERS[name].offset, parameters[name]);
}

type Writers = { readonly [Name in StageName]: (memory: DataView, facts: FactsOf[Name]) => void };

/** For each stage what writes its facts. They throw RangeError for what is not a whole number in its range. */
export const putFacts: Writers = {
  connection(memory, { open, fromAddress }) {
    put(memory, at.OPEN_CONNECTIONS, wholeNumber("open", open));
    put(memory, at.ADDRESS_CONNECTIONS, wholeNumber("fromAddress", fromAddress));
  },
  login(memory, { ofAccount, fromPrefix, knownPlace, credentials }) {
    put(memory, at.ACCOUNT_FAILURES, wholeNumber("failures", ofAccount.count));
    put(memory, at.ACCOUNT_FAILURES_AGE, wholeNumber("ageMs", ofAccount.ageMs));
    put(memory, at.PREFIX_FAILURES, wholeNumber("failures", fromPrefix.count));
    put(memory, at.PREFIX_FAILURES_AGE, wholeNumber("ageMs", fromPrefix.ageMs));
    put(memory, at.KNOWN_PLACE, knownPlace ? 1 : 0);
    put(memory, at.CREDENTIALS, CREDENTIALS[credentials]);
  },
  mail(memory, { now, account, sizeBytes, sender, ownership }) {
    put(memory, at.NOW, moment("now", now));
    putAccount(memory, account);
    put(memory, at.SIZE_BYTES, wholeNumber("sizeBytes", sizeBytes));
    put(memory, at.RECIPIENTS, 0);
    putDomain(memory, sender);
    putOwnership(memory, ownership);
  },
  recipient(memory, { now, account, sizeBytes, recipients, suppressed, domain }) {
    put(memory, at.NOW, moment("now", now));
    putAccount(memory, account);
    put(memory, at.SIZE_BYTES, wholeNumber("sizeBytes", sizeBytes));
    put(memory, at.RECIPIENTS, wholeNumber("recipients", recipients));
    put(memory, at.RECIPIENT_SUPPRESSED, suppressed ? 1 : 0);
    putDomain(memory, domain);
  },
  message(memory, facts) {
    put(memory, at.SIZE_BYTES, wholeNumber("sizeBytes", facts.sizeBytes));
    put(memory, at.BARE_LINE_ENDINGS, facts.bareLineEndings ? 1 : 0);
    put(memory, at.HEADER_TOO_LONG, facts.headerTooLong ? 1 : 0);
    put(memory, at.RECEIVED_FIELDS, wholeNumber("receivedFields", facts.receivedFields));
    put(memory, at.FROM_FIELDS, wholeNumber("fromFields", facts.fromFields));
    put(memory, at.FROM_TOO_LONG, facts.fromTooLong ? 1 : 0);
    putReport(memory, facts);
    put(memory, at.NDR_CHOICE, NDR_CHOICE[facts.ndrChoice]);
  },
  author(memory, { ownership }) {
    putOwnership(memory, ownership);
  },
  quota(memory, { now, account, granted, used, limit, need, ndr }) {
    put(memory, at.NOW, moment("now", now));
    put(memory, at.AUTHENTICATED, account === null ? 0 : 1);
    put(memory, at.SUSPENDED, account?.status === "suspended" ? 1 : 0);
    putBlocks(memory, account?.blocks ?? NOBODY.blocks);
    put(memory, at.GRANTED, granted ? 1 : 0);
    put(memory, at.USED, wholeNumber("used", used));
    put(memory, at.LIMIT, wholeNumber("limit", limit));
    put(memory, at.NEED, wholeNumber("need", need));
    put(memory, at.NDR, ndr === null ? 0 : 1);
    put(memory, at.NDR_USED, wholeNumber("ndr.used", ndr?.used ?? 0));
    put(memory, at.NDR_LIMIT, wholeNumber("ndr.limit", ndr?.limit ?? 0));
    putNdrWish(memory, ndr?.wish ?? COUNTED);
  },
};

const COUNTED: NdrWish = { choice: "count", sharePercent: null };

/** Stands in memory where there is no account: no decision may depend on the one before. */
const NOBODY: AccountFacts = {
  status: "active",
  day: "1970-01-01",
  used: 0,
  blocks: [],
  ndr: COUNTED,
  today: { recipients: 0, outcomes: 0, refused: 0 },
  habit: { days: 0, relays: 0, recipients: 0, refusedPercent: 0 },
  brakeReleasedUntil: null,
};

function putAccount(memory: DataView, account: AccountFacts | null): void {
  const { status, day, used, blocks, today, habit, brakeReleasedUntil } = account ?? NOBODY;
  put(memory, at.AUTHENTICATED, account === null ? 0 : 1);
  put(memory, at.SUSPENDED, status === "suspended" ? 1 : 0);
  put(memory, at.USED_DAY, midnightOf("day", day) / DAY_MS);
  put(memory, at.USED, wholeNumber("used", used));
  put(memory, at.RECIPIENTS_TODAY, wholeNumber("today.recipients", today.recipients));
  put(memory, at.OUTCOMES_TODAY, wholeNumber("today.outcomes", today.outcomes));
  put(memory, at.REFUSED_TODAY, wholeNumber("today.refused", today.refused));
  put(memory, at.HABIT_DAYS, wholeNumber("habit.days", habit.days));
  put(memory, at.HABIT_RELAYS, wholeNumber("habit.relays", habit.relays));
  put(memory, at.HABIT_RECIPIENTS, wholeNumber("habit.recipients", habit.recipients));
  put(memory, at.HABIT_REFUSED_PERCENT, wholeNumber("habit.refusedPercent", habit.refusedPercent));
  put(memory, at.BRAKE_RELEASED_UNTIL, wholeNumber("brakeReleasedUntil", brakeReleasedUntil ?? 0));
  putBlocks(memory, blocks);
}

export function putBlocks(memory: DataView, blocks: readonly Block[]): void {
  if (blocks.length > at.MAX_BLOCKS) {
    throw new RangeError(`${blocks.length} blocks: at most ${at.MAX_BLOCKS} entries were expected; merge them`);
  }
  let offset = 0;
  for (const { quantity, activatesAt } of blocks) {
    put(memory, at.BLOCK_QUANTITY + offset, wholeNumber("quantity", quantity, 1));
    put(memory, at.BLOCK_ACTIVATES_AT + offset, moment("activatesAt", activatesAt));
    offset += at.BLOCK_STRIDE;
  }
  put(memory, at.BLOCK_COUNT, blocks.length);
}

const CREDENTIALS: Record<FactsOf["login"]["credentials"], Credentials> = {
  "not-checked": Credentials.NotChecked,
  right: Credentials.Right,
  wrong: Credentials.Wrong,
};

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

function putDomain(memory: DataView, domain: DomainFacts | null): void {
  put(memory, at.DOMAIN_EXISTENCE, domain === null ? Existence.NotChecked : EXISTENCE[domain.existence]);
  put(memory, at.DOMAIN_MX, domain === null ? Mx.None : MX[domain.mx]);
  put(memory, at.DOMAIN_ADDRESS, domain === null ? Address.Absent : ADDRESS[domain.address]);
}

const OWNERSHIP: Record<DomainOwnership, Ownership> = {
  unclaimed: Ownership.Unclaimed,
  own: Ownership.Own,
  "another's": Ownership.Another,
};

function putOwnership(memory: DataView, ownership: DomainOwnership | null): void {
  put(memory, at.DOMAIN_OWNERSHIP, ownership === null ? Ownership.NotChecked : OWNERSHIP[ownership]);
}

const REPORT_TYPE: Record<ReportFacts["reportType"], ReportType> = {
  none: ReportType.None,
  "delivery-status": ReportType.DeliveryStatus,
  another: ReportType.Another,
};

const AUTO_SUBMITTED: Record<ReportFacts["autoSubmitted"], AutoSubmitted> = {
  no: AutoSubmitted.No,
  generated: AutoSubmitted.Generated,
  replied: AutoSubmitted.Replied,
  failure: AutoSubmitted.Failure,
};

export function putReport(memory: DataView, facts: ReportFacts): void {
  put(memory, at.NULL_REVERSE_PATH, facts.nullReversePath ? 1 : 0);
  put(memory, at.REPORT_TYPE, REPORT_TYPE[facts.reportType]);
  put(memory, at.AUTO_SUBMITTED, AUTO_SUBMITTED[facts.autoSubmitted]);
  put(memory, at.FAILED_RECIPIENTS_FIELD, facts.failedRecipientsField ? 1 : 0);
}

const NDR_CHOICE: Record<NdrWish["choice"], NdrChoice> = {
  count: NdrChoice.Count,
  limit: NdrChoice.Limit,
  refuse: NdrChoice.Refuse,
};

export function putNdrWish(memory: DataView, { choice, sharePercent }: NdrWish): void {
  put(memory, at.NDR_CHOICE, NDR_CHOICE[choice]);
  put(memory, at.NDR_SHARE_PERCENT, wholeNumber("sharePercent", sharePercent ?? 0));
}
