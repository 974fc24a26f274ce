/**
 * Question: how fast are the searches of the history, what does it cost to take events in, on an empty and on a full
 * database, and what do those events and searches feel of pruning?
 * Unit: ms for a page of 100 messages with their recipients, warm: median and maximum of the rounds; events a second;
 * ms for a batch of 256 events. Beside each, the mean of this process's time on the processor (with PostgreSQL, the
 * server's comes on top): on a machine that others use, that counts.
 * Workload: messages of 200 accounts over 60 days, about 2.55 events each; then each search, with
 * its plan; then batches one after another, alone and while some of the messages are pruned and searches made. The first
 * and the last events of the fill come in batches as nodes send them, each durable before the next; all between are
 * written in bulk, as the rows that are left of them in the end.
 * Machine: it says which. PostgreSQL is as it is by default (fsync, 128 MB of shared buffers), statistics and vacuum
 * are those of autovacuum.
 *
 *     deno run -A tests/bench/history.ts [sqlite | postgres | a file | postgres://…] [messages, 1000000 unless told]
 *
 * A database of its own is removed at the end. One that is named is kept, and asked as it is the next time.
 */
import { delay } from "@std/async/delay.js";
import { openDatabase } from "../../api/store/database.ts";
import { historySearches } from "../support/history_searches.ts";
import { MailHistory } from "../support/mail_history.ts";
import { askBesidePruning } from "./history/beside_pruning.ts";
import { BulkWriter } from "./history/bulk.ts";
import { landmarksOf } from "./history/landmarks.ts";
import { benchLocation, sizeOf } from "./history/location.ts";
import { BATCH, report, take, type Taken } from "./history/taking.ts";
import { look, search } from "./history/searching.ts";
import { describeMachine } from "./watched_relay.ts";

const DAYS = 60;
const FROM = Date.parse("2026-09-24T00:00:00Z");
/** Batches of the first and of the last part of the fill, for which the rate is stated. */
const PART = 400;
const EVENTS_OF_MESSAGE = 2.551;

const where = Deno.args[0] ?? "sqlite", messages = Number(Deno.args[1] ?? 1_000_000);
await using location = await benchLocation(where);
await using database = await openDatabase(location.location);
const { db } = database;
console.log(`${describeMachine()}, load ${Deno.loadavg()[0]!.toFixed(1)}; ${location.words}; ${messages} messages`);
if (await db.selectFrom("message").select("id").limit(1).executeTakeFirst() === undefined) await fill();
console.log(`database: ${(await sizeOf(db) / 2 ** 20).toFixed(0)} MiB`);
const landmarks = await landmarksOf(db, FROM, DAYS);
const searches = historySearches(landmarks);
for (const [name, filter] of searches) await search(db, name, filter);
await look(db, landmarks.middle.messageId);
await askBesidePruning(database, { from: FROM, days: DAYS, messages, searches });

async function fill(): Promise<void> {
  const begun = performance.now(), first: Taken[] = [], last: Taken[] = [];
  const lastBatches = Math.floor(messages * EVENTS_OF_MESSAGE / BATCH) - PART;
  const bulk = new BulkWriter(db);
  let events = 0, batches = 0;
  for (const batch of new MailHistory({ seed: 1, messages, from: FROM, days: DAYS }).batches(BATCH)) {
    batches++;
    events += batch.length;
    if (batches <= PART) first.push(await take(database, batch));
    else if (batches < lastBatches) await take(database, await bulk.add(batch));
    else {
      if (batches === lastBatches) await bulk.end();
      last.push(await take(database, batch));
    }
    if (batches % 4096 === 0) console.error(`${events} events, ${seconds(begun)} s`);
    await delay(0);
  }
  console.log(`events: ${events}, in ${seconds(begun)} s`);
  report("a batch, empty database", first);
  report("a batch, full database", last);
}

function seconds(begun: number): string {
  return ((performance.now() - begun) / 1000).toFixed(0);
}
