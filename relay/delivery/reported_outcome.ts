/**
 * The record of recipients whose sender is told: their states, their events and the DSN about them.
 *
 * Pure. The DSN's own history begins with the spool's word that it was accepted, like every message's.
 */
import type { NodeEvent } from "../../api/client.ts";
import type { Outcome, QueuedMessage } from "../spool/types.ts";
import { composeDsn } from "./dsn.ts";
import type { DsnAction } from "./dsn_duty.ts";
import type { ReturnedContent } from "./returned_content.ts";
import { type Ending, outcomeOf, pathsOf } from "./round_outcome.ts";

export interface ReportContext {
  readonly serviceName: string;
  readonly now: number;
  readonly newId: () => string;
  /** What the DSN gives back of the original. */
  readonly returned: ReturnedContent;
  /** Epoch ms: when the relay gives up on the original. */
  readonly retryUntil: number;
}

/** @param endings at least one; all call for this DSN. */
export function reportedOutcome(
  message: QueuedMessage,
  action: DsnAction,
  endings: readonly Ending[],
  { now, newId, ...context }: ReportContext,
): Outcome {
  const { envelope } = message;
  const outcome = outcomeOf(message, endings, now, newId);
  const dsn = composeDsn({ ...context, id: newId(), now, original: envelope, action, endings });
  const told: NodeEvent = {
    id: newId(),
    messageId: envelope.id,
    account: envelope.account,
    at: now,
    type: "returned",
    recipients: pathsOf(endings),
    dsnId: dsn.envelope.id,
  };
  return { ...outcome, dsn, events: [...outcome.events, told] };
}
