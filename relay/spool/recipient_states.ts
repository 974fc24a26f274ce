/** What is computed from the states of a message's recipients. Pure. */
import type { Envelope, RecipientState, RecipientStatus } from "../envelope.ts";
import type { RecipientChange } from "./record.ts";

/** The states of a message that was just accepted: each recipient is due. */
export function initialStates(envelope: Envelope): RecipientState[] {
  const dueAt = envelope.receivedAt;
  return envelope.recipients.map(() => ({
    status: "queued",
    attempts: 0,
    dueAt,
    lastReply: null,
    delayReported: false,
  }));
}

export function applyChanges(
  states: readonly RecipientState[],
  changes: readonly RecipientChange[],
): RecipientState[] {
  const changed = [...states];
  for (const { recipient, state } of changes) changed[recipient] = state;
  return changed;
}

/** When a message is due that waits for nothing but the operator: at the latest instant there is (ECMA-262 21.4.1.1). */
const NEVER = 8.64e15;

/**
 * When the message is due (epoch ms): at its earliest queued recipient; beyond all time where the others are held.
 * Undefined when it has ended.
 */
export function earliestDue(states: readonly RecipientState[]): number | undefined {
  let earliest: number | undefined;
  for (const { status, dueAt } of states) {
    if (!hasEnded(status)) earliest = Math.min(earliest ?? NEVER, status === "held" ? NEVER : dueAt);
  }
  return earliest;
}

/** Whether nothing will happen to the recipient any more. */
export function hasEnded(status: RecipientStatus): boolean {
  return status !== "queued" && status !== "held";
}
