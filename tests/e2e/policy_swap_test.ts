/**
 * The policy is swapped while the real process is under load, for good modules and for bad ones: no session ends, no
 * message is lost or refused but the one that a bad module was asked about, and the last good module takes over.
 */
import { assertEquals } from "@std/assert";
import { ownModule } from "../../policy/mod.ts";
import { startDnsServer } from "../support/dns_server.ts";
import { Load } from "../support/load.ts";
import { NextHopServer } from "../support/next_hop_server.ts";
import { askedAboutTrigger, loadModule, policyOf, takenOver } from "../support/policy_client.ts";
import { FAULTS, GROWING_MEMORY, onTrigger, policyModule } from "../support/policy_modules.ts";
import { eventually, openAccount, type RelayProcess, startRelay } from "../support/relay_process.ts";

const CONNECTIONS = 4;
/** Before anything is swapped. */
const IN_FULL_FLOW = 200;
const BAD = ["loop", "trap", "growth", "nonsense"] as const;
const REFUSED = "451 4.3.0 Temporary local error: nobody could decide on this; try again later";
const ALL_ARRIVE_MS = 60_000;

Deno.test("policy: swapped under load, good modules and bad ones, without a lost message or session", async () => {
  await using stack = new AsyncDisposableStack();
  const dns = stack.use(startDnsServer({ "example.com": { A: ["192.0.2.1"] } }));
  const nextHop = stack.use(await NextHopServer.start());
  const relay = stack.use(
    await startRelay({
      MAILHOP_WORKERS: "2",
      MAILHOP_DNS: dns.setting,
      MAILHOP_ROUTES: `*=127.0.0.1:${nextHop.port}`,
      // A session that ends would be one that was lost.
      MAILHOP_MAX_MESSAGES_PER_CONNECTION: "1000000",
    }),
  );
  await openAccount(relay, "anna", 1000);
  assertEquals((await relay.api("POST", "/accounts/anna/networks", { cidr: "127.0.0.1/32" })).status, 201);

  const load = new Load(Infinity);
  const swaps = async () => {
    await load.reaches(IN_FULL_FLOW);
    try {
      await swapAll(relay);
    } finally {
      load.enough();
    }
  };
  await Promise.all([load.run(relay.smtpPort, CONNECTIONS), swaps()]);

  const sent = load.tried.size;
  assertEquals([load.acknowledged.size, load.lostConnections], [sent, 0]);
  const arrivals = () => nextHop.received.flatMap(({ recipients }) => recipients);
  await eventually(() => arrivals().length >= sent || undefined, "all messages to arrive", ALL_ARRIVE_MS);
  assertEquals([arrivals().length, new Set(arrivals()).size], [sent, sent]);

  const { body: history } = await relay.api<{ items: { what: string; detail: string | null }[] }>(
    "GET",
    "/policy/history",
  );
  const faults = history.items.filter(({ what }) => what === "fault").map(({ detail }) => detail!.split(":")[0]);
  assertEquals(faults.toReversed(), ["timeout", "trap", "growth", "nonsense"]);
  const { body: notices } = await relay.api<{ items: { type: string }[] }>("GET", "/notices");
  const told = notices.items.map(({ type }) => type).filter((type) => type.startsWith("policy-"));
  assertEquals(told, BAD.map(() => "policy-fault"));
});

/** A good module, each of the bad ones behind it, and the program's own in the end. */
async function swapAll(relay: RelayProcess): Promise<void> {
  const good = await loadModule(relay, policyModule());
  assertEquals(good.active.own, false);
  for (const fault of BAD) {
    const bad = await loadModule(relay, policyModule({ memory: GROWING_MEMORY, before: onTrigger(FAULTS[fault]) }));
    assertEquals(await askedAboutTrigger(relay), REFUSED);
    await eventually(
      async () => (await policyOf(relay)).active.hash === good.active.hash || undefined,
      `the last good module instead of the one with ${fault}`,
    );
    assertEquals((await takenOver(relay)).version, bad.version + 1);
    assertEquals(await askedAboutTrigger(relay), "250 2.1.0 Sender OK");
  }
  assertEquals((await relay.api("PATCH", "/policy", { active: "own" })).status, 200);
  const { hash, own } = (await takenOver(relay)).active;
  assertEquals([hash, own], [ownModule().hash, true]);
}
