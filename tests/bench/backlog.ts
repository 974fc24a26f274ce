/**
 * Question: what does a backlog of a million messages to a dead destination cost, and how does it end?
 * Unit: messages a second taken in, beside an empty queue (ratio of paired rounds); MiB of memory and of disk; ms for a
 * NOOP; s from a start after kill -9 to the first attempt; messages a second delivered once the next hop is there.
 * Workload: messages of 4 KiB with one recipient each (1,000,000 unless told) over 100 connections with pipelining, to a
 * route where nobody listens; then rounds of 5000 that a relay with an empty queue and the one with the backlog take in
 * turn, each while the other's process is stopped; then the same with NOOP; then kill -9 and a start; then a next hop
 * that takes all and keeps nothing.
 * Machine: it says which. Linux. It takes about 10 GB of disk for a million, and ends after three hours at most.
 *
 *     deno run -A tests/bench/backlog.ts [messages] [rounds] [seconds for draining]
 */
import { delay } from "@std/async/delay.js";
import { freePort } from "../support/free_port.ts";
import { type RelayProcess, startRelay } from "../support/relay_process.ts";
import { startDnsServer } from "../support/dns_server.ts";
import { historyOf, mebibytes, roomOf } from "./data_room.ts";
import { fill } from "./filling.ts";
import { noopLatency } from "./noop_probe.ts";
import { startSink } from "./sink.ts";
import { describeMachine, watch, type Watched, watchRelay } from "./watched_relay.ts";

const CONNECTIONS = 100;
const ROUND_MESSAGES = 5000;
const WARM_UP_MESSAGES = 5000;
const ROW_MESSAGES = 100_000;
const NOOP_SECONDS = 20;
const SAMPLE_MS = 250;
const DRAIN_ROW_MS = 30_000;
const LONGEST_RUN_MS = 3 * 60 * 60_000;

const [messages, rounds, drainSeconds] = [Deno.args[0] ?? 1_000_000, Deno.args[1] ?? 10, Deno.args[2] ?? 3600].map(
  Number,
) as [number, number, number];
Deno.unrefTimer(setTimeout(() => {
  console.log("not through within its time");
  Deno.exit(1);
}, LONGEST_RUN_MS));

const nextHop = freePort();
const dataDir = await Deno.makeTempDir({ prefix: "mailhop-backlog-" });
const dns = startDnsServer({ "*": { MX: ["10 @"], A: ["127.0.0.1"] } });
const settings = {
  MAILHOP_DNS: dns.setting,
  MAILHOP_ROUTES: `*=127.0.0.1:${nextHop}`,
  MAILHOP_BLOCK_RELAYS: "100000000",
  MAILHOP_MAX_MESSAGES_PER_CONNECTION: "100000000",
};
console.log(`${describeMachine()}; ${messages} messages over ${CONNECTIONS} connections`);
try {
  {
    await using empty = await watchRelay(settings);
    await using full = await watchRelay({ ...settings, MAILHOP_DATA_DIR: dataDir });
    for (const { relay } of [empty, full]) await fill(relay.smtpPort, WARM_UP_MESSAGES, CONNECTIONS);
    console.log(`empty queue: ${memory(empty)}`);
    const idle = asleep(empty);
    await fillTable(full);
    console.log(`history: ${historyOf(dataDir)}`);
    idle[Symbol.dispose]();
    console.log(`memory: ${memory(full)} with the backlog, ${memory(empty)} without`);
    await compareIntake(full, empty);
    console.log(`memory: ${memory(full)} with the backlog, ${memory(empty)} without`);
    await compareNoop(full, empty);
    console.log(`history: ${historyOf(dataDir)}`);
    await full.relay.stop("SIGKILL");
  }
  let from = performance.now();
  await using other = await startRelay(settings);
  console.log(`start with an empty queue: ready after ${seconds(from)} s`);
  await other.stop();
  from = performance.now();
  const attempt = firstConnection(nextHop);
  await using relay = await startRelay({ ...settings, MAILHOP_DATA_DIR: dataDir });
  console.log(`start after kill -9: ready after ${seconds(from)} s`);
  await attempt;
  console.log(`start after kill -9: first attempt after ${seconds(from)} s`);
  const watched = await watch(relay);
  console.log(`start after kill -9: ${memory(watched)}; ${await noop(relay)}; then ${memory(watched)}`);
  await drain(relay, watched);
} finally {
  await dns[Symbol.asyncDispose]();
  await Deno.remove(dataDir, { recursive: true });
}

async function fillTable({ relay, ...watched }: Watched & { relay: RelayProcess }): Promise<void> {
  console.log(`${"messages".padStart(9)} ${"a second".padStart(9)} ${"ms of CPU each".padStart(15)}  memory, disk`);
  for (let filled = 0; filled < messages;) {
    const count = Math.min(ROW_MESSAGES, messages - filled), from = performance.now(), cpu = watched.cpuMs();
    await fill(relay.smtpPort, count, CONNECTIONS);
    filled += count;
    const rate = 1000 * count / (performance.now() - from), cpuEach = (watched.cpuMs() - cpu) / count;
    const figures = [String(filled).padStart(9), rate.toFixed(0).padStart(9), cpuEach.toFixed(3).padStart(15)];
    console.log(`${figures.join(" ")}  ${memory(watched)}; ${roomOf(relay.dataDir)}`);
  }
}

type Side = Watched & { readonly relay: RelayProcess };

async function compareIntake(full: Side, empty: Side): Promise<void> {
  const rate = async (side: Side, other: Side) => {
    using _ = asleep(other);
    const from = performance.now();
    await fill(side.relay.smtpPort, ROUND_MESSAGES, CONNECTIONS);
    return 1000 * ROUND_MESSAGES / (performance.now() - from);
  };
  const ratios: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const [one, other] = round % 2 === 0 ? [full, empty] as const : [empty, full] as const;
    const first = await rate(one, other), second = await rate(other, one);
    const [withBacklog, without] = one === full ? [first, second] : [second, first];
    ratios.push(withBacklog / without);
    const [a, b] = [withBacklog, without].map((each) => each.toFixed(0));
    console.log(`intake, round ${round}: ${a}/s with the backlog, ${b}/s without: ${ratios.at(-1)!.toFixed(2)}`);
  }
  const [middle, least, most] = [median(ratios), Math.min(...ratios), Math.max(...ratios)];
  console.log(`intake, ratio: ${middle.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`);
}

async function compareNoop(full: Side, empty: Side): Promise<void> {
  for (const [name, side, other] of [["without", empty, full], ["with", full, empty]] as const) {
    using _ = asleep(other);
    const cpu = side.cpuMs(), from = performance.now();
    const latency = await noop(side.relay);
    const cores = (side.cpuMs() - cpu) / (performance.now() - from);
    console.log(`${name} the backlog: ${latency}; ${cores.toFixed(2)} cores`);
  }
}

/** A next hop is there; until all has arrived, or the time is up. */
async function drain(relay: RelayProcess, watched: Watched): Promise<void> {
  const from = performance.now();
  await using sink = startSink(nextHop);
  while (sink.messages === 0 && performance.now() - from < 1000 * drainSeconds) await delay(SAMPLE_MS);
  console.log(`next hop is there: first message after ${seconds(from)} s`);
  const total = messages + WARM_UP_MESSAGES + rounds * ROUND_MESSAGES;
  let before = 0, rowFrom = performance.now(), cpu = watched.cpuMs();
  while (sink.messages < total && performance.now() - from < 1000 * drainSeconds) {
    await delay(SAMPLE_MS);
    if (performance.now() - rowFrom < DRAIN_ROW_MS && sink.messages < total) continue;
    const tookMs = performance.now() - rowFrom, rate = 1000 * (sink.messages - before) / tookMs;
    const cores = ((watched.cpuMs() - cpu) / tookMs).toFixed(2);
    console.log(
      `${seconds(from)} s: ${sink.messages} of ${total}, ${rate.toFixed(0)}/s, ${cores} cores; ${memory(watched)}`,
    );
    [before, rowFrom, cpu] = [sink.messages, performance.now(), watched.cpuMs()];
  }
  console.log(`end: ${sink.messages} of ${total} after ${seconds(from)} s; ${await noop(relay)}`);
  console.log(`end: ${memory(watched)}; ${roomOf(relay.dataDir)}; history: ${historyOf(relay.dataDir)}`);
  await relay.stop();
  console.log(`stopped: ${roomOf(relay.dataDir)}`);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other), half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Resolves when somebody connects to the port, which is then left again. */
async function firstConnection(port: number): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port });
  using _ = await listener.accept();
}

/** The process does nothing until the end of the scope. */
function asleep({ pid }: Watched): Disposable {
  Deno.kill(pid, "SIGSTOP");
  return { [Symbol.dispose]: () => Deno.kill(pid, "SIGCONT") };
}

async function noop({ smtpPort }: RelayProcess): Promise<string> {
  const { p50, p99, longest } = await noopLatency(smtpPort, NOOP_SECONDS);
  return `NOOP p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, longest ${longest.toFixed(0)} ms`;
}

function memory(watched: Pick<Watched, "residentKib" | "proportionalKib">): string {
  return `RSS ${mebibytes(1024 * watched.residentKib())}, PSS ${mebibytes(1024 * watched.proportionalKib())}`;
}

function seconds(from: number): string {
  return ((performance.now() - from) / 1000).toFixed(1);
}
