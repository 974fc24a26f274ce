/**
 * Recipients that nothing is sent to, as the account has chosen at RCPT: they end at once, each with an event that says
 * why, and without a DSN. Pure.
 */
import type { SkippedEvent } from "../../api/client.ts";
import type { Envelope } from "../envelope.ts";
import type { Outcome, QueuedMessage } from "../spool/types.ts";

export function isSkipped({ skipped }: Envelope, recipient: number): boolean {
  return (skipped?.[recipient] ?? null) !== null;
}

/** What is recorded of them; null where there are none left. */
export function skippedOutcome(message: QueuedMessage, now: number, newId: () => string) {
  const { envelope: { id: messageId, account, recipients, skipped } } = message;
  const events: SkippedEvent[] = [];
  const changes = message.recipients.flatMap((state, recipient) => {
    const reply = skipped?.[recipient] ?? null;
    if (reply === null || state.status !== "queued") return [];
    events.push({
      id: newId(),
      messageId,
      account,
      at: now,
      type: "skipped",
      recipients: [recipients[recipient]!],
      reply,
    });
    return [{ recipient, state: { ...state, status: "skipped" as const, lastReply: reply } }];
  });
  return changes.length === 0 ? null : { messageId, changes, events } satisfies Outcome;
}
