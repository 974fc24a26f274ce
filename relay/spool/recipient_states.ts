/** What is computed from the states of a message's recipients. Pure. */
import type { Envelope, RecipientState } from "../envelope.ts";
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

/** When the message is due (epoch ms): at its earliest queued recipient. Undefined when it has ended. */
export function earliestDue(states: readonly RecipientState[]): number | undefined {
  let earliest: number | undefined;
  for (const { status, dueAt } of states) {
    if (status === "queued" && (earliest === undefined || dueAt < earliest)) earliest = dueAt;
  }
  return earliest;
}
