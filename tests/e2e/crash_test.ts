/**
 * kill -9 of the real process during a load: what was acknowledged arrives, duplicates are few, and the day's count is
 * right in the end. The client keeps the ledger, the next hop keeps the proof.
 */
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay.js";
import { POOL_LIMITS } from "../../relay/delivery/pool.ts";
import { startDnsServer } from "../support/dns_server.ts";
import { Load } from "../support/load.ts";
import { NextHopServer } from "../support/next_hop_server.ts";
import { eventually, type RelayProcess, startRelay } from "../support/relay_process.ts";

const MESSAGES = 2000;
const CONNECTIONS = 8;
/** Acknowledged messages at which the process is killed: the first time with a queue, the second time in full flow. */
const FIRST_KILL = 1000, SECOND_KILL = 1700;
/** How long the next hop takes for a message before the first kill: so long that the queue grows; and before the second. */
const SLOW_MS = 300, BRISK_MS = 20;
/** Until all has arrived: what was put off for the slow next hop comes back within seconds. */
const ARRIVAL_DEADLINE_MS = 60_000;
/**
 * Messages that a next hop may get again after a kill: for each connection one whose 250 is on its way, and one whose
 * outcome is on its way to the disk.
 */
const IN_FLIGHT = 2 * POOL_LIMITS.connectionsPerDestination;

Deno.test("kill -9 during a load of 2,000 messages: each that got its 250 arrives, and is charged once", async () => {
  await using stack = new AsyncDisposableStack();
  const dataDir = await Deno.makeTempDir({ prefix: "mailhop-crash-" });
  stack.defer(() => Deno.remove(dataDir, { recursive: true }));
  const dns = stack.use(startDnsServer({ "example.com": { A: ["192.0.2.1"] } }));
  const nextHop = stack.use(await NextHopServer.start());
  const pace = { ms: SLOW_MS };
  nextHop.script = async (input) => {
    if (input === "content") await delay(pace.ms);
    return undefined;
  };
  const start = () =>
    startRelay({
      MAILHOP_WORKERS: "2",
      MAILHOP_DATA_DIR: dataDir,
      MAILHOP_DNS: dns.setting,
      MAILHOP_ROUTES: `*=127.0.0.1:${nextHop.port}`,
    });
  const arrivals = () => nextHop.received.flatMap(({ recipients }) => recipients.map((to) => to.split("@")[0]!));
  const load = new Load(MESSAGES);

  const first = stack.use(await start());
  await openAccount(first);
  await killAt(FIRST_KILL, load, first);
  const queued = load.acknowledged.size - new Set(arrivals()).size;
  assert(queued > FIRST_KILL / 4, `a good part is queued at the first kill: ${queued}`);

  pace.ms = BRISK_MS;
  const second = stack.use(await start());
  // Messages that a lease has paid for count as used when they are settled.
  await eventually(
    async () => await usedRelays(second) >= load.acknowledged.size || undefined,
    "what was acknowledged before the first kill to be used",
  );
  assert(await usedRelays(second) <= load.tried.size, "no more is used than was tried");
  const before = arrivals().length;
  await killAt(SECOND_KILL, load, second);
  assert(arrivals().length > before, "messages are being delivered at the second kill");

  pace.ms = 0;
  const third = stack.use(await start());
  await load.run(third.smtpPort, CONNECTIONS);
  assertEquals(load.tried.size, MESSAGES);
  await eventually(
    () => load.acknowledged.isSubsetOf(new Set(arrivals())) || undefined,
    "all that was acknowledged to arrive",
    ARRIVAL_DEADLINE_MS,
  );
  await eventually(
    async () => await usedRelays(third) === new Set(arrivals()).size || undefined,
    "used relays to be what arrived",
  );
  assertEquals(await third.stop(), 0);

  const arrived = new Set(arrivals());
  assert(arrived.isSubsetOf(load.tried));
  const duplicates = arrivals().length - arrived.size;
  assert(duplicates <= 2 * IN_FLIGHT, `${duplicates} duplicates after two kills`);
  for (const { recipients, content } of nextHop.received) {
    assert(content.includes(`\r\nSubject: ${recipients[0]!.split("@")[0]}\r\n`), "the content is that of its envelope");
  }
});

/** Loads the relay and kills it when so many messages are acknowledged; resolves when both are at an end. */
async function killAt(acknowledged: number, load: Load, relay: RelayProcess): Promise<void> {
  const killed = load.reaches(acknowledged).then(() => relay.stop("SIGKILL"));
  await load.run(relay.smtpPort, CONNECTIONS);
  await killed;
}

async function openAccount(relay: RelayProcess): Promise<void> {
  const requests = [
    ["/accounts", { username: "anna", password: "a password of some length" }],
    ["/accounts/anna/blocks", { quantity: 20 }],
    ["/accounts/anna/networks", { cidr: "127.0.0.1/32" }],
  ] as const;
  for (const [path, body] of requests) assertEquals((await relay.api("POST", path, body)).status, 201);
}

async function usedRelays(relay: RelayProcess): Promise<number> {
  return (await relay.api<{ used: number }>("GET", "/accounts/anna/quota")).body.used;
}
