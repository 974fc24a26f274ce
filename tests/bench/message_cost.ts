/**
 * Question: what does one message cost, on which thread, and in which part of the work?
 * Unit: µs of CPU for each message, as the scheduler counts it for each thread; shares of a stage by samples of perf.
 * Workload: messages of 4 KiB with one recipient, each on a connection of its own, 50 at a time, from a network of an
 * account, to a next hop that forgets them; default settings; 3,000 to warm up, then rounds of 4,000.
 * Machine: it says which. Linux; without perf, or the right to use it, there is no table of stages.
 *
 *     deno run -A tests/bench/message_cost.ts [rounds]
 */
import { join } from "@std/path";
import { delay } from "@std/async/delay.js";
import { ROOT } from "../support/relay_process.ts";
import { sendEach } from "./load.ts";
import { samplesIn, stageOf } from "./stages.ts";
import { describeMachine, quantile, watchRelay } from "./watched_relay.ts";

const WARM_UP = 3000, MESSAGES = 4000;
const ROUNDS = Number(Deno.args[0] ?? 3);
const CONTENT_OCTETS = 4096;
const SAMPLES_A_SECOND = "1999";
/** What is told with the next batch belongs to the messages too. */
const SETTLE_MS = 500;
/** So that functions have names. V8 then also leaves empty logs where it was started. */
const NAMES_FOR_PERF = "--perf-basic-prof,--interpreted-frames-native-stack";
const LEFT_BY_V8 = /^isolate-.*-v8\.log$/;

console.log(describeMachine());
await costByThread();
await costByStage();

async function costByThread(): Promise<void> {
  await using watched = await watchRelay({});
  const { pid, relay: { smtpPort } } = watched;
  await sendEach(smtpPort, WARM_UP, CONTENT_OCTETS);
  const rounds: Map<string, number>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = cpuOfThreads(pid);
    await sendEach(smtpPort, MESSAGES, CONTENT_OCTETS);
    while (watched.delivered() < WARM_UP + (round + 1) * MESSAGES) await delay(10);
    await delay(SETTLE_MS);
    rounds.push(difference(cpuOfThreads(pid), before));
  }
  console.log("\n| thread | µs for each message (from, to) |\n|---|---|");
  const names = new Set(rounds.flatMap((round) => [...round.keys()]));
  for (const name of names) row(name, rounds.map((round) => round.get(name) ?? 0));
  row("**all**", rounds.map((round) => round.values().reduce((sum, each) => sum + each, 0)));
}

function row(name: string, values: readonly number[]): void {
  const [median, min, max] = [0.5, 0, 1].map((part) => quantile(values, part).toFixed(0));
  if (Number(max) > 0) console.log(`| ${name} | ${median} (${min}, ${max}) |`);
}

async function costByStage(): Promise<void> {
  await using watched = await watchRelay({ DENO_V8_FLAGS: NAMES_FOR_PERF });
  const { pid, relay: { smtpPort } } = watched;
  await sendEach(smtpPort, WARM_UP, CONTENT_OCTETS);
  const directory = await Deno.makeTempDir({ prefix: "mailhop-cost-" });
  try {
    const file = join(directory, "perf.data");
    const args = ["record", "-e", "cpu-clock", "-F", SAMPLES_A_SECOND, "-g", "-o", file, "-p", `${pid}`];
    const perf = new Deno.Command("perf", { args, stdout: "null", stderr: "null" }).spawn();
    await delay(SETTLE_MS);
    await sendEach(smtpPort, MESSAGES, CONTENT_OCTETS);
    await delay(SETTLE_MS);
    perf.kill("SIGINT");
    await perf.status;
    const script = new Deno.Command("perf", { args: ["script", "-F", "comm,ip,sym,dso", "-i", file], stderr: "null" });
    showStages(new TextDecoder().decode((await script.output()).stdout));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("\nno table of stages: perf is not there");
  } finally {
    await Deno.remove(directory, { recursive: true });
    for (const { name } of Deno.readDirSync(ROOT)) if (LEFT_BY_V8.test(name)) await Deno.remove(join(ROOT, name));
  }
}

/** A sample stands for the time from one to the next. */
function showStages(text: string): void {
  const stages = new Map<string, Map<string, number>>();
  for (const sample of samplesIn(text)) {
    const thread = threadName(sample.thread), stage = stageOf(sample);
    const counts = stages.get(thread) ?? new Map<string, number>();
    counts.set(stage, (counts.get(stage) ?? 0) + 1);
    stages.set(thread, counts);
  }
  const micros = (samples: number) => (samples * 1e6) / Number(SAMPLES_A_SECOND) / MESSAGES;
  console.log("\n| thread | stage | µs for each message |\n|---|---|---|");
  for (const [thread, counts] of stages) {
    for (const [stage, samples] of [...counts].sort(([, one], [, other]) => other - one)) {
      if (micros(samples) >= 1) console.log(`| ${thread} | ${stage} | ${micros(samples).toFixed(0)} |`);
    }
  }
}

function threadName(name: string): string {
  if (name.startsWith("worker-")) return "nodes";
  if (name.startsWith("V8")) return "V8: compiler, collector";
  if (name.startsWith("tokio")) return "file system, syncs";
  return name === "deno" ? "main: control plane" : name;
}

/** ns of CPU by thread: its number and its kind. */
function cpuOfThreads(pid: number): Map<string, { readonly kind: string; readonly ns: number }> {
  const threads = new Map<string, { kind: string; ns: number }>();
  for (const { name: thread } of Deno.readDirSync(`/proc/${pid}/task`)) {
    try {
      const kind = threadName(Deno.readTextFileSync(`/proc/${pid}/task/${thread}/comm`).trim());
      const [ns] = Deno.readTextFileSync(`/proc/${pid}/task/${thread}/schedstat`).split(" ");
      threads.set(thread, { kind, ns: Number(ns) });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // it has ended meanwhile
    }
  }
  return threads;
}

/** µs for each message, by kind of thread. */
function difference(after: ReturnType<typeof cpuOfThreads>, before: ReturnType<typeof cpuOfThreads>) {
  const kinds = new Map<string, number>();
  for (const [thread, { kind, ns }] of after) {
    const micros = (ns - (before.get(thread)?.ns ?? 0)) / 1000 / MESSAGES;
    kinds.set(kind, (kinds.get(kind) ?? 0) + micros);
  }
  return kinds;
}
