/** A Redis that was emptied in the middle of a day, or is new: the day is not sold again. */
import { assertEquals } from "@std/assert";
import type { Counters } from "../../../api/counters/counters.ts";
import { createUpstashCounters, UpstashStore } from "../../../api/counters/upstash/mod.ts";
import { openDatabase } from "../../../api/store/database.ts";
import { needingRedisClock, startRedis } from "../../support/redis.ts";
import { NOON } from "../control_plane.ts";
import { newDatabase } from "../database.ts";

const HOLDER = { node: "n1", boot: "b1" };
const DAY = "2026-11-23";

async function withRedis() {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis(NOON));
  const place = stack.use(await newDatabase());
  const { db } = stack.use(await openDatabase(place.location));
  const logged: string[] = [];
  const plane = () =>
    createUpstashCounters({
      ...{ store: new UpstashStore(redis.location, () => NOON), db, now: () => NOON },
      ...{ cap: () => 150, ndrCap: () => 150 },
      log: (message, facts) => logged.push(`${message} ${JSON.stringify(facts)}`),
    });
  const counters = plane();
  return {
    ...{ db, logged, plane, counters },
    empty: () => redis.command("FLUSHALL"),
    reserve: async (id: string, relays: number, by: Counters = counters) => {
      const request = { id, username: "alice", relays, blocks: [], ndr: null, lease: false };
      const [answer] = await by.reserve(HOLDER, [request]);
      return [answer!.granted, answer!.used];
    },
    settle: (id: string, relays: number) =>
      counters.settle(HOLDER, [{ id, username: "alice", day: DAY, relays, ndr: false }]),
    copied: async () =>
      (await db.selectFrom("usage").select("used").where("day", "=", DAY).execute()).map(({ used }) => used),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test({
  ...needingRedisClock(
    "counters in Redis: emptied, they go on from the database's copy, whichever plane meets it first",
  ),
  async fn() {
    await using redis = await withRedis();
    assertEquals(await redis.reserve("m1", 140), [true, 0]);
    await redis.settle("m1", 140);
    await redis.counters.keepDays(["alice"]);
    assertEquals(redis.logged, [], "new counters are no news");
    await redis.empty();
    const planes = [redis.plane(), redis.plane(), redis.plane()];
    const answers = await Promise.all(planes.map((plane, n) => redis.reserve(`n${n}`, 20, plane)));
    assertEquals(answers, Array(3).fill([false, 140]));
    assertEquals(await redis.reserve("m2", 10), [true, 140]);
    assertEquals(
      new Set(redis.logged),
      new Set(['the counters were empty: they begin with what the database has {"accountDays":1}']),
    );
  },
});

Deno.test({
  ...needingRedisClock("counters in Redis: emptied, what is settled first makes the database's copy no smaller"),
  async fn() {
    await using redis = await withRedis();
    await redis.reserve("m1", 100);
    await redis.settle("m1", 100);
    await redis.counters.keepDays();
    await redis.reserve("m2", 30);
    await redis.empty();
    await redis.settle("m2", 30);
    await redis.counters.keepDays();
    assertEquals(await redis.copied(), [100]);
    await redis.settle("m3", 1);
    assertEquals(await redis.reserve("m4", 50), [false, 101]);
  },
});

Deno.test({
  ...needingRedisClock("counters in Redis: a day that was begun in the database goes on there"),
  async fn() {
    await using redis = await withRedis();
    const rows = Array.from({ length: 1001 }, (_, n) => ({
      ...{ username: `account${n}`, day: DAY, used: n, ndr: 0, leased: 0, wanted_at: 0 },
    }));
    await redis.db.insertInto("usage").values([...rows, { ...rows[0]!, username: "alice", used: 149 }]).execute();
    assertEquals(await redis.reserve("m1", 2), [false, 149]);
    const { used } = await redis.counters.today(["account500", "account1000"]);
    assertEquals([...used].map(([name, { used }]) => [name, used]), [["account500", 500], ["account1000", 1000]]);
  },
});
