/**
 * Which fields of the shared memory (assembly/layout.ts) each stage reads, and each reason writes: what a recorded
 * decision has to keep. A test changes every other field and expects the same verdict.
 */
import * as at from "./assembly/layout.ts";
import { Reason } from "./assembly/reason.ts";
import type { StageName } from "./facts.ts";

const BRAKE = [
  at.RECIPIENTS_TODAY,
  at.OUTCOMES_TODAY,
  at.REFUSED_TODAY,
  at.HABIT_DAYS,
  at.HABIT_RELAYS,
  at.HABIT_RECIPIENTS,
  at.HABIT_REFUSED_PERCENT,
  at.BRAKE_RELEASED_UNTIL,
];
const ACCOUNT = [at.AUTHENTICATED, at.SUSPENDED, at.USED_DAY, at.USED, ...BRAKE];
const DOMAIN = [at.DOMAIN_EXISTENCE, at.DOMAIN_MX, at.DOMAIN_ADDRESS];

/** BLOCK_COUNT, where it stands, is the last: its blocks follow. */
export const FACT_FIELDS: Readonly<Record<StageName, readonly number[]>> = {
  connection: [at.OPEN_CONNECTIONS, at.ADDRESS_CONNECTIONS],
  login: [
    at.ACCOUNT_FAILURES,
    at.ACCOUNT_FAILURES_AGE,
    at.PREFIX_FAILURES,
    at.PREFIX_FAILURES_AGE,
    at.KNOWN_PLACE,
    at.CREDENTIALS,
  ],
  mail: [
    ...[at.NOW, ...ACCOUNT, at.SIZE_BYTES, at.RECIPIENTS],
    ...[...DOMAIN, at.DOMAIN_OWNERSHIP, at.BLOCK_COUNT],
  ],
  recipient: [
    ...[at.NOW, ...ACCOUNT, at.SIZE_BYTES, at.RECIPIENTS, at.RECIPIENT_SUPPRESSED],
    ...[...DOMAIN, at.BLOCK_COUNT],
  ],
  message: [
    ...[at.SIZE_BYTES, at.BARE_LINE_ENDINGS, at.RECEIVED_FIELDS, at.HEADER_TOO_LONG, at.FROM_FIELDS, at.FROM_TOO_LONG],
    ...[at.NULL_REVERSE_PATH, at.REPORT_TYPE, at.AUTO_SUBMITTED, at.FAILED_RECIPIENTS_FIELD, at.NDR_CHOICE],
  ],
  author: [at.DOMAIN_OWNERSHIP],
  quota: [
    ...[at.NOW, at.AUTHENTICATED, at.SUSPENDED, at.USED, at.LIMIT, at.NEED, at.GRANTED],
    ...[at.NDR, at.NDR_USED, at.NDR_LIMIT, at.NDR_CHOICE, at.NDR_SHARE_PERCENT, at.BLOCK_COUNT],
  ],
};

/** Whether blocks follow a stage's fields. */
export function hasBlocks(stage: StageName): boolean {
  return FACT_FIELDS[stage].at(-1) === at.BLOCK_COUNT;
}

const NOTHING: readonly number[] = [];
const LIMIT = [at.VERDICT_LIMIT];

const WITH_DATA: { readonly [R in Reason]?: readonly number[] } = {
  [Reason.QuotaExceeded]: [
    ...[at.VERDICT_USED, at.VERDICT_LIMIT, at.VERDICT_NEED, at.VERDICT_RESETS_AT, at.VERDICT_ACTIVATES_AT],
  ],
  [Reason.NdrShareExceeded]: [at.VERDICT_USED, at.VERDICT_LIMIT, at.VERDICT_NEED, at.VERDICT_RESETS_AT],
  [Reason.BlockPending]: [at.VERDICT_ACTIVATES_AT],
  [Reason.Braked]: [at.VERDICT_MEASURE, at.VERDICT_USED, at.VERDICT_LIMIT, at.VERDICT_RESETS_AT],
  [Reason.MessageTooBig]: LIMIT,
  [Reason.TooManyRecipients]: LIMIT,
  [Reason.TooManyHops]: LIMIT,
  [Reason.TooManyConnections]: LIMIT,
  [Reason.TooManyConnectionsFromAddress]: LIMIT,
  [Reason.TooManyFailedLogins]: [at.VERDICT_WAIT_MS],
  [Reason.SenderNoUsableRecord]: [at.VERDICT_RECORD],
};

/** In the order of a recorded decision's data. */
export function verdictFields(reason: Reason): readonly number[] {
  return WITH_DATA[reason] ?? NOTHING;
}
