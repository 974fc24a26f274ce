/**
 * A real Redis for tests, behind a gateway that speaks Upstash's REST: each on a free port of loopback, without a file.
 *
 *     await using redis = await startRedis();
 *     redis.location
 *
 * Both end with the scope, and with the test's thread at the latest.
 */
import { delay } from "@std/async/delay.js";
import { join } from "@std/path";
import type { UpstashLocation } from "../../api/counters/upstash/store.ts";
import { compiled } from "./compiled.ts";
import { freePort } from "./free_port.ts";
import { find, needing } from "./installed.ts";
import { ROOT } from "./relay_process.ts";

const HOST = "127.0.0.1";
const TOKEN = "counters-token";
const POLL_MS = 20;
const READY_DEADLINE_MS = 20_000;
const GATEWAY = join(ROOT, "tests", "support", "redis_gateway.ts");

export interface TestRedis extends AsyncDisposable {
  readonly location: UpstashLocation;
  /** A command, past the gateway. */
  command(...words: string[]): Promise<string>;
  /** Sets its clock, which stands; only of one that was started with a clock of its own. */
  setClock(now: number): void;
  /** Ends it at once; what it knew is gone. */
  kill(): Promise<void>;
  /** Neither of the two does anything until it is let go on. */
  freeze(): void;
  thaw(): void;
}

/** The part of a test's definition that depends on whether a Redis can be started here, as `needing` has it. */
export const needingRedis = (name: string): { name: string; ignore: boolean } => needing(name, "redis-server");

/** The same for one with a clock of its own. */
export const needingRedisClock = (name: string): { name: string; ignore: boolean } =>
  needing(name, "redis-server", "gcc");

/** @param clock what its clock shows at first, epoch ms: it stands there. Without, it is the machine's. */
export async function startRedis(clock?: number): Promise<TestRedis> {
  await using stack = new AsyncDisposableStack();
  const port = freePort(), gatewayPort = freePort();
  const directory = await Deno.makeTempDir({ prefix: "mailhop-redis-" });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  const clockFile = join(directory, "clock");
  const setClock = (now: number) => {
    // It is mapped: written in place, in one piece.
    using file = Deno.openSync(clockFile, { write: true, create: true });
    file.writeSync(new Uint8Array(BigInt64Array.of(BigInt(now) * 1000n).buffer));
  };
  if (clock !== undefined) setClock(clock);
  const library = clock === undefined ? "" : await compiled("clock.c", directory);
  const start = (program: string, args: string[], env: Record<string, string> = {}) => {
    const process = new Deno.Command(program, { args, env, cwd: directory, stdout: "null", stderr: "null" }).spawn();
    const end = async () => {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await process.status;
    };
    stack.defer(end);
    return { process, end };
  };
  const redis = start(
    find("redis-server")!,
    ["--port", String(port), "--bind", HOST, "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"],
    clock === undefined ? {} : { LD_PRELOAD: library, CLOCK_FILE: clockFile },
  );
  const gateway = start(Deno.execPath(), ["run", "--allow-all", "--cached-only", GATEWAY], {
    ...{ PORT: String(gatewayPort), REDIS_PORT: String(port), URS_TOKEN: TOKEN },
  });
  const location = { url: `http://${HOST}:${gatewayPort}`, token: TOKEN };
  const command = async (...words: string[]) => {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const response = await fetch(location.url, { method: "POST", headers, body: JSON.stringify(words) });
    const { result, error } = await response.json();
    if (error !== undefined) throw new Error(error);
    return String(result);
  };
  const deadline = Date.now() + READY_DEADLINE_MS;
  while (await command("PING").catch(() => "") !== "PONG") {
    if (Date.now() > deadline) throw new Error("Redis or its gateway does not answer");
    await delay(POLL_MS);
  }
  const both = (signal: Deno.Signal) => [redis, gateway].forEach(({ process }) => process.kill(signal));
  const cleanUp = stack.move();
  return {
    ...{ location, command, setClock },
    kill: redis.end,
    freeze: () => both("SIGSTOP"),
    thaw: () => both("SIGCONT"),
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}
