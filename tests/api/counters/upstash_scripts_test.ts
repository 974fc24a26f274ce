/** What comes of a script that Redis breaks off: it is the script's fault, or Redis cannot run any just now. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CountersUnavailable } from "../../../api/counters/trouble.ts";
import { UpstashStore } from "../../../api/counters/upstash/mod.ts";
import { needingRedis, startRedis, type TestRedis } from "../../support/redis.ts";

const DAY = "mailhop:day:";

const storeOf = ({ location }: TestRedis): UpstashStore => new UpstashStore(location, Date.now);

/** Refunds of ids that nobody knows: each leaves a tombstone. */
const refund = (store: UpstashStore, ...ids: string[]): Promise<number> =>
  store.run("refund", ["mailhop:open:n1", ...ids.map((id) => `mailhop:res:${id}`)], [
    ...[DAY, "n1"],
    ...ids.flatMap((id) => [id, "alice", "2026-11-23", 1, Date.now() + 60_000]),
  ]);

Deno.test({
  ...needingRedis("counters in Redis: a script that breaks off is an error of ours, and the counters are not away"),
  async fn() {
    await using redis = await startRedis();
    const store = storeOf(redis);
    await redis.command("SET", "mailhop:res:odd", "no hash");
    const [broken, whole] = await Promise.allSettled([refund(store, "odd"), refund(store, "even")]);
    assertEquals(whole.status, "fulfilled", "of the same request");
    const error = await assertRejects(
      () => broken.status === "rejected" ? Promise.reject(broken.reason) : broken,
      Error,
    );
    assertEquals([error.name, error.message], ["Error", "a script of the counters broke off"]);
    assertStringIncludes(String(error.cause), "WRONGTYPE");
    await redis.command("DEL", "mailhop:res:odd");
    assertEquals(await refund(store, "odd"), 0);
  },
});

Deno.test({
  ...needingRedis("counters in Redis: they are away while Redis runs no script that writes"),
  async fn() {
    await using redis = await startRedis();
    const store = storeOf(redis);
    const troubles = [
      [["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]],
      [["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]],
      [["CONFIG", "SET", "min-replicas-to-write", "1"], ["CONFIG", "SET", "min-replicas-to-write", "0"]],
    ] as const;
    for (const [n, [begin, end]] of troubles.entries()) {
      await redis.command(...begin);
      await assertRejects(() => refund(store, `r${n}`), CountersUnavailable, undefined, begin.join(" "));
      await redis.command(...end);
      assertEquals(await refund(store, `r${n}`), 0);
    }
  },
});
