/**
 * From the results of attempts to what is recorded: the recipients' new states and the events of the history.
 *
 * Pure. Recipients with the same outcome share an event.
 */
import type { AttemptEvent, NodeEvent } from "../../api/client.ts";
import type { DeliveryStatus, RecipientState } from "../envelope.ts";
import type { Outcome, QueuedMessage } from "../spool/types.ts";
import type { AttemptResult, Source, Trial } from "./attempt.ts";
import { type DsnAction, dsnActionFor } from "./dsn_duty.ts";
import { nextAttemptAt, type RetrySchedule } from "./retry.ts";

/** A result with what follows from it. */
export interface Ending extends AttemptResult {
  readonly forwardPath: string;
  readonly status: DeliveryStatus;
  /** Attempts made, this one included. */
  readonly attempts: number;
  /** Epoch ms; null where there is no next attempt. */
  readonly nextAttemptAt: number | null;
  /** The DSN that it calls for. */
  readonly dsnAction: DsnAction | null;
  /** Whether the sender was told of the delay, before or now. */
  readonly delayReported: boolean;
}

export interface Moment {
  readonly now: number;
  /** In [0, 1); the same for a whole round, so that what was deferred together comes back together. */
  readonly random: number;
  readonly schedule: RetrySchedule;
  /** Next attempts are due at the earliest (epoch ms), but for that at the warning's time and the last one. */
  readonly notBefore: number;
}

export function endingsOf(
  { envelope, recipients }: QueuedMessage,
  results: readonly AttemptResult[],
  { now, random, schedule, notBefore }: Moment,
): Ending[] {
  return results.map((result) => {
    const { recipient, dsnPassedOn } = result;
    const before = recipients[recipient];
    const attempts = (before?.attempts ?? 0) + 1;
    const deferred = result.verdict.kind === "deferred";
    const next = deferred ? nextAttemptAt(attempts, envelope.receivedAt, now, random, schedule, notBefore) : null;
    const status = statusOf(result, next);
    const dsnAction = dsnActionFor(envelope, recipient, {
      status,
      dsnPassedOn,
      ageMs: now - envelope.receivedAt,
      delayWarningMs: schedule.delayWarningMs,
      delayReported: before?.delayReported ?? false,
    });
    const delayReported = dsnAction === "delayed" || (before?.delayReported ?? false);
    const forwardPath = envelope.recipients[recipient] ?? "";
    return { ...result, forwardPath, attempts, nextAttemptAt: next, status, dsnAction, delayReported };
  });
}

function statusOf({ verdict }: AttemptResult, next: number | null): DeliveryStatus {
  switch (verdict.kind) {
    case "delivered":
      return "delivered";
    case "failed":
      return "bounced";
    case "deferred":
      return next === null ? "expired" : "queued";
  }
}

/** The record of these endings, without a DSN. */
export function outcomeOf({ envelope }: QueuedMessage, endings: readonly Ending[], now: number, newId: () => string) {
  const about = () => ({ id: newId(), messageId: envelope.id, account: envelope.account, at: now });
  const events: NodeEvent[] = passedOverIn(endings).map(({ trial, recipients, attempt }) => {
    const { at, verdict: { reply } } = trial;
    // What follows is in the next event: another host was asked at once.
    return { ...about(), at, type: "deferred", recipients, ...whereOf(trial), reply, attempt, nextAttemptAt: null };
  });
  for (const [first, ...others] of alike(endings, attemptKey)) {
    const { verdict: { reply, badAddress, byOperator }, attempts: attempt, nextAttemptAt } = first;
    const recipients = pathsOf([first, ...others]);
    const what = { reply, ...(badAddress && { badAddress }), ...(byOperator && { byOperator }) };
    events.push({ ...about(), type: typeOf(first), recipients, ...whereOf(first), ...what, attempt, nextAttemptAt });
  }
  const expired = endings.filter(({ status }) => status === "expired");
  for (const group of alike(expired, ({ verdict }) => verdict.reply)) {
    events.push({ ...about(), type: "expired", recipients: pathsOf(group), reply: group[0].verdict.reply });
  }
  const changes = endings.map((ending) => ({ recipient: ending.recipient, state: stateOf(ending, now) }));
  return { messageId: envelope.id, changes, events } satisfies Outcome;
}

/** The server that an event is about, and how it was spoken to. */
function whereOf({ host, address, tls, tlsVerdict }: Source) {
  return { host, address, tls, ...(tlsVerdict !== null && { tlsVerdict }) };
}

interface PassedOver {
  readonly trial: Trial;
  readonly attempt: number;
  readonly recipients: string[];
}

/**
 * What is told in one record of hosts without the last word; what is more is left out. That each of ten has other words
 * for each of a thousand recipients is nothing to read, and would be a record of 30 MiB.
 */
const MAX_PASSED_OVER = 200;

/** The hosts without the last word, in the order in which they were asked. */
function passedOverIn(endings: readonly Ending[]): PassedOver[] {
  const found = new Map<Trial, PassedOver[]>();
  for (const { passedOver, attempts: attempt, forwardPath } of endings) {
    for (const trial of passedOver) {
      const sharing = found.get(trial) ?? [];
      if (sharing.length === 0 && found.size === MAX_PASSED_OVER) continue;
      const same = sharing.find((each) => each.attempt === attempt);
      if (same !== undefined) same.recipients.push(forwardPath);
      else found.set(trial, [...sharing, { trial, attempt, recipients: [forwardPath] }]);
    }
  }
  return [...found.values()].flat().toSorted((one, other) => one.trial.at - other.trial.at);
}

/** A recipient that is due later, without an attempt. */
export interface PutOff {
  /** Index in the message's envelope. */
  readonly recipient: number;
  /** Epoch ms. */
  readonly dueAt: number;
}

/** Puts recipients off without an attempt: nothing of them changes but the time. */
export function postponement(
  { envelope, recipients }: QueuedMessage,
  putOff: readonly PutOff[],
): Outcome {
  const changes = putOff.map(({ recipient, dueAt }) => ({ recipient, state: { ...recipients[recipient]!, dueAt } }));
  return { messageId: envelope.id, changes, events: [] };
}

export function pathsOf(endings: readonly Ending[]): string[] {
  return endings.map(({ forwardPath }) => forwardPath);
}

function typeOf({ status }: Ending): AttemptEvent["type"] {
  // The last attempt of an expired recipient was a deferral like those before it.
  return status === "queued" || status === "expired" ? "deferred" : status;
}

function stateOf(ending: Ending, now: number): RecipientState {
  const { status, attempts, nextAttemptAt, verdict, delayReported } = ending;
  return { status, attempts, dueAt: nextAttemptAt ?? now, lastReply: verdict.reply, delayReported };
}

function attemptKey(ending: Ending): string {
  const { status, attempts, nextAttemptAt, host, address, tls, tlsVerdict, verdict } = ending;
  const { reply, badAddress } = verdict;
  return JSON.stringify([status, attempts, nextAttemptAt, host, address, tls, tlsVerdict, reply, badAddress]);
}

type Group = readonly [Ending, ...Ending[]];

/** Endings with the same key together, in the order in which the keys first occur. */
function alike(endings: readonly Ending[], keyOf: (ending: Ending) => string): Iterable<Group> {
  const [first] = endings;
  // Most messages have one recipient: nothing to compare.
  if (first !== undefined && endings.length === 1) return [[first]];
  const groups = new Map<string, [Ending, ...Ending[]]>();
  for (const ending of endings) {
    const key = keyOf(ending);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [ending]);
    else group.push(ending);
  }
  return groups.values();
}
