/** Lists that the API gives page by page, put together again. */
import type { Answer } from "./api.ts";

/** A list as the API sends it; `next` is the cursor of the page behind it. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

/** All pages as one, in the API's own form; the first refusal ends it. */
export async function everyPage<Item>(
  fetchPage: (cursor: string | undefined) => Promise<Answer<Page<Item>>>,
): Promise<Answer<Page<Item>>> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const answer = await fetchPage(cursor);
    if (!answer.ok) return answer;
    items.push(...answer.body.items);
    cursor = answer.body.next ?? undefined;
  } while (cursor !== undefined);
  const body = { items, next: null };
  return { ok: true, body, json: JSON.stringify(body) };
}
