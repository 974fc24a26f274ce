/** How long a relay takes to answer NOOP: what a thread that is busy with other things adds to each command. */
import { delay } from "@std/async/delay.js";
import { Client } from "./client.ts";
import { quantile } from "./watched_relay.ts";

/** So many that each node of the process has some. */
const CONNECTIONS = 8;
const PAUSE_MS = 10;

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

/** Milliseconds, of all the answers within `seconds`. */
export async function noopLatency(port: number, seconds: number): Promise<Latency> {
  const tookMs: number[] = [];
  const endsAt = performance.now() + 1000 * seconds;
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    while (performance.now() < endsAt) {
      // A session may have so many commands that lead nowhere.
      using client = await Client.connect(port);
      for (let n = 0; n < 50 && performance.now() < endsAt; n++) {
        const from = performance.now();
        await client.say("NOOP", "250");
        tookMs.push(performance.now() - from);
        await delay(PAUSE_MS);
      }
    }
  }));
  return { p50: quantile(tookMs, 0.5), p99: quantile(tookMs, 0.99), longest: Math.max(...tookMs) };
}
