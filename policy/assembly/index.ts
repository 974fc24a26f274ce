/**
 * The rulebook's entry points (policy/ABI.md), and its table of contents: which rules decide at which stage, in which
 * order. Each rule reads parameters and facts from memory (layout.ts); the first refusal wins, and its data lie in
 * memory.
 *
 * No imports, no clock, no randomness, no allocation: the same memory gives the same verdict on every machine.
 */
import { authentication, standing } from "./account.ts";
import { brake } from "./brake.ts";
import { cap } from "./cap.ts";
import { connectionsFromAddress, openConnections } from "./connection.ts";
import { ABI_VERSION } from "./layout.ts";
import { fromFields, fromLength, headerLength, hops, lineEndings, recipientCount, size } from "./limits.ts";
import { credentials, failedLogins } from "./login.ts";
import { ndr, ndrCap, nonDeliveryReport } from "./ndr.ts";
import { domainOwnership } from "./ownership.ts";
import { price } from "./price.ts";
import { relays, reservation } from "./quota.ts";
import { Reason } from "./reason.ts";
import { recipientDomain, suppression } from "./recipient.ts";
import { Rule } from "./rule.ts";
import { senderDomain } from "./sender.ts";
import { Stage } from "./stage.ts";

export { cap, ndr, ndrCap, price };

/** Which version of the ABI this module keeps. */
export function abi(): i32 {
  return ABI_VERSION;
}

/** Where the shared memory begins. */
export function base(): i32 {
  return 0;
}

/** The verdict's reason. */
export function decide(stage: Stage): Reason {
  let rule = ruleAt(stage, 0);
  for (let n = 1; rule !== Rule.None; n++) {
    const reason = judge(rule);
    if (reason !== Reason.Accepted) return reason;
    rule = ruleAt(stage, n);
  }
  return Reason.Accepted;
}

/** The rule at place `n` of a stage, from 0; None behind the last. */
export function ruleAt(stage: Stage, n: i32): Rule {
  switch (stage) {
    case Stage.Connection:
      return connection(n);
    case Stage.Login:
      return login(n);
    case Stage.Mail:
      return mail(n);
    case Stage.Recipient:
      return recipient(n);
    case Stage.Message:
      return message(n);
    case Stage.Author:
      return n === 0 ? Rule.DomainOwnership : Rule.None;
    case Stage.Quota:
      return quota(n);
    default:
      return Rule.None;
  }
}

function connection(n: i32): Rule {
  switch (n) {
    case 0:
      return Rule.OpenConnections;
    case 1:
      return Rule.ConnectionsFromAddress;
    default:
      return Rule.None;
  }
}

function login(n: i32): Rule {
  switch (n) {
    case 0:
      return Rule.FailedLogins;
    case 1:
      return Rule.Credentials;
    default:
      return Rule.None;
  }
}

function mail(n: i32): Rule {
  switch (n) {
    case 0:
      return Rule.Authentication;
    case 1:
      return Rule.Size;
    case 2:
      return Rule.Standing;
    case 3:
      return Rule.Relays;
    case 4:
      return Rule.Brake;
    case 5:
      return Rule.DomainOwnership;
    case 6:
      return Rule.SenderDomain;
    default:
      return Rule.None;
  }
}

function recipient(n: i32): Rule {
  switch (n) {
    case 0:
      return Rule.Authentication;
    case 1:
      return Rule.RecipientCount;
    case 2:
      return Rule.Standing;
    case 3:
      return Rule.Relays;
    case 4:
      return Rule.Brake;
    case 5:
      return Rule.RecipientDomain;
    case 6:
      return Rule.Suppression;
    default:
      return Rule.None;
  }
}

function message(n: i32): Rule {
  switch (n) {
    case 0:
      return Rule.Size;
    case 1:
      return Rule.LineEndings;
    case 2:
      return Rule.HeaderLength;
    case 3:
      return Rule.Hops;
    case 4:
      return Rule.FromFields;
    case 5:
      return Rule.FromLength;
    case 6:
      return Rule.NonDeliveryReport;
    default:
      return Rule.None;
  }
}

function quota(n: i32): Rule {
  switch (n) {
    case 0:
      return Rule.Authentication;
    case 1:
      return Rule.Reservation;
    default:
      return Rule.None;
  }
}

/** What one rule says for itself. */
export function judge(rule: Rule): Reason {
  switch (rule) {
    case Rule.OpenConnections:
      return openConnections();
    case Rule.ConnectionsFromAddress:
      return connectionsFromAddress();
    case Rule.FailedLogins:
      return failedLogins();
    case Rule.Credentials:
      return credentials();
    case Rule.Authentication:
      return authentication();
    case Rule.Standing:
      return standing();
    case Rule.Relays:
      return relays();
    case Rule.Brake:
      return brake();
    case Rule.Reservation:
      return reservation();
    case Rule.SenderDomain:
      return senderDomain();
    case Rule.DomainOwnership:
      return domainOwnership();
    case Rule.RecipientDomain:
      return recipientDomain();
    case Rule.Suppression:
      return suppression();
    case Rule.Size:
      return size();
    case Rule.RecipientCount:
      return recipientCount();
    case Rule.LineEndings:
      return lineEndings();
    case Rule.HeaderLength:
      return headerLength();
    case Rule.Hops:
      return hops();
    case Rule.FromFields:
      return fromFields();
    case Rule.FromLength:
      return fromLength();
    case Rule.NonDeliveryReport:
      return nonDeliveryReport();
    default:
      return Reason.Accepted;
  }
}
