/**
 * kill -9 of a process that accepts messages: whatever it said was accepted is there afterwards, with its content, until it
 * has ended.
 *
 * `MAILHOP_TEST_RUNS` sets how often, `MAILHOP_TEST_SEED` the moments.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import {
  contentOf,
  finish,
  newDirectory,
  octetsOf,
  openTestSpool,
  readContent,
  takeAll,
} from "../../support/spool_on_disk.ts";

const ROUNDS = Number(Deno.env.get("MAILHOP_TEST_RUNS") ?? 10);
const SEED = Number(Deno.env.get("MAILHOP_TEST_SEED") ?? 1);
/** The process is killed somewhere within so many acknowledgements. */
const MAX_ACKNOWLEDGED = 300;

/** Runs the acceptor until it has acknowledged so many; resolves to all that it acknowledged before it was dead. */
async function killAfter(directory: string, prefix: string, acknowledgements: number): Promise<string[]> {
  const program = join(import.meta.dirname!, "..", "..", "support", "spool_acceptor.ts");
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--cached-only", "--no-check", "--allow-all", program, directory, prefix],
    stdout: "piped",
  }).spawn();
  const ids: string[] = [];
  for await (const id of lines(process.stdout)) {
    ids.push(id);
    if (ids.length === acknowledgements) process.kill("SIGKILL");
  }
  const { signal } = await process.status;
  assertEquals(signal, "SIGKILL");
  return ids;
}

/** Whole lines only: what the process died over was not said. */
async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const pieces = (rest + text).split("\n");
    rest = pieces.pop()!;
    yield* pieces;
  }
}

Deno.test(`kill -9: everything acknowledged is queued and intact (${ROUNDS} rounds, seed ${SEED})`, async () => {
  const directory = newDirectory();
  const wanted = new Set<string>(), ended = new Set<string>();
  let random = SEED >>> 0;
  for (let round = 0; round < ROUNDS; round++) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    for (const id of await killAfter(directory, `r${round}`, 1 + random % MAX_ACKNOWLEDGED)) wanted.add(id);
    await using test = await openTestSpool(directory);
    const queued = new Map((await takeAll(test, Infinity)).map((message) => [message.envelope.id, message]));
    for (const id of wanted) assert(queued.has(id), `${id} is lost`);
    for (const [id, message] of queued) {
      assert(!ended.has(id), `${id} had ended and is back`);
      assertEquals(await readContent(message), contentOf(id, octetsOf(id)));
      // Half of it ends; the rest is still there when the next one dies.
      if (random++ % 2 === 0) continue;
      await finish(test, id);
      wanted.delete(id);
      ended.add(id);
    }
    assertEquals(test.damagedMessages, []);
    assertEquals(test.troubles, []);
  }
});
