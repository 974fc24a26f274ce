/**
 * What is in the spool, for those who look at all of it: page after page, so that neither memory nor the event loop has
 * to bear a long queue at once. The content is not read.
 */
import type { RecipientState } from "../envelope.ts";
import { indexFacts } from "./index_row.ts";
import type { IndexRow, IndexStore } from "./index_store.ts";
import type { LoadedMessages } from "./loaded.ts";
import { earliestDue } from "./recipient_states.ts";

/** A message that has not ended. */
export interface QueueEntry extends Pick<IndexRow, "id" | "account" | "receivedAt" | "domains"> {
  readonly recipients: readonly RecipientState[];
  /** It was set aside, for it cannot be read any more; recipients that are not known are left out. */
  readonly damaged: boolean;
}

/** Rows and recipients read in one go: at some µs each, a few milliseconds of the thread. */
const PAGE = 500, PAGE_RECIPIENTS = 2000;

/**
 * Each message once, but for those that come or end meanwhile. Those that are in memory only come first; where a
 * message is in both, memory knows better.
 */
export async function* entries(
  loaded: LoadedMessages,
  index: Pick<IndexStore, "behind">,
): AsyncGenerator<QueueEntry[]> {
  const inMemory = [...loaded.values()].filter(({ recipients }) => earliestDue(recipients) !== undefined);
  const given = new Set(inMemory.map(({ envelope: { id } }) => id));
  for (let at = 0; at < inMemory.length; at += PAGE) {
    yield inMemory.slice(at, at + PAGE).map(({ envelope, recipients }) => (
      { ...indexFacts(envelope), recipients, damaged: false }
    ));
  }
  let last: string | undefined = "";
  while (last !== undefined) {
    await new Promise((resolve) => setTimeout(resolve));
    const rows = index.behind(last, PAGE, PAGE_RECIPIENTS);
    yield rows.filter(({ id }) => !given.has(id))
      .map((row) => ({ ...row, damaged: row.damaged || isSetAside(row, loaded) }));
    last = rows.at(-1)?.id;
  }
}

/** Nobody looks for it, though nobody has it in hand. */
function isSetAside({ id, dueAt }: IndexRow, loaded: LoadedMessages): boolean {
  return dueAt === null && loaded.get(id) === undefined;
}
