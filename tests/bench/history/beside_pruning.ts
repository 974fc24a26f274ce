/** What taking in and searching feel of pruning, and how fast pruning is beside them. */
import { delay } from "@std/async/delay.js";
import type { NodeEvent } from "../../../api/client.ts";
import { prune } from "../../../api/pruning.ts";
import type { ControlDatabase } from "../../../api/store/database.ts";
import type { MessageFilter } from "../../../api/store/message_search.ts";
import { MailHistory } from "../../support/mail_history.ts";
import { searchOnce } from "./searching.ts";
import { BATCH, report, spread, take, type Taken, timed } from "./taking.ts";

const DAY_MS = 86_400_000;
/** Batches without pruning. */
const ALONE = 200;
/** Messages that each of the two prunings deletes. */
const PRUNED = 20_000;
/** As the process has it between two steps. */
const PAUSE_MS = 8;
/** More than are taken in while others are pruned. */
const FRESH = 1_000_000;

export interface Filled {
  /** Epoch ms of the first message, and days to the last one. */
  readonly from: number;
  readonly days: number;
  readonly messages: number;
  readonly searches: readonly (readonly [name: string, filter: MessageFilter])[];
}

export async function askBesidePruning(database: ControlDatabase, filled: Filled): Promise<void> {
  const { db } = database, { from, days, messages, searches } = filled;
  const fresh = new MailHistory({ seed: 2, messages: FRESH, from: from + days * DAY_MS, days }).batches(BATCH);
  /** A batch after another, and a search after each, while it lasts. */
  const load = async (lasts: (batches: number) => boolean) => {
    const batches: Taken[] = [], found: Taken[] = [];
    let accepted = 0;
    while (lasts(batches.length)) {
      const batch: readonly NodeEvent[] = fresh.next().value!;
      accepted += batch.filter(({ type }) => type === "accepted").length;
      batches.push(await take(database, batch));
      const [, filter] = searches[found.length % searches.length]!;
      found.push(await timed(() => searchOnce(db, filter)));
      // A node's next call comes by the event loop.
      await delay(0);
    }
    return { batches, found, accepted };
  };
  const count = async () =>
    (await db.selectFrom("message").select((all) => all.fn.countAll<number>().as("n")).executeTakeFirstOrThrow()).n;
  /** Of those that have ended: the others stay. */
  const oldest = async () =>
    (await db.selectFrom("message").select("received_at").where("status", "=", "delivered").orderBy("received_at")
      .limit(1).executeTakeFirstOrThrow())
      .received_at;
  /** The oldest that have ended. */
  const pruneSome = async (pause: () => Promise<void>) => {
    const until = await oldest() + Math.ceil((days * DAY_MS * PRUNED) / messages);
    await prune(
      { db, keepDecisionsMs: DAY_MS, keepHistoryMs: DAY_MS, expiryMs: DAY_MS, pause },
      until + DAY_MS,
      new AbortController().signal,
    );
  };

  const alone = await load((batches) => batches < ALONE);
  report("a batch, without pruning", alone.batches);
  console.log(`a search beside it: ${spread(alone.found)}`);

  const steps: Taken[] = [];
  let before = await count(), step = Promise.withResolvers<void>(), ended = timed(() => step.promise);
  await pruneSome(async () => {
    step.resolve();
    steps.push(await ended);
    await delay(PAUSE_MS);
    step = Promise.withResolvers<void>();
    ended = timed(() => step.promise);
  });
  console.log(`a step of pruning: ${spread(steps)}; ${before - await count()} messages`);

  before = await count();
  const begun = performance.now();
  let pruning = true;
  const pruned = pruneSome(() => delay(PAUSE_MS)).finally(() => pruning = false);
  const beside = await load(() => pruning);
  await pruned;
  const rate = ((before + beside.accepted - await count()) * 1000) / (performance.now() - begun);
  report("a batch, beside pruning", beside.batches);
  console.log(`a search beside both: ${spread(beside.found)}`);
  console.log(`pruned beside: ${rate.toFixed(0)} messages a second`);
}
