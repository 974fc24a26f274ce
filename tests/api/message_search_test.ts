/** The search of the history: what it finds, and that no plan reads a table from end to end. */
import { assertEquals } from "@std/assert";
import { type Kysely, sql } from "kysely";
import type { AcceptedEvent } from "../../api/client.ts";
import { recordEvents } from "../../api/history.ts";
import { openDatabase } from "../../api/store/database.ts";
import { type MessageFilter, messageSearch, searchMessages } from "../../api/store/message_search.ts";
import type { Database, MessageStatus } from "../../api/store/schema.ts";
import { historySearches } from "../support/history_searches.ts";
import { MailHistory } from "../support/mail_history.ts";
import { isPostgres, planOf } from "../support/query_plan.ts";
import { accepted, N1 } from "./history_events.ts";
import { NOON } from "./control_plane.ts";
import { newDatabase } from "./database.ts";

const MESSAGES = 3000;
const PAGE = 100;

/** Of a table, or of an index, from end to end: as SQLite says it, and as PostgreSQL does. */
const SCAN = /^SCAN|Seq Scan/;

/** Whether a message fits, the plain way. */
function fits(message: AcceptedEvent, status: MessageStatus, filter: MessageFilter): boolean {
  const { account, since = 0, until = Infinity, sender, recipient, messageIdField, behind } = filter;
  const same = (one: string | undefined, other: string) =>
    one === undefined || one.toLowerCase() === other.toLowerCase();
  return (account ?? message.account) === message.account && message.at >= since && message.at < until &&
    same(sender, message.sender) && (recipient === undefined || message.recipients.some((to) => same(recipient, to))) &&
    (messageIdField ?? message.messageIdField) === message.messageIdField &&
    (filter.status ?? status) === status &&
    (behind === undefined || message.at < behind.receivedAt ||
      (message.at === behind.receivedAt && message.messageId < behind.id));
}

Deno.test("messages: each search finds what fits, the newest first, and is led by an index to it", async (t) => {
  await using place = await newDatabase();
  await using database = await openDatabase(place.location);
  const { db } = database;
  const history = new MailHistory({ seed: 1, messages: MESSAGES, from: NOON, days: 20 });
  const messages: AcceptedEvent[] = [];
  for (const batch of history.batches(256)) {
    for (const event of batch) if (event.type === "accepted") messages.unshift(event);
    await recordEvents(db, N1, batch);
  }
  const statuses = new Map(
    (await db.selectFrom("message").select(["id", "status"]).execute()).map(({ id, status }) => [id, status]),
  );
  for (const [name, filter] of historySearches(history)) {
    await t.step(name, async () => {
      const found = await searchMessages(db, filter, PAGE);
      const expected = messages.filter((each) => fits(each, statuses.get(each.messageId)!, filter)).slice(0, PAGE);
      assertEquals(found.map(({ id }) => id), expected.map(({ messageId }) => messageId));
      const scans = (await planForMany(db, filter)).filter((step) => SCAN.test(step));
      // Where nothing narrows the search, the newest are read in their order until the page is full.
      const isAnything = Object.keys(filter).length === 0 || filter.status === "delivered";
      assertEquals(scans.filter((step) => !isAnything || !step.endsWith("INDEX message_by_time")), []);
    });
  }
});

/**
 * The plan for tables of millions, of which tests/bench/history.ts tells more: PostgreSQL would read these few rows from
 * end to end, so it is told not to where it can help it.
 */
const planForMany = (db: Kysely<Database>, filter: MessageFilter): Promise<string[]> =>
  db.connection().execute(async (connection) => {
    if (isPostgres(connection)) await sql`set enable_seqscan = off`.execute(connection);
    return await planOf(connection, messageSearch(connection, filter, PAGE));
  });

Deno.test("messages: one that names a recipient twice is found once", async () => {
  await using place = await newDatabase();
  await using database = await openDatabase(place.location);
  const { db } = database;
  await recordEvents(db, N1, [accepted("m1", ["bob@example.net", "Bob@example.net"])]);
  const found = await searchMessages(db, { recipient: "BOB@example.net", status: "queued" }, PAGE);
  assertEquals(found.map(({ id }) => id), ["m1"]);
});
