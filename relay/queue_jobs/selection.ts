/** Which recipients of a queued message an operator means. Pure. */
import type { QueueSelection, QueueWork } from "../../api/client.ts";
import type { RecipientStatus } from "../envelope.ts";
import type { QueueEntry } from "../spool/entries.ts";
import type { QueuedMessage } from "../spool/types.ts";

/** Recipients that a work is about, by how they stand: what is not there is as it should be already. */
const CONCERNED: Readonly<Record<QueueWork, readonly RecipientStatus[]>> = {
  summary: ["queued", "held"],
  list: ["queued", "held"],
  retry: ["queued"],
  hold: ["queued"],
  release: ["held"],
  bounce: ["queued", "held"],
  delete: ["queued", "held"],
};

/**
 * By what the index knows: places in the entry's recipients, none where nothing is meant.
 *
 * @param orderedAt what was accepted then or later is not meant by a work that changes something.
 */
export function meantOf(work: QueueWork, select: QueueSelection, entry: QueueEntry, orderedAt: number): number[] {
  const { ids, account, domain, receivedBefore, status } = select;
  if (entry.damaged || (work !== "summary" && work !== "list" && entry.receivedAt >= orderedAt)) return [];
  if (ids !== undefined && !ids.includes(entry.id)) return [];
  if (account !== undefined && account !== entry.account) return [];
  if (receivedBefore !== undefined && entry.receivedAt >= receivedBefore) return [];
  return placesOf(entry.recipients, (state, place) =>
    CONCERNED[work].includes(state.status) &&
    (status === undefined || status === state.status) &&
    (domain === undefined || domain.toLowerCase() === entry.domains[place]));
}

/** Whether the index does not know all that is asked for, so that the envelope has to be read. */
export function needsEnvelope({ sender, recipient }: QueueSelection): boolean {
  return sender !== undefined || recipient !== undefined;
}

/** By what the envelope says. */
export function meantByEnvelope({ sender, recipient }: QueueSelection, { envelope }: Pick<QueuedMessage, "envelope">) {
  const { reversePath, recipients } = envelope;
  if (sender !== undefined && sender.toLowerCase() !== reversePath.toLowerCase()) return [];
  return placesOf(recipients, (path) => recipient === undefined || recipient.toLowerCase() === path.toLowerCase());
}

function placesOf<T>(items: readonly T[], wanted: (item: T, place: number) => boolean): number[] {
  return items.flatMap((item, place) => wanted(item, place) ? [place] : []);
}
