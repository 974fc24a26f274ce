/**
 * The record of recipients that ended without delivery: their states, their events and the DSN about them.
 *
 * Pure. The DSN's own history begins with the spool's word that it was accepted, like every message's.
 */
import type { NodeEvent } from "../../api/client.ts";
import type { Outcome, QueuedMessage } from "../spool/types.ts";
import { composeDsn } from "./dsn.ts";
import { type Ending, outcomeOf, pathsOf } from "./round_outcome.ts";

export interface FailureContext {
  readonly serviceName: string;
  readonly now: number;
  readonly newId: () => string;
  /** The original's header fields, bounded, each line ending in CRLF; empty where they could not be read. */
  readonly header: Uint8Array;
}

/** RFC 5321 4.5.5, RFC 3464 2: a message from the null reverse path is never reported on. */
export function isReturnable(message: QueuedMessage): boolean {
  return message.envelope.reversePath !== "";
}

export function failureOutcome(message: QueuedMessage, failed: readonly Ending[], context: FailureContext): Outcome {
  const { now, newId, serviceName, header } = context;
  const { envelope } = message;
  const outcome = outcomeOf(message, failed, now, newId);
  if (!isReturnable(message)) return outcome;
  const dsn = composeDsn({ id: newId(), serviceName, now, original: envelope, header, failed });
  const returned: NodeEvent = {
    id: newId(),
    messageId: envelope.id,
    account: envelope.account,
    at: now,
    type: "returned",
    recipients: pathsOf(failed),
    dsnId: dsn.envelope.id,
  };
  return { ...outcome, dsn, events: [...outcome.events, returned] };
}
