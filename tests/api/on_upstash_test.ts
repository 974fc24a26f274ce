/** The tests of the counters once more, with the counters in Redis: its clock is the test's. */
import { needingRedisClock, startRedis } from "../support/redis.ts";
import { NOON, useCounters } from "./control_plane.ts";

const FILES = ["clock_test.ts", "counters_test.ts", "leases_test.ts", "quota_test.ts"];

const all = needingRedisClock("the tests of the counters, in Redis");
if (all.ignore) Deno.test({ ...all, fn: () => {} });
else await registerAll();

async function registerAll(): Promise<void> {
  // Ends with this file's thread.
  const redis = await startRedis(NOON);
  useCounters({
    location: async () => {
      await redis.command("FLUSHALL");
      return redis.location;
    },
    setClock: redis.setClock,
  });
  const original = Deno.test;
  const named = (name: string, fn: () => Promise<void>) => original(`${name} (in Redis)`, fn);
  const registry = Deno as { test: unknown };
  registry.test = named;
  try {
    for (const file of FILES) await import(new URL(file, import.meta.url).href);
  } finally {
    registry.test = original;
  }
}
