/**
 * Question: how much memory do hostile clients cost, and are others still served?
 * Unit: KiB of resident memory for each of them, at the peak; ms for a healthy client's message from connecting to
 * its 250.
 * Workload: 1,000 clients unless told otherwise, for 20 s or as long as told, of five kinds in equal parts: a command
 * at one octet a second, a line without an end as fast as it is taken, half a command and then silence, STARTTLS and
 * the first octets of a handshake, those octets on the TLS port. Who is thrown out comes again after a second.
 * Machine: it says which. Linux.
 *
 *     ulimit -n 20000; deno run -A tests/bench/hostile_connections.ts [clients] [seconds]
 */
import { delay } from "@std/async/delay.js";
import { Client } from "./client.ts";
import { HealthyClient } from "./healthy_client.ts";
import { describeMachine, sampling, watchRelay } from "./watched_relay.ts";

const SETTLE_MS = 3000;
const SAMPLE_MS = 100;
const AGAIN_MS = 1000;
const SLOW_MS = 1000;
/** A TLS record of 512 octets is announced, a handshake message begun, and that is all. */
const HALF_HELLO = Uint8Array.of(22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3);
const ENDLESS = new Uint8Array(64 * 1024).fill("A".charCodeAt(0));
const SLOW_COMMAND = "MAIL FROM:<anna@customer.test> SIZE=1000 BODY=8BITMIME";
const encoder = new TextEncoder();

await using watched = await watchRelay({});
const { relay } = watched;
let open = 0, thrownOut = 0, ending = false;

/** One visit; it returns when the relay has closed the connection. */
const kinds: ((client: Client) => Promise<void>)[] = [
  async (client) => {
    for (const character of SLOW_COMMAND) {
      await client.write(encoder.encode(character));
      await delay(SLOW_MS);
    }
    await client.hear();
  },
  async (client) => {
    while (true) await client.write(ENDLESS);
  },
  async (client) => {
    await client.write(encoder.encode("EHLO hostile.test\r\nMAIL FRO"));
    while (await client.hear() !== null);
  },
  async (client) => {
    await client.say("EHLO hostile.test", "250");
    await client.say("STARTTLS", "220");
    await client.write(HALF_HELLO);
    await client.hear();
  },
];

async function visitForEver(kind: number): Promise<void> {
  while (!ending) {
    try {
      const overTls = kind === kinds.length;
      using client = await (overTls ? Client.connectSilently(relay.smtpsPort) : Client.connect(relay.smtpPort));
      visitors.add(client);
      open++;
      try {
        if (overTls) {
          await client.write(HALF_HELLO);
          await client.hear();
        } else await kinds[kind]!(client);
      } finally {
        open--;
        visitors.delete(client);
      }
    } catch (error) {
      // Closed by the relay, with or without a word.
      if (!(error instanceof Error)) throw error;
    }
    thrownOut++;
    if (!ending) await delay(AGAIN_MS);
  }
}

const visitors = new Set<Client>();
const [clients, seconds] = [Deno.args[0] ?? 1000, Deno.args[1] ?? 20].map(Number) as [number, number];
const healthy = new HealthyClient(relay.smtpPort);
await delay(2 * SETTLE_MS);
healthy.summary();
await delay(2 * SETTLE_MS);
console.log(`${describeMachine()}; ${clients} hostile clients`);
const before = watched.residentKib(), cpuBefore = watched.cpuMs();
console.log(`before:  ${before} KiB; ${healthy.summary()}`);
const visits = Array.from({ length: clients }, (_, at) => visitForEver(at % (kinds.length + 1)));
let peak = 0, mostOpen = 0;
{
  using _ = sampling(SAMPLE_MS, () => {
    peak = Math.max(peak, watched.residentKib());
    mostOpen = Math.max(mostOpen, open);
  });
  await delay(1000 * seconds);
}
const cpu = (watched.cpuMs() - cpuBefore) / (1000 * seconds);
console.log(`attack:  peak ${peak} KiB, at most ${mostOpen} open, ${thrownOut} thrown out, ${cpu.toFixed(2)} cores`);
console.log(`         ${healthy.summary()}`);
console.log(`each:    ${((peak - before) / mostOpen).toFixed(1)} KiB`);
ending = true;
for (const visitor of visitors) visitor[Symbol.dispose]();
await Promise.all(visits);
healthy.summary();
await delay(SETTLE_MS);
console.log(`after:   ${watched.residentKib()} KiB; ${healthy.summary()}`);
await healthy.stop();
