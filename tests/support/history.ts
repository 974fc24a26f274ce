/** What became of a message, as the API tells it. */
import type { z } from "zod";
import type { historySchema } from "../../api/routes/message_schema.ts";
import { eventually, type RelayProcess } from "./relay_process.ts";

export type History = z.infer<typeof historySchema>;
export type HistoryEvent = History["events"][number];

/** Waits until no recipient of the message is waited for any more, and those who failed were reported on. */
export function endOf(relay: RelayProcess, id: string): Promise<History> {
  return eventually(async () => {
    const { status, body } = await relay.api<History>("GET", `/messages/${id}`);
    if (status !== 200 || body.recipients.some((recipient) => /^(queued|deferred)$/.test(recipient.status))) return;
    const failed = body.recipients.filter((recipient) => recipient.status !== "delivered");
    const reported = eventsOf(body, "returned").flatMap(({ recipients }) => recipients);
    // The null reverse path is never answered.
    return body.sender === "" || failed.every(({ address }) => reported.includes(address)) ? body : undefined;
  }, `the end of message ${id}`);
}

export function eventsOf(history: History, type: HistoryEvent["type"]): HistoryEvent[] {
  return history.events.filter((event) => event.type === type);
}

/** The one event of this type about this recipient. @throws {Error} there is none, or more than one */
export function eventAbout(history: History, type: HistoryEvent["type"], recipient: string): HistoryEvent {
  const [event, ...more] = eventsOf(history, type).filter(({ recipients }) => recipients.includes(recipient));
  if (event !== undefined && more.length === 0) return event;
  throw new Error(`expected one event "${type}" about ${recipient}:\n${JSON.stringify(history, null, 2)}`);
}
