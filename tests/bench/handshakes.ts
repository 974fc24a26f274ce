/**
 * Question: what does a TLS handshake cost the relay, after STARTTLS and on a port where TLS comes first?
 * Unit: ms of the relay's CPU time for each session (connect, handshake, EHLO, QUIT), less that of the same in clear.
 * Workload: 2,000 sessions of each kind, 8 at a time, in three alternating rounds; P-256, TLS 1.3, never resumed.
 * Machine: it says which. Linux; CPU time counts in steps of 10 ms.
 *
 *     deno run -A tests/bench/handshakes.ts
 */
import { authorityFile } from "../support/octet_client.ts";
import { Client } from "./client.ts";
import { describeMachine, quantile, watchRelay } from "./watched_relay.ts";

const SESSIONS = 2000;
const WARM_UP = 200;
const PARALLEL = 8;
const ROUNDS = 3;

await using watched = await watchRelay({});
const { relay } = watched;
const authority = await Deno.readTextFile(authorityFile(relay));

const ways = {
  clear: () => Client.connect(relay.smtpPort),
  starttls: async () => {
    const client = await Client.connect(relay.smtpPort);
    await client.say("EHLO clear.test", "250");
    await client.startTls(authority);
    return client;
  },
  tls: () => Client.connectTls(relay.smtpsPort, authority),
};

/** ms of the relay's CPU for each session. */
async function measure(connect: () => Promise<Client>, sessions: number): Promise<number> {
  let left = sessions;
  const from = watched.cpuMs();
  const some = async () => {
    while (left-- > 0) {
      using client = await connect();
      await client.say("EHLO handshake.test", "250");
      await client.say("QUIT", "221");
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, some));
  return (watched.cpuMs() - from) / sessions;
}

const names = Object.keys(ways) as (keyof typeof ways)[];
const results = { clear: [] as number[], starttls: [] as number[], tls: [] as number[] };
for (const name of names) await measure(ways[name], WARM_UP);
for (let round = 0; round < ROUNDS; round++) {
  for (const name of names) results[name].push(await measure(ways[name], SESSIONS));
}
console.log(describeMachine());
const clear = quantile(results.clear, 0.5);
for (const name of names) {
  const [median, min, max] = [0.5, 0, 1].map((part) => quantile(results[name], part).toFixed(2));
  const handshake = name === "clear" ? "" : `; the handshake ${(Number(median) - clear).toFixed(2)} ms`;
  console.log(`${name.padEnd(9)} ${median} ms (${min} to ${max})${handshake}`);
}
