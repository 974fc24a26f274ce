/** What becomes of recipients by the operator's order: the record of it, but for bounces. Pure. */
import type { OperatorEvent } from "../../api/client.ts";
import type { RecipientState } from "../envelope.ts";
import type { Outcome, QueuedMessage } from "../spool/types.ts";

export type Action = "retry" | "hold" | "release" | "delete";

export interface Occasion {
  /** Epoch ms. */
  readonly now: number;
  readonly newId: () => string;
  /** The operator's words; null: none. */
  readonly reason: string | null;
}

/** An attempt that is brought forward is no event: it will be one. */
const EVENTS: Readonly<Record<Action, OperatorEvent["type"] | null>> = {
  retry: null,
  hold: "held",
  release: "released",
  delete: "deleted",
};

/** @param places of the recipients in the message's envelope; at least one. */
export function outcomeOfAction(
  action: Action,
  { envelope, recipients }: QueuedMessage,
  places: readonly number[],
  { now, newId, reason }: Occasion,
): Outcome {
  const { id: messageId, account } = envelope;
  const changes = places.map((recipient) => ({ recipient, state: stateAfter(action, recipients[recipient]!, now) }));
  const type = EVENTS[action];
  if (type === null) return { messageId, changes, events: [] };
  const addresses = places.map((place) => envelope.recipients[place]!);
  return {
    messageId,
    changes,
    events: [{ id: newId(), messageId, account, at: now, type, recipients: addresses, reason }],
  };
}

function stateAfter(action: Action, state: RecipientState, now: number): RecipientState {
  switch (action) {
    case "retry":
    case "release":
      return { ...state, status: "queued", dueAt: now };
    case "hold":
      return { ...state, status: "held" };
    case "delete":
      return { ...state, status: "deleted" };
  }
}
