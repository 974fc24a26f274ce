/**
 * kill -9 under load, again and again on what the last one left: at each named point of the path, and at random moments.
 * The same with a power failure, after which the disk has only what was synced. An independent ledger, kept by the
 * parent from what the process said, decides: what was acknowledged is there until it has ended, what has ended is never
 * attempted again, and a crash costs at most one duplicate for what was in flight.
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { needing } from "../../support/installed.ts";
import { KILL_POINTS } from "../../support/kill_points.ts";
import { repeatable, seed, sizeOf } from "../../support/size.ts";
import { contentOf, finish, newDirectory, octetsOf, openTestSpool, readContent } from "../../support/spool_on_disk.ts";
import { type Work, WORK_SEGMENT_BYTES } from "../../support/spool_at_work.ts";
import { compileUnsynced, UnsyncedDirectory } from "../../support/unsynced.ts";

const CRASHES = sizeOf({ ci: 20, large: 300 });
/** The process dies somewhere within so many lines of what it says, and within so many times at a named point. */
const MAX_LINES = 2000;
const MAX_TIMES = 12;

class Ledger {
  readonly #queued = new Set<string>();
  readonly #ended = new Set<string>();
  /** Attempted, and not known to have ended. */
  #inFlight = new Set<string>();

  /** @throws if the process did what it must not. */
  hear(line: string): void {
    const [what, id] = line.split(" ") as [string, string];
    if (what === "accepted") this.#queued.add(id);
    if (what === "attempt") {
      assert(!this.#ended.has(id), `${id} had ended and is attempted again`);
      this.#inFlight.add(id);
    }
    if (what === "ended") {
      this.#queued.delete(id);
      this.#inFlight.delete(id);
      this.#ended.add(id);
    }
  }

  /** Compares with what is left in a directory. Three in four messages end there, so that the queue stays short. */
  async check(directory: string): Promise<void> {
    await using test = await openTestSpool(directory, { segmentBytes: WORK_SEGMENT_BYTES });
    const { spool } = test;
    const found = new Set<string>(), finished: string[] = [];
    let available = Promise.withResolvers<void>();
    spool.onAvailable(() => available.resolve());
    while (found.size - finished.length + test.damagedMessages.length < spool.count()) {
      available = Promise.withResolvers<void>();
      const message = spool.take(Infinity);
      if (message === undefined) {
        await available.promise;
        continue;
      }
      const { id } = message.envelope;
      found.add(id);
      assert(!this.#ended.has(id), `${id} had ended and is back`);
      assertEquals(await readContent(message), contentOf(id, octetsOf(id)));
      if (found.size % 4 === 0) continue;
      await finish(test, id);
      finished.push(id);
    }
    for (const id of this.#queued) {
      if (found.has(id)) continue;
      assert(this.#inFlight.has(id), `${id} is lost`);
      // The outcome was durable, and there was no time to say so.
      this.#queued.delete(id);
      this.#ended.add(id);
    }
    this.#inFlight = new Set();
    for (const id of finished) {
      this.#queued.delete(id);
      this.#ended.add(id);
    }
    assertEquals(test.damagedMessages, []);
    assertEquals(test.troubles, []);
  }
}

/** Runs the process until it dies, at its named point or when it has said so many lines. */
async function runUntilDead(work: Work, lines: number, env: Record<string, string>, ledger: Ledger): Promise<void> {
  const program = join(import.meta.dirname!, "..", "..", "support", "spool_at_work.ts");
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--cached-only", "--no-check", "--allow-all", program, JSON.stringify(work)],
    env,
    stdout: "piped",
  }).spawn();
  let said = 0, rest = "";
  for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
    const whole = (rest + text).split("\n");
    rest = whole.pop()!;
    for (const line of whole) {
      ledger.hear(line);
      if (++said === lines) process.kill("SIGKILL");
    }
  }
  assertEquals((await process.status).signal, "SIGKILL");
}

interface Campaign {
  readonly crashes: number;
  /** Compiled `unsynced.c`, for power failures. */
  readonly library?: string;
  readonly points?: readonly string[];
  readonly leaveOut?: Work["leaveOut"];
}

async function campaign({ crashes, library, points, leaveOut }: Campaign): Promise<void> {
  const ledger = new Ledger();
  let directory = newDirectory(), random = seed >>> 0;
  const below = (limit: number) => (random = (Math.imul(random, 1664525) + 1013904223) >>> 0) % limit;
  for (let crash = 0; crash < crashes; crash++) {
    const point = points?.[crash % points.length];
    const dieAt = point === undefined ? undefined : { point, times: 1 + below(MAX_TIMES) };
    const unsynced = library === undefined ? undefined : new UnsyncedDirectory(library, directory);
    const work = { directory, prefix: `r${crash}`, ...(dieAt && { dieAt }), ...(leaveOut && { leaveOut }) };
    try {
      await runUntilDead(work, dieAt === undefined ? 1 + below(MAX_LINES) : Infinity, unsynced?.env ?? {}, ledger);
      if (unsynced !== undefined) directory = unsynced.restore();
      await ledger.check(directory);
    } catch (cause) {
      throw new Error(`after crash ${crash}${point === undefined ? "" : `, at "${point}"`}`, { cause });
    }
  }
}

const file = import.meta.filename;
const points = Object.keys(KILL_POINTS);

Deno.test(
  "kill -9 at each named point: nothing acknowledged is lost, nothing that ended is back",
  repeatable(file, () => campaign({ crashes: Math.max(points.length, CRASHES), points })),
);

Deno.test(
  `kill -9 at random moments, ${CRASHES} times: nothing acknowledged is lost, nothing that ended is back`,
  repeatable(file, () => campaign({ crashes: CRASHES })),
);

Deno.test({
  ...needing("power failure at each named point: what was not synced is gone, and nothing else", "gcc"),
  fn: repeatable(file, async () => {
    await campaign({ crashes: Math.max(points.length, CRASHES), points, library: await compileUnsynced() });
  }),
});

Deno.test({
  ...needing(`power failure at random moments, ${CRASHES} times: what was not synced is gone, and nothing else`, "gcc"),
  fn: repeatable(file, async () => campaign({ crashes: CRASHES, library: await compileUnsynced() })),
});

for (const leaveOut of ["syncData", "sync"] as const) {
  Deno.test({
    ...needing(`power failure: a spool that leaves out ${leaveOut} loses mail, and is found out`, "gcc"),
    async fn() {
      const library = await compileUnsynced();
      const { cause } = await assertRejects(() => campaign({ crashes: 3, library, leaveOut }), Error, "after crash");
      assertMatch(`${cause}`, /is lost/);
    },
  });
}
