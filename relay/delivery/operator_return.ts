/** Recipients whose mail the operator has returned: they fail, and the sender is told as of any failure. */
import type { Outcome, QueuedMessage } from "../spool/types.ts";
import { NO_SOURCE } from "./attempt.ts";
import { dsnActionFor } from "./dsn_duty.ts";
import { ownVerdict } from "./outcome.ts";
import { type ReportContext, reportedOutcome } from "./reported_outcome.ts";
import { type Ending, outcomeOf } from "./round_outcome.ts";

/**
 * The record of it, with the DSN if one is due.
 *
 * @param places of the recipients in the message's envelope; at least one.
 * @param reason the operator's words; null: none.
 */
export function operatorReturn(
  message: QueuedMessage,
  places: readonly number[],
  reason: string | null,
  context: ReportContext,
): Outcome {
  const { now, newId, serviceName } = context;
  const words = `the operator of ${serviceName} had it returned${reason === null ? "" : `: ${reason}`}`;
  const endings = places.map((place) => endingOf(message, place, words));
  const reported = endings.filter(({ dsnAction }) => dsnAction !== null);
  const silent = outcomeOf(message, endings.filter(({ dsnAction }) => dsnAction === null), now, newId);
  if (reported.length === 0) return silent;
  const told = reportedOutcome(message, "failed", reported, context);
  return { ...told, changes: [...silent.changes, ...told.changes], events: [...silent.events, ...told.events] };
}

function endingOf({ envelope, recipients }: QueuedMessage, recipient: number, words: string): Ending {
  const { attempts, delayReported } = recipients[recipient]!;
  const circumstances = { status: "bounced", dsnPassedOn: false, ageMs: 0, delayWarningMs: 0, delayReported } as const;
  return {
    ...NO_SOURCE,
    recipient,
    forwardPath: envelope.recipients[recipient]!,
    // RFC 3463 3.1: nothing more particular is known.
    verdict: { ...ownVerdict("failed", "5.0.0", words), byOperator: true },
    passedOver: [],
    status: "bounced",
    attempts,
    nextAttemptAt: null,
    dsnAction: dsnActionFor(envelope, recipient, circumstances),
    delayReported,
  };
}
