/**
 * The policy is swapped while the real process is under load, for good modules and for bad ones: no session ends, no
 * message is lost or refused but the one that a bad module was asked about, and the last good module takes over.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { ownModule } from "../../policy/mod.ts";
import { Dialogue } from "../support/dialogue.ts";
import { startDnsServer } from "../support/dns_server.ts";
import { Load } from "../support/load.ts";
import { NextHopServer } from "../support/next_hop_server.ts";
import { loadModule, policyOf, takenOver } from "../support/policy_client.ts";
import { FAULTS, GROWING_MEMORY, onTrigger, policyModule, TRIGGER_BYTES } from "../support/policy_modules.ts";
import { eventually, openAccount, type RelayProcess, startRelay } from "../support/relay_process.ts";

const MESSAGES = 4000;
const CONNECTIONS = 8;
const BAD = ["loop", "trap", "growth", "nonsense"] as const;
const ALL_ARRIVE_MS = 60_000;

Deno.test("policy: swapped under load, good modules and bad ones, without a lost message or session", async () => {
  await using stack = new AsyncDisposableStack();
  const dns = stack.use(startDnsServer({ "example.com": { A: ["192.0.2.1"] } }));
  const nextHop = stack.use(await NextHopServer.start());
  const relay = stack.use(
    await startRelay({ MAILHOP_DNS: dns.setting, MAILHOP_ROUTES: `*=127.0.0.1:${nextHop.port}` }),
  );
  await openAccount(relay, "anna", 100);
  assertEquals((await relay.api("POST", "/accounts/anna/networks", { cidr: "127.0.0.1/32" })).status, 201);

  const load = new Load(MESSAGES);
  const running = load.run(relay.smtpPort, CONNECTIONS);
  await load.reaches(200);
  const good = await loadModule(relay, policyModule());
  assertEquals(good.active.own, false);
  for (const fault of BAD) {
    const bad = await loadModule(relay, policyModule({ memory: GROWING_MEMORY, before: onTrigger(FAULTS[fault]) }));
    await pullTrigger(relay, /^451 4\.3\.0 Temporary local error: nobody could decide on this; try again later/);
    await eventually(
      async () => (await policyOf(relay)).active.hash === good.active.hash || undefined,
      `the last good module instead of the one with ${fault}`,
    );
    assertEquals((await takenOver(relay)).version, bad.version + 1);
    await pullTrigger(relay, /^250 /);
  }
  assertEquals((await relay.api("PATCH", "/policy", { active: "own" })).status, 200);
  assertEquals((await takenOver(relay)).active, {
    ...good.active,
    hash: ownModule().hash,
    own: true,
    since: undefined,
  });
  await running;

  assertEquals([load.acknowledged.size, load.lostConnections], [MESSAGES, 0]);
  const arrivals = () => nextHop.received.flatMap(({ recipients }) => recipients);
  await eventually(() => arrivals().length >= MESSAGES || undefined, "all messages to arrive", ALL_ARRIVE_MS);
  assertEquals([arrivals().length, new Set(arrivals()).size], [MESSAGES, MESSAGES]);

  const { body: history } = await relay.api<{ items: { what: string; detail: string | null }[] }>(
    "GET",
    "/policy/history",
  );
  const faults = history.items.filter(({ what }) => what === "fault").map(({ detail }) => detail!.split(":")[0]);
  assertEquals(faults.toReversed(), ["timeout", "trap", "growth", "nonsense"]);
  const { body: notices } = await relay.api<{ items: { type: string }[] }>("GET", "/notices");
  assertEquals(notices.items.map(({ type }) => type), BAD.map(() => "policy-fault"));
});

/** Asks each node about a message that makes a bad module fail, until one answers as expected. */
async function pullTrigger(relay: RelayProcess, expected: RegExp): Promise<void> {
  using client = await Dialogue.connect(relay.smtpPort);
  await client.reply();
  await client.send("EHLO trigger.test\r\n");
  await client.reply();
  await client.send(`MAIL FROM:<anna@example.com> SIZE=${TRIGGER_BYTES}\r\n`);
  const [line] = await client.reply();
  assertMatch(line!, expected);
  // The session goes on.
  await client.send("RSET\r\n");
  assertEquals(await client.reply(), ["250 2.0.0 OK"]);
}
