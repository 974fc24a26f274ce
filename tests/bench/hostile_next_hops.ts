/**
 * Question: do a dozen hostile next hops delay the mail for a healthy one?
 * Unit: ms from when a client has said all of a message to the end of its data at the healthy next hop, p50 and p99.
 * Workload: one client sends messages of 1 KB to the healthy next hop at a fixed rate, 50 a second unless told. Beside
 * it nobody sends anything, or another client sends as many a second to a second healthy one, or to twelve hostile ones
 * in turn. The three take turns, each in a relay of its own; the first seconds of each do not count.
 * Machine: it says which. Linux.
 *
 *     deno run -A tests/bench/hostile_next_hops.ts [seconds] [rounds] [messages a second]
 */
import { delay } from "@std/async/delay.js";
import { startHostileNextHops } from "../support/hostile_next_hops.ts";
import { NextHopServer } from "../support/next_hop_server.ts";
import { Client } from "./client.ts";
import { describeMachine, quantile, watchRelay } from "./watched_relay.ts";

const [seconds, rounds, perSecond] = [Deno.args[0] ?? 20, Deno.args[1] ?? 3, Deno.args[2] ?? 50].map(Number) as [
  number,
  number,
  number,
];
const WARM_UP_MS = 5000;
const CONTENT = new TextEncoder().encode(`Subject: hello\r\n\r\n${"All is well here.\r\n".repeat(55)}.\r\n`);

interface Figures {
  readonly p50: number;
  readonly p99: number;
}

const beside = { nobody: [] as Figures[], healthy: [] as Figures[], hostile: [] as Figures[] };
type Company = keyof typeof beside;
const companies = Object.keys(beside) as Company[];
console.log(`${describeMachine()}; ${perSecond} messages a second to each side, ${seconds} s, ${rounds} rounds`);
for (let round = 1; round <= rounds; round++) {
  for (const company of companies) beside[company].push(await measured(company));
}
for (const part of ["p50", "p99"] as const) {
  const middle = (company: Company) => quantile(beside[company].map((figures) => figures[part]), 0.5);
  for (const company of companies) {
    const values = beside[company].map((figures) => figures[part]);
    const [least, most] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(2));
    const ratio = (middle(company) / middle("nobody")).toFixed(2);
    console.log(`${part} beside ${company}: ${middle(company).toFixed(2)} (${least} to ${most}) ms, ratio ${ratio}`);
  }
}

async function measured(company: Company): Promise<Figures> {
  const saidAt = new Map<string, number>();
  const tookMs: number[] = [];
  await using healthy = await NextHopServer.start({
    script(input, { recipients: [path] }) {
      if (input !== "content" || path === undefined) return undefined;
      tookMs.push(performance.now() - (saidAt.get(path) ?? NaN));
      return undefined;
    },
  });
  await using other = await NextHopServer.start();
  await using bad = await startHostileNextHops();
  const names = [...bad.hops.keys()];
  const routes = [...bad.hops].map(([name, { port }]) => `${name}.test=127.0.0.1:${port}`);
  await using watched = await watchRelay({
    MAILHOP_ROUTES: [...routes, `healthy.test=127.0.0.1:${healthy.port}`, `*=127.0.0.1:${other.port}`].join(),
    MAILHOP_MAX_MESSAGES_PER_CONNECTION: "1000000",
  });
  const { smtpPort } = watched.relay;
  const endsAt = performance.now() + WARM_UP_MS + 1000 * seconds;
  const domainOf = (number: number) => company === "hostile" ? `${names[number % names.length]}.test` : "other.test";
  await Promise.all([
    send(smtpPort, endsAt, (number) => `m${number}@healthy.test`, saidAt),
    company === "nobody" || send(smtpPort, endsAt, (number) => `m${number}@${domainOf(number)}`, new Map()),
    delay(WARM_UP_MS).then(() => tookMs.splice(0)),
  ]);
  await healthy.until(({ received }) => received.length === saidAt.size);
  const figures = { p50: quantile(tookMs, 0.5), p99: quantile(tookMs, 0.99) };
  const connections = [...bad.hops.values()].reduce((sum, { connections }) => sum + connections, 0);
  console.log(
    `beside ${company}: p50 ${figures.p50.toFixed(2)} ms, p99 ${
      figures.p99.toFixed(2)
    } ms, ${tookMs.length} messages; ` +
      `${connections} connections to hostile ones`,
  );
  return figures;
}

/** At the fixed rate, later if an answer is late. */
async function send(
  port: number,
  endsAt: number,
  recipientOf: (number: number) => string,
  saidAt: Map<string, number>,
): Promise<void> {
  using client = await Client.connect(port);
  await client.say("EHLO bench.test", "250");
  const startedAt = performance.now();
  for (let number = 0; performance.now() < endsAt; number++) {
    const path = recipientOf(number);
    await client.say("MAIL FROM:<anna@customer.test>", "250");
    await client.say(`RCPT TO:<${path}>`, "250");
    await client.say("DATA", "354");
    saidAt.set(path, performance.now());
    await client.write(CONTENT);
    await client.reply("250");
    await delay(Math.max(0, startedAt + (number + 1) * 1000 / perSecond - performance.now()));
  }
}
