/**
 * What do the counters' distance and the leases do to a client's wait, in each of three regions?
 *
 * Unit: ms from the final dot to the 250, median and p99; calls of Redis for each message; ms of CPU for each message, of
 * the region's relay and of its control plane. Workload: a service of real processes (tests/support/regions.ts) whose
 * regions are 1, 40 and 120 ms from Redis and PostgreSQL; in each, accounts that send one message now and then, which
 * asks for its own reservation, and one account that sends message after message, which gets leases.
 *
 *     deno run -A tests/bench/regions.ts [messages, 1000]
 */
import { delay } from "@std/async/delay.js";
import { AccountClient } from "../support/account_client.ts";
import { type Region, startRegions } from "../support/regions.ts";

const messages = Number(Deno.args[0] ?? 1000);
/** Few enough of each account that there is no lease. */
const RARE = 60, RARE_OF_EACH = 5;
const ROUND_TRIPS = { near: 1, far: 40, farthest: 120 };

await using service = await startRegions(
  Object.entries(ROUND_TRIPS).map(([name, roundTripMs]) => ({ name, roundTripMs })),
  { MAILHOP_BLOCK_RELAYS: "100000" },
);
const { redis, regions } = service;

const scriptCalls = async (): Promise<number> => {
  const stats = await redis.command("INFO", "commandstats");
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
};

const quantile = (sorted: readonly number[], part: number): string =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!.toFixed(1);

async function open(region: Region, name: string, address: string): Promise<AccountClient> {
  const { api } = region.api;
  await api("POST", "/accounts", { username: name, password: "a password of some length" });
  await api("POST", `/accounts/${name}/blocks`, { quantity: 1 });
  await api("POST", `/accounts/${name}/networks`, { cidr: `${address}/32` });
  return await AccountClient.open(region.relay.smtpPort, address);
}

async function send(client: AccountClient, name: string, count: number, waits: number[]): Promise<void> {
  for (let n = 0; n < count; n++) {
    const { code, text, ms } = await client.send(`${name}@example.com`, `m${n}@example.net`);
    if (code !== "250") throw new Error(text);
    waits.push(ms);
  }
}

console.log(`Deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} cores; ${messages} messages of each region`);
console.log("region     away   account  wait p50   p99      scripts/message  CPU ms/message: relay  api");
for (const [at, region] of regions.entries()) {
  for (const kind of ["rare", "busy"] as const) {
    const waits: number[] = [];
    const names = Array.from({ length: kind === "rare" ? RARE / RARE_OF_EACH : 1 }, (_, n) => `${kind}${at}x${n}`);
    const clients: AccountClient[] = [];
    for (const [n, name] of names.entries()) {
      clients.push(await open(region, name, `127.0.${10 + at}.${1 + n + (kind === "busy" ? 200 : 0)}`));
    }
    // The first one finds nothing remembered; and a busy account has no lease yet.
    for (const [n, name] of names.entries()) await send(clients[n]!, name, kind === "busy" ? 50 : 1, []);
    await delay(500);
    const cpu = [region.relay.cpuMs(), region.api.cpuMs()], scripts = await scriptCalls();
    if (kind === "busy") await send(clients[0]!, names[0]!, messages, waits);
    else for (const [n, name] of names.entries()) await send(clients[n]!, name, RARE_OF_EACH, waits);
    await delay(1000);
    const calls = (await scriptCalls() - scripts) / waits.length;
    const spent = [region.relay.cpuMs() - cpu[0]!, region.api.cpuMs() - cpu[1]!].map((ms) =>
      (ms / waits.length).toFixed(2)
    );
    waits.sort((one, other) => one - other);
    const away = `${ROUND_TRIPS[region.name as keyof typeof ROUND_TRIPS]} ms`;
    console.log(
      `${region.name.padEnd(9)} ${away.padStart(7)}  ${kind.padEnd(7)} ${quantile(waits, 0.5).padStart(8)} ` +
        `${quantile(waits, 0.99).padStart(8)} ${calls.toFixed(3).padStart(14)} ${spent[0]!.padStart(22)} ${spent[1]}`,
    );
    for (const client of clients) client[Symbol.dispose]();
  }
}
