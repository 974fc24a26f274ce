/** Queued messages as a list tells of them. Pure; bounded in size, whatever they hold. */
import type { QueuedMessageFacts } from "../../api/client.ts";
import type { QueueEntry } from "../spool/entries.ts";
import { indexFacts } from "../spool/index_row.ts";
import { hasEnded } from "../spool/recipient_states.ts";
import type { SeenMessage } from "../spool/spool.ts";

/** Recipients of one message in a list of many; one that is asked for by its id has more. */
const MAX_LISTED_RECIPIENTS = 10;
/** Recipients in a whole list: at about 1 KiB each, far below what one report may hold. */
const MAX_RECIPIENTS = 4000;
/** Characters of a server's words. */
const MAX_REPLY = 500;

export function entryOf({ envelope, recipients }: Pick<SeenMessage, "envelope" | "recipients">): QueueEntry {
  return { ...indexFacts(envelope), recipients, damaged: false };
}

/** @param whole whether they were asked for by their ids. */
export function listed(messages: readonly SeenMessage[], whole: boolean): QueuedMessageFacts[] {
  let room = MAX_RECIPIENTS;
  return messages.map((message) => {
    const facts = factsOf(message, Math.min(room, whole ? MAX_RECIPIENTS : MAX_LISTED_RECIPIENTS));
    room -= facts.recipients.length;
    return facts;
  });
}

/** @param most recipients, those first of which something is still to come. */
function factsOf({ envelope, recipients, taken }: SeenMessage, most: number): QueuedMessageFacts {
  const { id, account, reversePath: sender, receivedAt, sizeBytes } = envelope;
  const all = recipients.map(({ status, attempts, dueAt, lastReply }, place) => ({
    address: envelope.recipients[place]!,
    status,
    attempts,
    nextAttemptAt: status === "queued" ? dueAt : null,
    lastReply: lastReply?.slice(0, MAX_REPLY) ?? null,
  }));
  const open = all.filter(({ status }) => !hasEnded(status)), ended = all.filter(({ status }) => hasEnded(status));
  return {
    ...{ id, account, sender, receivedAt, sizeBytes },
    inDelivery: taken,
    recipients: [...open, ...ended].slice(0, most),
  };
}
