/**
 * Question: how long does a client wait for the 250 while the relay is half busy, beside Postfix on the same machine?
 * Unit: ms from the content's first octet to the 250, which comes when the message is safe.
 * Workload: messages of 4 KiB, one recipient, each on a connection of its own that begins when its time has come, whether
 * or not those before it are done. First each program is driven as hard as 50 clients can; then in turn both at
 * half of what Postfix managed, and the relay at half of what it managed itself. 3,000 to warm up, three rounds of six
 * seconds at each rate. Default settings of both; the client runs on the same cores.
 * Machine: it says which. Linux; only root can start a Postfix.
 *
 *     deno run -A tests/bench/answer_time.ts
 */
import { delay } from "@std/async/delay.js";
import Table from "cli-table3";
import { startPostfix } from "../support/postfix.ts";
import { Client } from "./client.ts";
import { messageOf, sendEach } from "./load.ts";
import { startPostfixSink } from "./postfix_sink.ts";
import type { Sink } from "./sink.ts";
import { describeMachine, quantile, watchRelay } from "./watched_relay.ts";

const OCTETS = 4096, WARM_UP = 3000, FULL_LOAD = 3000, ROUNDS = 3, ROUND_SECONDS = 6;
const MS_PER_SECOND = 1000, POLL_MS = 5;

await using sink = await startPostfixSink();
await using watched = await watchRelay({ MAILHOP_ROUTES: `*=127.0.0.1:${sink.port}` });
await using postfix = await startPostfix({
  parameters: { default_transport: `smtp:[127.0.0.1]:${sink.port}`, smtp_host_lookup: "native" },
});
const relayPort = watched.relay.smtpPort;
const fullOfPostfix = await fullLoad(postfix.port, sink), fullOfRelay = await fullLoad(relayPort, sink);
const runs = [
  { name: "Postfix", port: postfix.port, rate: fullOfPostfix / 2, waits: [] as number[], p99s: [] as number[] },
  { name: "MailHop Outbound", port: relayPort, rate: fullOfPostfix / 2, waits: [] as number[], p99s: [] as number[] },
  { name: "MailHop Outbound", port: relayPort, rate: fullOfRelay / 2, waits: [] as number[], p99s: [] as number[] },
];
for (let round = 0; round < ROUNDS; round++) {
  for (const { port, rate, waits, p99s } of runs) {
    const ofRound = await waitsAt(port, rate, sink);
    waits.push(...ofRound);
    p99s.push(quantile(ofRound, 0.99));
  }
}
const table = new Table({ head: ["relay", "messages a second", "median", "p99 (of a round)", "longest"] });
for (const { name, rate, waits, p99s } of runs) {
  const [median, p99, longest] = [0.5, 0.99, 1].map((part) => quantile(waits, part).toFixed(1));
  const [least, most] = [0, 1].map((part) => quantile(p99s, part).toFixed(1));
  table.push([name, rate.toFixed(0), median, `${p99} (${least} to ${most})`, longest]);
}
console.log(`${describeMachine()}; full load: Postfix ${fullOfPostfix.toFixed(0)}/s, ours ${fullOfRelay.toFixed(0)}/s`);
console.log(table.toString());

/** Messages a second, from the first until the next hop has the last. */
async function fullLoad(port: number, sink: Sink): Promise<number> {
  await sendEach(port, WARM_UP, OCTETS);
  await settled(sink);
  const before = sink.messages, from = performance.now();
  await sendEach(port, FULL_LOAD, OCTETS);
  while (sink.messages < before + FULL_LOAD) await delay(POLL_MS);
  return FULL_LOAD / (performance.now() - from) * MS_PER_SECOND;
}

/** The waits, in ms, of as many messages as fit a round at this rate. */
async function waitsAt(port: number, rate: number, sink: Sink): Promise<number[]> {
  const content = messageOf(OCTETS), messages = Math.floor(rate * ROUND_SECONDS), from = performance.now();
  const sending: Promise<number>[] = [];
  while (sending.length < messages) {
    const due = from + sending.length / rate * MS_PER_SECOND, early = due - performance.now();
    if (early > 0) await delay(early);
    else sending.push(waitFor250(port, content));
  }
  const waits = await Promise.all(sending);
  await settled(sink);
  return waits;
}

async function waitFor250(port: number, content: Uint8Array): Promise<number> {
  using client = await Client.connect(port);
  await client.begin();
  const from = performance.now();
  await client.content(content);
  const waited = performance.now() - from;
  await client.say("QUIT", "221");
  return waited;
}

/** Until the next hop has had nothing for a moment. */
async function settled(sink: Sink): Promise<void> {
  for (let before = -1; sink.messages !== before;) {
    before = sink.messages;
    await delay(MS_PER_SECOND / 2);
  }
}
