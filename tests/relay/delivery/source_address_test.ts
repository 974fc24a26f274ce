import { assertEquals, assertMatch } from "@std/assert";
import { DeadlineWatch, STAGE_SECONDS } from "../../../relay/delivery/deadlines.ts";
import { type Opening, openSession } from "../../../relay/delivery/smtp_client.ts";
import { quit } from "../../../relay/delivery/smtp_session.ts";
import { transact } from "../../../relay/delivery/transaction.ts";
import { ManualTicker } from "../../support/manual_ticker.ts";
import { inMemory } from "../../support/memory_queue.ts";
import { NextHopServer } from "../../support/next_hop_server.ts";
import { SELF_SIGNED } from "../../support/self_signed.ts";
import { SilentAddress } from "../../support/silent_address.ts";

const seconds = new ManualTicker();

function openFrom(ipv4: string, port: number, address = "127.0.0.1"): Promise<Opening> {
  const watch = new DeadlineWatch(seconds.ticker);
  const settings = { hostname: "relay.example.org", watch, seconds: STAGE_SECONDS, sources: { ipv4, ipv6: null } };
  return openSession({ name: "mx.example.net", address, port }, settings);
}

function refusal(opening: Opening): string {
  if (opening.kind === "open") throw new Error("it was opened");
  return `${opening.verdict.kind}: ${opening.verdict.reply}`;
}

for (const [name, options] of [["in plain", {}], ["over STARTTLS", { tls: SELF_SIGNED }]] as const) {
  Deno.test(`source address: a message of 1 MB goes ${name} from the address that was chosen`, async () => {
    await using server = await NextHopServer.start(options);
    const opening = await openFrom("127.0.0.2", server.port);
    if (opening.kind !== "open") throw new Error(opening.verdict.reply);
    const text = "0123456789\r\n".repeat(90_000);
    const envelope = { reversePath: "a@example.org", recipients: ["b@example.net"], sizeBytes: text.length };
    const facts = { body: "7BIT", needsSmtputf8: false, dsnRequest: null } as const;
    const content = inMemory(new TextEncoder().encode(text));
    const { verdicts } = await transact(opening.session, { ...envelope, ...facts }, content);
    await quit(opening.session);
    assertEquals(verdicts.map((verdict) => verdict?.kind), ["delivered"]);
    assertEquals([server.connections[0]!.peer, server.received[0]!.content === text], ["127.0.0.2", true]);
  });
}

Deno.test("source address: one that this machine has not defers, and says so", async () => {
  await using server = await NextHopServer.start();
  assertMatch(
    refusal(await openFrom("192.0.2.1", server.port)),
    /^deferred: .* could not be reached \(bind E[A-Z]+ 192\.0\.2\.1/,
  );
  assertEquals(server.connections.length, 0);
});

Deno.test("source address: a host that does not answer is left after half a minute", async () => {
  await using silent = await SilentAddress.listen("127.0.0.3");
  const opening = openFrom("127.0.0.2", silent.port, "127.0.0.3");
  seconds.pass(31);
  assertEquals(refusal(await opening), "deferred: mx.example.net [127.0.0.3] did not answer in time");
});

Deno.test("source address: it is for its own family only", async () => {
  await using server = await NextHopServer.start({ address: "::1" });
  const opening = await openFrom("127.0.0.2", server.port, "::1");
  if (opening.kind !== "open") throw new Error(opening.verdict.reply);
  await quit(opening.session);
  assertEquals(server.connections[0]!.peer, "::1");
});
