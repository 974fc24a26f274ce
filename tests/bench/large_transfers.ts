/**
 * Question: does memory grow with the size of messages that come in and go out at the same time?
 * Unit: MiB of resident memory above that of the idle relay, at the peak; s for all to be accepted, and to be delivered.
 * Workload: 50 clients at once, each with one message of 50 MB (52,428,800 octets) unless told otherwise; spool on disk; a next hop that
 * takes all and keeps nothing. In clear, or over TLS.
 * Machine: it says which. Linux; it takes 2.5 GB of disk for a while.
 *
 *     deno run -A tests/bench/large_transfers.ts [clear|tls] [clients] [MB]
 */
import { delay } from "@std/async/delay.js";
import { authorityFile } from "../support/octet_client.ts";
import { Client } from "./client.ts";
import { HealthyClient } from "./healthy_client.ts";
import { describeMachine, sampling, watchRelay } from "./watched_relay.ts";

const MB_OCTETS = 1_048_576;
const BLOCK_OCTETS = 64 * 1024;
const SETTLE_MS = 3000;
const SAMPLE_MS = 50;
const encoder = new TextEncoder();
const LINE = `${"0123456789abcdef".repeat(4)}\r\n`;

const [way = "clear", count = "50", megabytes = "50"] = Deno.args;
const messageOctets = Number(megabytes) * MB_OCTETS;
await using watched = await watchRelay({});
const { relay } = watched;
const authority = await Deno.readTextFile(authorityFile(relay));
const block = encoder.encode(LINE.repeat(BLOCK_OCTETS / LINE.length));

async function sendOne(name: number): Promise<void> {
  using client = way === "tls"
    ? await Client.connectTls(relay.smtpsPort, authority)
    : await Client.connect(relay.smtpPort);
  await client.say("EHLO large.test", "250");
  await client.say(`MAIL FROM:<anna@customer.test> SIZE=${messageOctets}`, "250");
  await client.say(`RCPT TO:<r${name}@example.test>`, "250");
  await client.say("DATA", "354");
  const header = encoder.encode(`Subject: large\r\n\r\n`);
  await client.write(header);
  let left = messageOctets - header.length;
  for (; left > block.length; left -= block.length) await client.write(block);
  const last = new Uint8Array(left).fill("x".charCodeAt(0));
  last.set([13, 10], left - 2);
  await client.write(last);
  await client.write(encoder.encode(".\r\n"));
  await client.reply("250");
}

const healthy = new HealthyClient(relay.smtpPort);
await delay(2 * SETTLE_MS);
console.log(`${describeMachine()}; ${count} messages of ${megabytes} MB at once, ${way}`);
healthy.summary();
await delay(SETTLE_MS);
const before = watched.residentKib(), cpuBefore = watched.cpuMs(), from = performance.now();
console.log(`before:    ${before} KiB; ${healthy.summary()}`);
let peak = 0;
using _ = sampling(SAMPLE_MS, () => peak = Math.max(peak, watched.residentKib()));
const seconds = () => ((performance.now() - from) / 1000).toFixed(1);
const above = () => `peak ${((peak - before) / 1024).toFixed(0)} MiB above`;
await Promise.all(Array.from({ length: Number(count) }, (_, name) => sendOne(name)));
console.log(`accepted:  ${seconds()} s; ${above()}; others: ${healthy.summary()}`);
await healthy.stop();
while (await queued() > 0) await delay(SAMPLE_MS);
const cpu = watched.cpuMs() - cpuBefore;
console.log(`delivered: ${seconds()} s; ${above()}; others: ${healthy.summary()}`);
console.log(`           ${(cpu / Number(count) / Number(megabytes)).toFixed(2)} ms of CPU for each MB`);
await delay(SETTLE_MS);
console.log(`after:     ${watched.residentKib()} KiB`);

/** Messages that have not been delivered. */
async function queued(): Promise<number> {
  const { body } = await relay.api<{ items: unknown[] }>("GET", "/messages?status=queued&limit=1");
  return body.items.length;
}
