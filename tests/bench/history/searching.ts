/** Searches the history as the API does, and reports how long that takes and by which plan. */
import type { Kysely } from "kysely";
import { listEvents } from "../../../api/store/events.ts";
import { type MessageFilter, messageSearch, searchMessages } from "../../../api/store/message_search.ts";
import { findMessage } from "../../../api/store/messages.ts";
import { listRecipients } from "../../../api/store/recipients.ts";
import type { Database } from "../../../api/store/schema.ts";
import { planOf } from "../../support/query_plan.ts";
import { spread, type Taken, timed } from "./taking.ts";

const PAGE = 100;
const ROUNDS = 15;

/** A page of messages with their recipients. @returns how many there are; one more than a page, where there is another. */
export async function searchOnce(db: Kysely<Database>, filter: MessageFilter): Promise<number> {
  const rows = await searchMessages(db, filter, PAGE + 1);
  await listRecipients(db, rows.map(({ id }) => id));
  return rows.length;
}

export async function search(db: Kysely<Database>, name: string, filter: MessageFilter): Promise<void> {
  const found = await searchOnce(db, filter);
  console.log(`${name}: ${spread(await rounds(() => searchOnce(db, filter)))} (${found} found)`);
  for (const step of await planOf(db, messageSearch(db, filter, PAGE + 1))) console.log(`    ${step}`);
}

/** One message's history. */
export async function look(db: Kysely<Database>, id: string): Promise<void> {
  const taken = await rounds(() => Promise.all([findMessage(db, id), listRecipients(db, [id]), listEvents(db, id)]));
  console.log(`one message's history: ${spread(taken)}`);
}

async function rounds(work: () => Promise<unknown>): Promise<Taken[]> {
  const taken: Taken[] = [];
  for (let round = 0; round < ROUNDS; round++) taken.push(await timed(work));
  return taken;
}
