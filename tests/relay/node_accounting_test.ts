/**
 * How relays are counted, as a customer and the HTTP API see it: a whole node with a false clock, spoken to over a
 * socket.
 */
import { assertEquals } from "@std/assert";
import { ulid } from "@std/ulid";
import type { Dialogue } from "../support/dialogue.ts";
import { FailingDisk } from "../support/failing_disk.ts";
import { ACTIVATION_DELAY_MS, MINUTE_MS, NOON, startTestNode, type TestNode } from "../support/node.ts";
import { eventually } from "../support/relay_process.ts";
import { sizedMessage } from "../support/sized_message.ts";

const STEP_BYTES = 10_485_760;
const MAX_BYTES = 52_428_800;

/** RCPT for `count` recipients who are all accepted, in one group. */
async function recipients(client: Dialogue, count: number): Promise<void> {
  await client.send(Array.from({ length: count }, (_, n) => `RCPT TO:<friend${n}@example.net>\r\n`).join(""));
  for (let n = 0; n < count; n++) assertEquals(await client.reply(), ["250 2.1.5 Recipient OK"]);
}

/** A short message to `count` recipients, up to where its fate is decided. */
async function upToTheDot(client: Dialogue, count = 1): Promise<void> {
  await client.play("C: MAIL FROM:<anna@example.com>\nS: 250 2.1.0 Sender OK");
  await recipients(client, count);
  await client.play(`
    C: DATA
    S: 354 End the message with a dot on a line of its own
    C: From: anna@example.com
    C:
    C: Hello
  `);
}

async function send(client: Dialogue, count = 1): Promise<void> {
  await upToTheDot(client, count);
  await client.play("C: .\nS: 250 2.0.0 OK: queued as …");
}

/** Sends a message of exactly so many octets without saying so beforehand; the reply to its end. */
async function sendOctets(client: Dialogue, sizeBytes: number): Promise<string> {
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 250 2.1.0 Sender OK
    C: RCPT TO:<friend@example.net>
    S: 250 2.1.5 Recipient OK
    C: DATA
    S: 354 End the message with a dot on a line of its own
  `);
  for (const chunk of sizedMessage(sizeBytes, "anna@example.com")) await client.send(chunk);
  await client.send(".\r\n");
  return (await client.reply()).join("\n");
}

/** What the next hop was given: a line for each transaction and recipient. */
function delivered(node: TestNode): string[] {
  return node.nextHop.received.flatMap(({ recipients }) => [...recipients]);
}

Deno.test("accounting: one message to ten people uses ten relays", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await send(client, 10);
  assertEquals(await node.used("anna"), 10);
  await node.nextHop.until(() => delivered(node).length === 10);
});

Deno.test("accounting: each full 10 MB costs one relay more; 50 MB cost six, one octet more is refused", async () => {
  await using node = await startTestNode();
  // What becomes of the messages later is not the question here.
  node.nextHop.script = (input) => input.startsWith("MAIL") ? "451 4.3.2 Not now" : undefined;
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  let before = 0;
  for (
    const [sizeBytes, cost, reply] of [
      [STEP_BYTES - 1, 1, /^250 2\.0\.0 OK: queued as \w{26}$/],
      [STEP_BYTES, 2, /^250 2\.0\.0 OK: queued as \w{26}$/],
      [MAX_BYTES, 6, /^250 2\.0\.0 OK: queued as \w{26}$/],
      [MAX_BYTES + 1, 0, /^552 5\.3\.4 Message too big: at most 52428800 bytes$/],
    ] as const
  ) {
    const answer = await sendOctets(client, sizeBytes);
    assertEquals(reply.test(answer), true, `${sizeBytes} octets: ${answer}`);
    const used = await node.used("anna");
    assertEquals(used - before, cost, `cost of ${sizeBytes} octets`);
    before = used;
  }
  await client.play("C: MAIL FROM:<anna@example.com> SIZE=52428800\nS: 250 2.1.0 Sender OK");
});

Deno.test("accounting: SIZE= over 52428800 is refused at MAIL with 552 5.3.4, whatever its digits", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(`
    C: MAIL FROM:<anna@example.com> SIZE=52428801
    S: 552 5.3.4 Message too big: at most 52428800 bytes
    C: MAIL FROM:<anna@example.com> SIZE=99999999999999999999
    S: 552 5.3.4 Message too big: at most 52428800 bytes
    C: RCPT TO:<friend@example.net>
    S: 503 5.5.1 Say MAIL first
  `);
  assertEquals(await node.used("anna"), 0);
});

Deno.test("blocks: one does not count at 14:59 minutes and does at 15:00", async () => {
  await using node = await startTestNode();
  await node.account("anna");
  await node.buy("anna", 1);
  const early = await node.login("anna");
  await early.play(`
    C: MAIL FROM:<anna@example.com>
    S: 451 4.7.1 Temporary local error: service activates at 2026-11-23T12:15:00Z (in 15 minutes)
  `);
  early.close();
  node.pass(6 * MINUTE_MS);
  using client = await node.login("anna");
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 451 4.7.1 Temporary local error: service activates at 2026-11-23T12:15:00Z (in 9 minutes)
  `);
  client.close();
  node.pass(9 * MINUTE_MS - 1000);
  using last = await node.login("anna");
  await last.play(`
    C: MAIL FROM:<anna@example.com>
    S: 451 4.7.1 Temporary local error: service activates at 2026-11-23T12:15:00Z (in 1 minute)
  `);
  assertEquals((await node.quota("anna")).limit, 0);
  node.pass(999);
  await last.play(`
    C: MAIL FROM:<anna@example.com>
    S: 451 4.7.1 Temporary local error: service activates at 2026-11-23T12:15:00Z (in 1 minute)
  `);
  node.pass(1);
  await send(last);
  assertEquals(await node.used("anna"), 1);
});

Deno.test("blocks: two of them give 300 relays a day, the second from its own activation on", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 }); // it is 12:15 now
  await node.buy("anna", 1);
  const first = await node.login("anna");
  await send(first, 100);
  await send(first, 50);
  await first.play(`
    C: MAIL FROM:<anna@example.com>
    S: 451 4.7.1 Daily relay quota exceeded: 150 of 150 used, this needs 1; resets at 2026-11-24T00:00:00Z; more relays activate at 2026-11-23T12:30:00Z
  `);
  first.close();
  node.pass(ACTIVATION_DELAY_MS);
  assertEquals((await node.quota("anna")).limit, 300);
  using second = await node.login("anna");
  await send(second, 100);
  await send(second, 50);
  await second.play(`
    C: MAIL FROM:<anna@example.com>
    S: 451 4.7.1 Daily relay quota exceeded: 300 of 300 used, this needs 1; resets at 2026-11-24T00:00:00Z
  `);
  assertEquals(await node.used("anna"), 300);
});

Deno.test("quota: the 151st relay gets 451 4.7.1, and nothing is charged or sent", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await send(client, 100);
  await send(client, 48);
  // Two are left: of three recipients the third is too many, and those before it stand.
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    C: RCPT TO:<one@example.net>
    C: RCPT TO:<two@example.net>
    C: RCPT TO:<three@example.net>
    S: 250 2.1.0 Sender OK
    S: 250 2.1.5 Recipient OK
    S: 250 2.1.5 Recipient OK
    S: 451 4.7.1 Daily relay quota exceeded: 148 of 150 used, this needs 3; resets at 2026-11-24T00:00:00Z
    C: DATA
    S: 354 End the message with a dot on a line of its own
    C: From: anna@example.com
    C: .
    S: 250 2.0.0 OK: queued as …
    C: MAIL FROM:<anna@example.com>
    S: 451 4.7.1 Daily relay quota exceeded: 150 of 150 used, this needs 1; resets at 2026-11-24T00:00:00Z
  `);
  assertEquals(await node.used("anna"), 150);
  await node.nextHop.until(() => delivered(node).length >= 150);
  await node.drain(0);
  assertEquals(delivered(node).length, 150);
  assertEquals(delivered(node).includes("three@example.net"), false);
});

Deno.test("quota: where two sessions want the last relay, one has it and the other is told at the end of the data", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using one = await node.login("anna");
  using other = await node.login("anna");
  await send(one, 100);
  await send(one, 49);
  await upToTheDot(one);
  await upToTheDot(other);
  await one.play("C: .\nS: 250 2.0.0 OK: queued as …");
  await other.play(`
    C: .
    S: 451 4.7.1 Daily relay quota exceeded: 150 of 150 used, this needs 1; resets at 2026-11-24T00:00:00Z
    C: NOOP
    S: 250 2.0.0 OK
  `);
  assertEquals(await node.used("anna"), 150);
  await node.nextHop.until(() => delivered(node).length >= 150);
  await node.drain(0);
  assertEquals(delivered(node).length, 150);
});

Deno.test("quota: with SIZE= it is told at MAIL, or at the recipient that is one too many", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await send(client, 100);
  await send(client, 44);
  await client.play(`
    C: MAIL FROM:<anna@example.com> SIZE=20971520
    C: RCPT TO:<one@example.net>
    C: RCPT TO:<two@example.net>
    C: RCPT TO:<three@example.net>
    S: 250 2.1.0 Sender OK
    S: 250 2.1.5 Recipient OK
    S: 250 2.1.5 Recipient OK
    S: 451 4.7.1 Daily relay quota exceeded: 144 of 150 used, this needs 9; resets at 2026-11-24T00:00:00Z
    C: DATA
    S: 354 End the message with a dot on a line of its own
    C: From: anna@example.com
    C: .
    S: 250 2.0.0 OK: queued as …
  `);
  // What counts is what came, not what was announced.
  assertEquals(await node.used("anna"), 146);
  await client.play(`
    C: MAIL FROM:<anna@example.com> SIZE=41943040
    S: 451 4.7.1 Daily relay quota exceeded: 146 of 150 used, this needs 5; resets at 2026-11-24T00:00:00Z
    C: MAIL FROM:<anna@example.com> SIZE=41943039
    S: 250 2.1.0 Sender OK
  `);
});

Deno.test("quota: used is zero after midnight UTC", async () => {
  await using node = await startTestNode({ now: Date.parse("2026-11-23T23:40:00Z") });
  await node.account("anna", { blocks: 1 }); // it is 23:55 now
  node.pass(5 * MINUTE_MS - 1);
  using client = await node.login("anna");
  await send(client, 100);
  await send(client, 50);
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 451 4.7.1 Daily relay quota exceeded: 150 of 150 used, this needs 1; resets at 2026-11-24T00:00:00Z
  `);
  const before = await node.quota("anna");
  assertEquals([before.day, before.used], ["2026-11-23", 150]);
  node.pass(1);
  const after = await node.quota("anna");
  assertEquals([after.day, after.used], ["2026-11-24", 0]);
  await send(client);
  assertEquals(await node.used("anna"), 1);
});

Deno.test("accounting: what is not accepted costs nothing", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  // Refused at the end of the data.
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 250 2.1.0 Sender OK
    C: RCPT TO:<friend@example.net>
    S: 250 2.1.5 Recipient OK
    C: DATA
    S: 354 End the message with a dot on a line of its own
    C: From: anna@example.com
    C: From: berta@example.com
    C: .
    S: 550 5.6.0 …
  `);
  // Given up by the client in the middle of the data.
  const gone = await node.login("anna");
  await upToTheDot(gone);
  gone.close();
  await send(client);
  assertEquals(await node.used("anna"), 1);
  await node.nextHop.until(({ received }) => received.length === 1);
});

Deno.test("accounting: whom the policy fails for gets 451 and is not charged; everybody else sends as ever", async () => {
  await using node = await startTestNode();
  await node.account("anna");
  await node.account("bob", { blocks: 1 });
  for (let purchases = 0; purchases < 10; purchases++) await node.buy("anna", 1_000_000);
  node.pass(ACTIVATION_DELAY_MS);
  // More relays than can be counted exactly.
  await node.v1("PATCH", "/policy/parameters", { relaysPerBlock: 1_000_000_000 });
  using anna = await node.login("anna");
  using bob = await node.login("bob");
  for (let times = 0; times < 3; times++) {
    await upToTheDot(anna);
    await upToTheDot(bob);
    await Promise.all([anna.play("C: .\nS: 451 4.3.0 …"), bob.play("C: .\nS: 250 2.0.0 OK: queued as …")]);
  }
  await node.v1("PATCH", "/policy/parameters", { relaysPerBlock: 150 });
  await eventually(
    async () => await node.used("anna") === 0 || undefined,
    "what may have been reserved to be refunded",
  );
  assertEquals(await node.used("bob"), 3);
});

Deno.test("accounting: what an earlier start left reserved is refunded, also where the clock was set back meanwhile", async () => {
  const directory = await Deno.makeTempDir({ prefix: "mailhop-accounting-" });
  await using _ = { [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }) };
  const places = { database: `${directory}/control.db`, directory: `${directory}/spool`, newId: ulid };
  {
    using disk = new FailingDisk();
    await using node = await startTestNode(places);
    await node.account("anna", { blocks: 1 });
    using client = await node.login("anna");
    await upToTheDot(client);
    // It is not stored, and that it is to be refunded does not get through.
    disk.failingSyncs = 1;
    node.link.loses = (path) => path === "/v1/node/refunds";
    await client.play("C: .\nS: 452 4.3.1 …");
    assertEquals(await node.used("anna"), 1);
  }
  await using node = await startTestNode({ ...places, now: NOON - 60 * MINUTE_MS });
  await eventually(async () => await node.used("anna") === 0 || undefined, "the relay to be refunded");
});
