/**
 * Facts that the policy's tests start from: everything in order, one block, nothing used. Each test changes what it is
 * about.
 */
import type {
  AccountFacts,
  DomainFacts,
  MailFacts,
  MessageFacts,
  QuotaFacts,
  RecipientFacts,
} from "../../policy/mod.ts";
import { defaultParameters, ModulePolicy, ownModule } from "../../policy/mod.ts";

export const policy = new ModulePolicy(ownModule(), defaultParameters);

export const MINUTE = 60_000;
export const NOON = Date.UTC(2026, 10, 23, 12);
export const MIDNIGHT = Date.UTC(2026, 10, 24);
/** The size limit of the default parameters. */
export const MAX_SIZE = 52_428_800;

export const usable: DomainFacts = { existence: "exists", mx: "usable", address: "absent" };

export const account: AccountFacts = {
  status: "active",
  day: "2026-11-23",
  used: 0,
  blocks: [{ quantity: 1, activatesAt: NOON - 15 * MINUTE }],
  ndr: { choice: "count", sharePercent: null },
  today: { recipients: 0, outcomes: 0, refused: 0 },
  habit: { days: 0, relays: 0, recipients: 0, refusedPercent: 0 },
  brakeReleasedUntil: null,
};

export const mailFacts: MailFacts = { now: NOON, account, sizeBytes: 0, sender: usable, ownership: "own" };
export const recipientFacts: RecipientFacts = {
  now: NOON,
  account,
  sizeBytes: 0,
  recipients: 0,
  suppressed: false,
  domain: usable,
};
export const messageFacts: MessageFacts = {
  sizeBytes: 1,
  bareLineEndings: false,
  headerTooLong: false,
  receivedFields: 0,
  fromFields: 1,
  fromTooLong: false,
  nullReversePath: false,
  reportType: "none",
  autoSubmitted: "no",
  failedRecipientsField: false,
  ndrChoice: "count",
};
export const quotaFacts: QuotaFacts = {
  now: NOON,
  account,
  granted: false,
  used: 150,
  limit: 150,
  need: 1,
  ndr: null,
};
