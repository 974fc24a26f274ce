/**
 * Question: how much memory does an idle connection take, and are others still served with so many of them?
 * Unit: KiB of resident memory for each; ms for a healthy client's message from connecting to its 250.
 * Workload: connections from loopback that have said EHLO and wait (10,000 unless told otherwise); in clear, after
 * STARTTLS, or over TLS from the start.
 * Machine: it says which. Linux; needs twice as many file descriptors as connections.
 *
 *     ulimit -n 20000; deno run -A tests/bench/idle_connections.ts [clear|starttls|tls] [connections]
 */
import { delay } from "@std/async/delay.js";
import { authorityFile } from "../support/octet_client.ts";
import { Client } from "./client.ts";
import { HealthyClient } from "./healthy_client.ts";
import { describeMachine, watchRelay } from "./watched_relay.ts";

/** Begun at the same time. */
const PARALLEL = 50;
/** For the start's garbage to be collected, and for connections to come to rest. */
const SETTLE_MS = 5000;
/** Connections before the count begins: code is compiled, caches and pools are there. */
const WARM_UP = 500;

const [way = "clear", count = "10000"] = Deno.args;
await using watched = await watchRelay({});
const { relay } = watched;
const authority = await Deno.readTextFile(authorityFile(relay));

async function open(): Promise<Client> {
  if (way === "tls") {
    const client = await Client.connectTls(relay.smtpsPort, authority);
    await client.say("EHLO idle.test", "250");
    return client;
  }
  const client = await Client.connect(relay.smtpPort);
  await client.say("EHLO idle.test", "250");
  if (way === "starttls") {
    await client.startTls(authority);
    await client.say("EHLO idle.test", "250");
  }
  return client;
}

async function openMany(wanted: number): Promise<Client[]> {
  const clients: Client[] = [];
  const openSome = async () => {
    while (clients.length + PARALLEL <= wanted) clients.push(await open());
  };
  await Promise.all(Array.from({ length: PARALLEL }, openSome));
  return clients;
}

const healthy = new HealthyClient(relay.smtpPort);
for (const client of await openMany(WARM_UP)) client[Symbol.dispose]();
await delay(SETTLE_MS);
healthy.summary();
await delay(SETTLE_MS);
console.log(`${describeMachine()}; idle connections, ${way}`);
const before = watched.residentKib();
console.log(`before:  ${before} KiB; ${healthy.summary()}`);
const from = performance.now();
const clients = await openMany(Number(count));
const openedMs = performance.now() - from;
console.log(`opening: ${clients.length} in ${(openedMs / 1000).toFixed(1)} s; ${healthy.summary()}`);
await delay(SETTLE_MS);
const during = watched.residentKib();
console.log(`idle:    ${during} KiB; ${healthy.summary()}`);
console.log(`each:    ${((during - before) / clients.length).toFixed(1)} KiB`);
await Promise.all(clients.map((client) => client.say("NOOP", "250")));
console.log(`awake:   all ${clients.length} still answer; ${watched.residentKib()} KiB`);
for (const client of clients) client[Symbol.dispose]();
await delay(SETTLE_MS);
console.log(`closed:  ${watched.residentKib()} KiB; ${healthy.summary()}`);
await healthy.stop();
