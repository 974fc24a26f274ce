/**
 * Question: how fast does the relay take messages and pass them on, beside Postfix on the same machine?
 * Unit: messages a second, from the first connection until the next hop has the last one; ms of CPU for each message.
 * Workload: messages of 4 KiB, one recipient, a connection for each, 50 at a time, to the same next hop; default settings of
 * both; 3,000 to warm up, then alternating rounds of 3,000. The client runs in the bench's own process, on the same cores,
 * so the rates are lower limits for either.
 * Machine: it says which. Linux; only root can start a Postfix. It draws tests/bench/comparison.svg.
 *
 *     deno task bench
 */
import { fromFileUrl } from "@std/path";
import { delay } from "@std/async/delay.js";
import Table from "cli-table3";
import { needingPostfix, startPostfix } from "../support/postfix.ts";
import { barsOf } from "./bars.ts";
import { sendEach } from "./load.ts";
import { startPostfixSink } from "./postfix_sink.ts";
import type { Sink } from "./sink.ts";
import { describeMachine, quantile, watchRelay } from "./watched_relay.ts";

const WARM_UP = 3000, MESSAGES = 3000, ROUNDS = 3, OCTETS = 4096;
const PICTURE = fromFileUrl(new URL("comparison.svg", import.meta.url));
const TICK_MS = 10, POLL_MS = 5;

interface Contender {
  readonly name: string;
  readonly port: number;
  readonly cpuMs: () => number;
}

if (needingPostfix("").ignore) console.log("no comparison: Postfix is not installed, or this is not root");
else await compare();

async function compare(): Promise<void> {
  await using sink = await startPostfixSink();
  await using watched = await watchRelay({ MAILHOP_ROUTES: `*=127.0.0.1:${sink.port}` });
  await using postfix = await startPostfix({
    parameters: { default_transport: `smtp:[127.0.0.1]:${sink.port}`, smtp_host_lookup: "native" },
  });
  const contenders: Contender[] = [
    { name: "Postfix", port: postfix.port, cpuMs: cpuOfPostfix(postfix.port) },
    { name: "MailHop Outbound", port: watched.relay.smtpPort, cpuMs: () => watched.cpuMs() },
  ];
  const results = new Map(contenders.map(({ name }) => [name, { rates: [] as number[], cpu: [] as number[] }]));
  for (const contender of contenders) await measure(contender, sink, WARM_UP);
  for (let round = 0; round < ROUNDS; round++) {
    for (const contender of contenders) {
      const { rate, cpuMs } = await measure(contender, sink, MESSAGES);
      results.get(contender.name)!.rates.push(rate);
      results.get(contender.name)!.cpu.push(cpuMs);
    }
  }
  const table = new Table({ head: ["relay", "messages a second", "ms of CPU a message"], style: { head: [] } });
  for (const [name, { rates, cpu }] of results) table.push([name, spread(rates, 0), spread(cpu, 2)]);
  console.log(describeMachine());
  console.log(table.toString());
  const medians = [...results].map(([name, { rates }]) => ({ name, value: Math.round(quantile(rates, 0.5)) }));
  await Deno.writeTextFile(PICTURE, barsOf("Messages of 4 KiB a second, handed in and passed on", medians));
}

async function measure({ port, cpuMs }: Contender, sink: Sink, messages: number) {
  const before = sink.messages, cpu = cpuMs(), from = performance.now();
  await sendEach(port, messages, OCTETS);
  while (sink.messages < before + messages) await delay(POLL_MS);
  return { rate: messages / (performance.now() - from) * 1000, cpuMs: (cpuMs() - cpu) / messages };
}

function spread(values: readonly number[], digits: number): string {
  const [median, min, max] = [0.5, 0, 1].map((part) => quantile(values, part).toFixed(digits));
  return `${median} (${min} to ${max})`;
}

/** Of its master, which has the time of all that have ended, and of those that run. */
function cpuOfPostfix(port: number): () => number {
  const master = [...processes()].find(({ name, pid }) => name === "master" && listensOn(pid, port))?.pid;
  if (master === undefined) throw new Error("Postfix's master process was not found");
  return () => {
    let ticks = 0;
    for (const { pid, parent, own, ended } of processes()) {
      if (pid === master) ticks += own + ended;
      else if (parent === master) ticks += own;
    }
    return TICK_MS * ticks;
  };
}

/** From /proc/PID/stat (proc_pid_stat(5)); times in ticks. */
function* processes() {
  for (const { name: entry } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = Deno.readTextFileSync(`/proc/${entry}/stat`);
      const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
      const [parent, own, ended] = [fields[1]!, fields[11]! + fields[12]!, fields[13]! + fields[14]!];
      yield { pid: Number(entry), name, parent, own, ended };
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // it has ended meanwhile
    }
  }
}

/** Whether a process has a socket that listens on this port of 127.0.0.1. */
function listensOn(pid: number, port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const inode = Deno.readTextFileSync("/proc/net/tcp").split("\n").map((line) => line.trim().split(/\s+/))
    .find(([, local, , state]) => local === `0100007F:${hex}` && state === "0A")?.[9];
  const files = [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) =>
    Deno.readLinkSync(`/proc/${pid}/fd/${name}`)
  );
  return inode !== undefined && files.includes(`socket:[${inode}]`);
}
