/**
 * Question: how fast are the searches of the history, what does it cost to take events in, on an empty and on a full
 * database, and what do those events feel of pruning?
 * Unit: ms for a page of 100 messages with their recipients, warm: median and maximum of the rounds; events a second;
 * ms for a batch of 256 events. Beside each, the mean of the processor's time: on a machine that others use, that counts.
 * Workload: messages of 200 accounts over 60 days, about three events each, through recordEvents, in a SQLite file;
 * then each search, with its plan; then batches one after another, alone and while a fiftieth of the messages is pruned.
 * Machine: it says which.
 *
 *     deno run -A tests/bench/history.ts [messages, 1000000 unless told otherwise] [directory]
 */
import process from "node:process";
import { join } from "@std/path";
import { delay } from "@std/async/delay.js";
import type { NodeEvent } from "../../api/client.ts";
import { recordEvents } from "../../api/history.ts";
import { prune } from "../../api/pruning.ts";
import { type ControlDatabase, openDatabase } from "../../api/store/database.ts";
import { type MessageFilter, messageSearch, searchMessages } from "../../api/store/message_search.ts";
import { findMessage } from "../../api/store/messages.ts";
import { listEvents } from "../../api/store/events.ts";
import { listRecipients } from "../../api/store/recipients.ts";
import { planOf } from "../support/query_plan.ts";
import { historySearches } from "../support/history_searches.ts";
import { MailHistory } from "../support/mail_history.ts";
import { describeMachine, quantile } from "./watched_relay.ts";

const DAY_MS = 86_400_000;
const DAYS = 60;
const BATCH = 256;
const PAGE = 100;
const ROUNDS = 15;
/** Batches of the first and of the last part of the fill, for which the rate is stated. */
const PART = 400;
/** Batches of each phase of the last question. */
const PRUNE_BATCHES = 200;
const PRUNED_SHARE = 0.02;
/** As the process has it between two steps. */
const PAUSE_MS = 8;
/** More than are taken in while others are pruned. */
const FRESH = 1_000_000;

const messages = Number(Deno.args[0] ?? 1_000_000);
const directory = await Deno.makeTempDir({ dir: Deno.args[1], prefix: "mailhop-history-" });
const path = join(directory, "control.db");
const from = Date.parse("2026-09-24T00:00:00Z");

console.log(`${describeMachine()}; ${messages} messages`);
try {
  await using database = await openDatabase(path);
  const history = new MailHistory({ seed: 1, messages, from, days: DAYS });
  await fill(database, history);
  console.log(`database: ${((await Deno.stat(path)).size / 2 ** 20).toFixed(0)} MiB`);
  for (const [name, filter] of historySearches(history)) await search(database, name, filter);
  await look(database, history.middle!.messageId);
  await pruneBeside(database);
} finally {
  await Deno.remove(directory, { recursive: true });
}

/** What a batch took, in ms. */
interface Taken {
  readonly ms: number;
  readonly cpu: number;
}

/** As node_events.ts does: the batch is durable when it is answered. */
async function take({ db, sync }: ControlDatabase, batch: readonly NodeEvent[]): Promise<Taken> {
  const begun = performance.now(), cpuBefore = cpuMs();
  await recordEvents(db, "n1", batch);
  await sync();
  return { ms: performance.now() - begun, cpu: cpuMs() - cpuBefore };
}

async function fill(database: ControlDatabase, history: MailHistory): Promise<void> {
  const taken: Taken[] = [];
  let events = 0;
  for (const batch of history.batches(BATCH)) {
    taken.push(await take(database, batch));
    events += batch.length;
    if (taken.length % 16 === 0) await delay(0);
    if (taken.length % 2000 === 0) console.error(`${events} events`);
  }
  console.log(`events: ${events}`);
  report("a batch, empty database", taken.slice(0, PART));
  report("a batch, full database", taken.slice(-PART));
}

/** Of this process so far. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function report(what: string, batches: readonly Taken[]): void {
  const ms = batches.map(({ ms }) => ms), cpu = batches.reduce((sum, { cpu }) => sum + cpu, 0) / batches.length;
  const [median, p99, most] = [0.5, 0.99, 1].map((part) => quantile(ms, part).toFixed(1));
  const rate = (BATCH * ms.length * 1000) / ms.reduce((sum, each) => sum + each, 0);
  console.log(`${what}: ${median} ms, p99 ${p99}, max ${most}, CPU ${cpu.toFixed(1)}; ${rate.toFixed(0)} events/s`);
}

async function search({ db }: ControlDatabase, name: string, filter: MessageFilter): Promise<void> {
  const once = async () => {
    const rows = await searchMessages(db, filter, PAGE + 1);
    await listRecipients(db, rows.map(({ id }) => id));
    return rows.length;
  };
  const found = await once();
  const ms: number[] = [], cpuBefore = cpuMs();
  for (let round = 0; round < ROUNDS; round++) {
    const begun = performance.now();
    await once();
    ms.push(performance.now() - begun);
  }
  const cpu = ((cpuMs() - cpuBefore) / ROUNDS).toFixed(2);
  const [median, most] = [0.5, 1].map((part) => quantile(ms, part).toFixed(2));
  console.log(`${name}: ${median} ms, max ${most}, CPU ${cpu} (${found} found)`);
  for (const step of await planOf(db, messageSearch(db, filter, PAGE + 1))) console.log(`    ${step}`);
}

async function look({ db }: ControlDatabase, id: string): Promise<void> {
  const ms: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const begun = performance.now();
    await findMessage(db, id);
    await listRecipients(db, [id]);
    await listEvents(db, id);
    ms.push(performance.now() - begun);
  }
  console.log(`one message's history: ${quantile(ms, 0.5).toFixed(2)} ms, max ${quantile(ms, 1).toFixed(2)}`);
}

async function pruneBeside(database: ControlDatabase): Promise<void> {
  const { db } = database;
  const fresh = new MailHistory({ seed: 2, messages: FRESH, from: from + DAYS * DAY_MS, days: DAYS }).batches(BATCH);
  const takeSome = async () => {
    const ms: Taken[] = [];
    while (ms.length < PRUNE_BATCHES) {
      ms.push(await take(database, fresh.next().value!));
      // A node's next call comes by the event loop.
      await delay(0);
    }
    return ms;
  };
  report("a batch, without pruning", await takeSome());
  const count = async () =>
    (await db.selectFrom("message").select((all) => all.fn.countAll<number>().as("n")).executeTakeFirstOrThrow()).n;
  const pruneShare = (share: number, pause: () => Promise<void>) => {
    const keepHistoryMs = DAY_MS, now = from + DAYS * DAY_MS * share + keepHistoryMs;
    return prune({ db, keepDecisionsMs: DAY_MS, keepHistoryMs, pause }, now, new AbortController().signal);
  };

  const steps: Taken[] = [];
  let before = await count(), begun = performance.now(), cpuBefore = cpuMs();
  await pruneShare(PRUNED_SHARE, async () => {
    steps.push({ ms: performance.now() - begun, cpu: cpuMs() - cpuBefore });
    await delay(PAUSE_MS);
    [begun, cpuBefore] = [performance.now(), cpuMs()];
  });
  const gone = before - await count();
  const [median, p99] = [0.5, 0.99].map((part) => quantile(steps.map(({ ms }) => ms), part).toFixed(1));
  const cpu = (steps.reduce((sum, step) => sum + step.cpu, 0) * 1000) / gone;
  console.log(`a step of pruning: ${median} ms, p99 ${p99}; CPU ${cpu.toFixed(0)} µs a message, ${gone} messages`);

  before = await count();
  begun = performance.now();
  let pruning = true;
  const pruned = pruneShare(2 * PRUNED_SHARE, () => delay(PAUSE_MS)).finally(() => pruning = false);
  const beside: Taken[] = [];
  let taken = 0;
  while (pruning) {
    const batch: readonly NodeEvent[] = fresh.next().value!;
    taken += batch.filter(({ type }) => type === "accepted").length;
    beside.push(await take(database, batch));
    await delay(0);
  }
  await pruned;
  report("a batch, beside pruning", beside);
  const rate = ((before + taken - await count()) * 1000) / (performance.now() - begun);
  console.log(`pruned beside: ${rate.toFixed(0)} messages a second`);
}
