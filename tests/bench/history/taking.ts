/** Takes in batches of events as a node's are taken in, and reports how long that took. */
import process from "node:process";
import type { NodeEvent } from "../../../api/client.ts";
import { recordEvents, type Teller } from "../../../api/history.ts";
import type { ControlDatabase } from "../../../api/store/database.ts";
import { quantile } from "../watched_relay.ts";

const TELLER: Teller = { node: "n1", speaksFor: () => Promise.resolve(false) };

/** As many as a node sends at a time when it has many. */
export const BATCH = 256;

/** What something took, in ms: in all, and of this process's time on the processor. */
export interface Taken {
  readonly ms: number;
  readonly cpu: number;
}

export async function timed(work: () => Promise<unknown>): Promise<Taken> {
  const begun = performance.now(), cpuBefore = cpuMs();
  await work();
  return { ms: performance.now() - begun, cpu: cpuMs() - cpuBefore };
}

/** Of this process so far. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** As node_events.ts does: the batch is durable when it is answered. */
export function take({ db, sync }: ControlDatabase, batch: readonly NodeEvent[]): Promise<Taken> {
  return timed(async () => {
    await recordEvents(db, TELLER, batch);
    await sync();
  });
}

export function report(what: string, batches: readonly Taken[]): void {
  const all = batches.reduce((sum, { ms }) => sum + ms, 0);
  console.log(`${what}: ${spread(batches)}; ${((BATCH * batches.length * 1000) / all).toFixed(0)} events/s`);
}

/** "1.2 ms, p99 3.4, max 5.6, CPU 1.1" */
export function spread(taken: readonly Taken[]): string {
  const [median, p99, most] = [0.5, 0.99, 1].map((part) => quantile(taken.map(({ ms }) => ms), part).toFixed(2));
  const cpu = taken.reduce((sum, { cpu }) => sum + cpu, 0) / taken.length;
  return `${median} ms, p99 ${p99}, max ${most}, CPU ${cpu.toFixed(2)}`;
}
