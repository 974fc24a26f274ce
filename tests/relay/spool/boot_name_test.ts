/** Names of a node's starts: the control plane refunds what starts with a lesser name left reserved. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { decodeTime } from "@std/ulid";
import { needing } from "../../support/installed.ts";
import { crashCopy, newDirectory, openTestSpool, START } from "../../support/spool_on_disk.ts";
import type { Work } from "../../support/spool_at_work.ts";
import { compileUnsynced, UnsyncedDirectory } from "../../support/unsynced.ts";

const HOUR_MS = 3_600_000;
const PROGRAM = join(import.meta.dirname!, "..", "..", "support", "spool_at_work.ts");

Deno.test("boot: its name sorts behind those of the starts before, also where the clock stood still or was set back", async () => {
  let directory = newDirectory(), last = "";
  for (const now of [START, START, START - HOUR_MS, START - 2 * HOUR_MS, START + HOUR_MS, START, 0]) {
    await using test = await openTestSpool(directory, { now: () => now });
    assert(test.boot > last, `${test.boot} at ${now} is behind ${last}`);
    last = test.boot;
    directory = crashCopy(directory);
  }
});

Deno.test("boot: where the clock is not behind, its name has the clock's time, as it has again later", async () => {
  const directory = newDirectory(), times: number[] = [];
  for (const now of [START, START - HOUR_MS, START + 2]) {
    await using test = await openTestSpool(directory, { now: () => now });
    times.push(decodeTime(test.boot));
  }
  assertEquals(times, [START, START + 1, START + 2]);
});

Deno.test({
  ...needing("boot: its name, and the node's, outlive a power failure", "gcc"),
  async fn() {
    const directory = newDirectory();
    const unsynced = new UnsyncedDirectory(await compileUnsynced(), directory);
    await workUntilKilled({ directory, prefix: "m" }, unsynced.env);
    // The process began at START, as a node that is named "node".
    await using test = await openTestSpool(unsynced.restore(), { now: () => START - HOUR_MS, node: "another" });
    assertEquals([test.nodeId, decodeTime(test.boot)], ["node", START + 1]);
  },
});

/** Kills the process as soon as it has said something. */
async function workUntilKilled(work: Work, env: Record<string, string>): Promise<void> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--cached-only", "--no-check", "--allow-all", PROGRAM, JSON.stringify(work)],
    env,
    stdout: "piped",
  }).spawn();
  const { value } = await process.stdout[Symbol.asyncIterator]().next();
  process.kill("SIGKILL");
  assertEquals([value !== undefined, (await process.status).signal], [true, "SIGKILL"]);
}
