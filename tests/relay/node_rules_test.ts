/**
 * Every refusal that a customer can meet, with its exact code and words: a whole node with a false clock, spoken to
 * over a socket. How relays are counted is in node_accounting_test.ts.
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { Dialogue, plainResponse } from "../support/dialogue.ts";
import { FORGOTTEN_MS, MINUTE_MS, passwordOf, startTestNode } from "../support/node.ts";
import { sizedMessage } from "../support/sized_message.ts";

/** MAIL and RCPT as they are when nothing is wrong. */
const ENVELOPE = `
  C: MAIL FROM:<anna@example.com>
  S: 250 2.1.0 Sender OK
  C: RCPT TO:<friend@example.net>
  S: 250 2.1.5 Recipient OK
`;
const DATA = `
  C: DATA
  S: 354 End the message with a dot on a line of its own
`;
const MESSAGE = `
  ${ENVELOPE}
  ${DATA}
  C: From: anna@example.com
  C:
  C: Hello
  C: .
  S: 250 2.0.0 OK: queued as …
`;

function authPlain(username: string, password: string): string {
  return `AUTH PLAIN ${plainResponse(username, password)}`;
}

Deno.test("AUTH: MAIL before it gets 530 5.7.0", async () => {
  await using node = await startTestNode();
  using client = await node.hello();
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 530 5.7.0 Authentication required
    C: MAIL FROM:<>
    S: 530 5.7.0 Authentication required
  `);
});

Deno.test("AUTH: on a plain connection it gets 538 5.7.11 where the operator does not allow it", async () => {
  await using node = await startTestNode({ settings: { allowPlaintextAuth: false } });
  await node.account("anna", { blocks: 1 });
  using client = await node.hello();
  await client.play(`
    C: ${authPlain("anna", passwordOf("anna"))}
    S: 538 5.7.11 Encryption required: use STARTTLS or port 465
    C: AUTH LOGIN
    S: 538 5.7.11 Encryption required: use STARTTLS or port 465
  `);
});

Deno.test("AUTH: wrong password and unknown username get the same 535 5.7.8", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.hello();
  await client.play(`
    C: ${authPlain("anna", "not it")}
    S: 535 5.7.8 Authentication failed: check the username (not the e-mail address) and password
    C: ${authPlain("nobody", "not it")}
    S: 535 5.7.8 Authentication failed: check the username (not the e-mail address) and password
    C: AUTH LOGIN
    S: 334 VXNlcm5hbWU6
    C: ${btoa("anna@example.com")}
    S: 334 UGFzc3dvcmQ6
    C: ${btoa(passwordOf("anna"))}
    S: 535 5.7.8 Authentication failed: check the username (not the e-mail address) and password
    C: MAIL FROM:<anna@example.com>
    S: 530 5.7.0 Authentication required
  `);
});

Deno.test("AUTH: after too many failed logins it gets 454 4.7.0 for ten minutes, the right password too", async () => {
  await using node = await startTestNode({ settings: { maxAuthFailures: 2 } });
  await node.account("anna", { blocks: 1 });
  const client = await node.hello();
  await client.play(`
    C: ${authPlain("anna", "not it")}
    S: 535 5.7.8 Authentication failed: check the username (not the e-mail address) and password
    C: ${authPlain("anna", "not it either")}
    S: 535 5.7.8 Authentication failed: check the username (not the e-mail address) and password
    C: ${authPlain("anna", passwordOf("anna"))}
    S: 454 4.7.0 Too many failed logins: try again in 10 minutes
  `);
  client.close();
  node.pass(4 * MINUTE_MS);
  const later = await node.hello();
  await later.play(`
    C: ${authPlain("anna", passwordOf("anna"))}
    S: 454 4.7.0 Too many failed logins: try again in 6 minutes
  `);
  later.close();
  node.pass(6 * MINUTE_MS);
  (await node.login("anna")).close();
});

Deno.test("AUTH: where accounts cannot be looked up it gets 454 4.7.0, never a refusal", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  node.link.down = true;
  using client = await node.hello();
  await client.play(`
    C: ${authPlain("anna", passwordOf("anna"))}
    S: 454 4.7.0 Accounts cannot be looked up now: try again in a minute
    C: ${authPlain("anna", "not it")}
    S: 454 4.7.0 Accounts cannot be looked up now: try again in a minute
  `);
  node.link.down = false;
  await client.play(`C: ${authPlain("anna", passwordOf("anna"))}\nS: 235 2.7.0 Authenticated`);
});

Deno.test("control plane away: MAIL, RCPT and the end of the data get 451 4.3.0, and nothing is charged", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(ENVELOPE);
  node.link.down = true;
  node.pass(FORGOTTEN_MS);
  await client.play(`
    C: RCPT TO:<other@example.net>
    S: 451 4.3.0 Temporary local error: try again later
    ${DATA}
    C: From: anna@example.com
    C: .
    S: 451 4.3.0 Temporary local error: try again later
    C: MAIL FROM:<anna@example.com>
    S: 451 4.3.0 Temporary local error: try again later
  `);
  node.link.down = false;
  await client.play(MESSAGE);
  assertEquals(await node.used("anna"), 1);
});

Deno.test("control plane away: a drain ends all the same", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(ENVELOPE);
  node.link.down = true;
  await client.play(`
    ${DATA}
    C: From: anna@example.com
    C: .
    S: 451 4.3.0 Temporary local error: try again later
  `);
  client.close();
  await node.drain(0);
});

Deno.test("account: a suspended one gets 550 5.7.1 at MAIL and at the end of the data", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(ENVELOPE);
  await node.api("PATCH", "/anna", { status: "suspended" });
  await client.play(`
    ${DATA}
    C: From: anna@example.com
    C: .
    S: 550 5.7.1 Account suspended: contact the service's operator
  `);
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 550 5.7.1 Account suspended: contact the service's operator
  `);
  assertEquals(await node.used("anna"), 0);
});

Deno.test("account: a suspension inside a transaction reaches the next recipient", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(ENVELOPE);
  await node.api("PATCH", "/anna", { status: "suspended" });
  node.pass(FORGOTTEN_MS);
  await client.play(`
    C: RCPT TO:<other@example.net>
    S: 550 5.7.1 Account suspended: contact the service's operator
  `);
});

Deno.test("account: without any block it gets 550 5.7.1", async () => {
  await using node = await startTestNode();
  await node.account("anna");
  using client = await node.login("anna");
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 550 5.7.1 No relay blocks on this account
  `);
  // It is looked up anew each time: what was bought meanwhile is known.
  await node.buy("anna", 1);
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 451 4.7.1 Temporary local error: service activates at 2026-11-23T12:15:00Z (in 15 minutes)
  `);
});

Deno.test("account: suspended comes before no block, no block before pending, pending before quota", async () => {
  await using node = await startTestNode({ settings: { blockRelays: 1 } });
  await node.account("anna");
  using client = await node.login("anna");
  const suspend = (status: string) => node.api("PATCH", "/anna", { status });
  const mail = (reply: string) => client.play(`C: MAIL FROM:<anna@nowhere.example> SIZE=10485760\nS: ${reply}`);
  await suspend("suspended");
  await mail("550 5.7.1 Account suspended: contact the service's operator");
  await suspend("active");
  await mail("550 5.7.1 No relay blocks on this account");
  await node.buy("anna", 1);
  await suspend("suspended");
  await mail("550 5.7.1 Account suspended: contact the service's operator");
  await suspend("active");
  await mail("451 4.7.1 Temporary local error: service activates at 2026-11-23T12:15:00Z (in 15 minutes)");
  client.close();
  node.pass(15 * MINUTE_MS);
  using later = await node.login("anna");
  // Two relays are needed and there is one; and the sender's domain does not exist, which comes last.
  await later.play(`
    C: MAIL FROM:<anna@nowhere.example> SIZE=10485760
    S: 451 4.7.1 Daily relay quota exceeded: 0 of 1 used, this needs 2; resets at 2026-11-24T00:00:00Z
    C: MAIL FROM:<anna@nowhere.example>
    S: 550 5.1.8 …
  `);
});

Deno.test("sender: each thing that can be wrong with the domain has its own words", async () => {
  await using node = await startTestNode({
    zone: {
      "text-only.example": { TXT: ["v=spf1 -all"] },
      "ip-mx.example": { MX: ["10 192.0.2.5"] },
      "lost-mx.example": { MX: ["10 mx.lost-mx.example"] },
      "mx.lost-mx.example": { TXT: ["no address here"] },
      "no-mail.example": { MX: ["0 ."] },
      "broken.example": { fault: "SERVFAIL" },
      "late.example": { fault: "silent" },
      "address-only.example": { A: ["192.0.2.7"] },
    },
  });
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(`
    C: MAIL FROM:<anna@nowhere.example>
    S: 550 5.1.8 Sender verify failed: domain nowhere.example does not exist; check the spelling
    C: MAIL FROM:<anna@text-only.example>
    S: 550 5.1.8 Sender verify failed: domain text-only.example has no MX, A or AAAA record; check the spelling
    C: MAIL FROM:<anna@ip-mx.example>
    S: 550 5.1.8 Sender verify failed: domain ip-mx.example has an MX record that names an IP address instead of a host; check the spelling
    C: MAIL FROM:<anna@lost-mx.example>
    S: 550 5.1.8 Sender verify failed: domain lost-mx.example has MX records whose hosts have no A or AAAA record; check the spelling
    C: MAIL FROM:<anna@no-mail.example>
    S: 550 5.7.27 Sender verify failed: domain no-mail.example says by a null MX that it takes no mail
    C: MAIL FROM:<anna@broken.example>
    S: 451 4.4.3 Temporary local error: DNS lookup of broken.example failed; try again later
    C: MAIL FROM:<anna@late.example>
    S: 451 4.4.3 Temporary local error: DNS lookup of late.example failed; try again later
    C: MAIL FROM:<anna@address-only.example>
    S: 250 2.1.0 Sender OK
    C: RSET
    S: 250 2.0.0 OK
    C: MAIL FROM:<>
    S: 250 2.1.0 Sender OK
  `);
});

Deno.test("sender: a domain one edit away from one the account uses is asked for", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  await node.account("berta", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 250 2.1.0 Sender OK
    C: RSET
    S: 250 2.0.0 OK
    C: MAIL FROM:<anna@exmaple.com>
    S: 550 5.1.8 Sender verify failed: domain exmaple.com does not exist; did you mean example.com?
  `);
  using other = await node.login("berta");
  await other.play(`
    C: MAIL FROM:<berta@exmaple.com>
    S: 550 5.1.8 Sender verify failed: domain exmaple.com does not exist; check the spelling
  `);
});

Deno.test("sender: a refusal is never given from what the DNS said earlier", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(`
    C: MAIL FROM:<anna@new.example>
    S: 550 5.1.8 Sender verify failed: domain new.example does not exist; check the spelling
  `);
  node.dns.zone["new.example"] = { A: ["192.0.2.9"] };
  await client.play(`
    C: MAIL FROM:<anna@new.example>
    S: 250 2.1.0 Sender OK
  `);
});

Deno.test("From: more than one gets 550 5.6.0; none at all is let through", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(`
    ${ENVELOPE}
    ${DATA}
    C: From: anna@example.com
    C: Subject: two authors
    C: from : berta@example.com
    C:
    C: Hello
    C: .
    S: 550 5.6.0 More than one From field: a message has one (RFC 5322 3.6)
    ${ENVELOPE}
    ${DATA}
    C: Subject: no author
    C:
    C: From: the body does not count
    C: From: twice
    C: .
    S: 250 2.0.0 OK: queued as …
  `);
  await node.nextHop.until(({ received }) => received.length === 1);
  assertEquals(await node.used("anna"), 1);
});

Deno.test("recipient: a domain that does not exist gets 550 5.1.2, one with a null MX 556 5.1.10", async () => {
  await using node = await startTestNode({ zone: { "no-mail.example": { MX: ["0 ."] } } });
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    C: RCPT TO:<friend@nowhere.example>
    C: RCPT TO:<friend@no-mail.example>
    C: RCPT TO:<friend@example.net>
    S: 250 2.1.0 Sender OK
    S: 550 5.1.2 Recipient's domain nowhere.example does not exist; check the spelling
    S: 556 5.1.10 Recipient's domain no-mail.example says by a null MX that it takes no mail
    S: 250 2.1.5 Recipient OK
  `);
  assertEquals(node.dns.count("example.net"), 0, "a domain with a static route is not looked up");
});

Deno.test("recipient: trouble in the DNS accepts", async () => {
  await using node = await startTestNode({
    zone: { "broken.example": { fault: "SERVFAIL" }, "late.example": { fault: "silent" } },
  });
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 250 2.1.0 Sender OK
    C: RCPT TO:<friend@broken.example>
    S: 250 2.1.5 Recipient OK
    C: RCPT TO:<friend@late.example>
    S: 250 2.1.5 Recipient OK
    ${DATA}
    C: From: anna@example.com
    C: .
    S: 250 2.0.0 OK: queued as …
  `);
  assertEquals(await node.used("anna"), 2);
});

Deno.test("RCPT: the 101st recipient gets 452 4.5.3, and the first 100 go through", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play("C: MAIL FROM:<anna@example.com>\nS: 250 2.1.0 Sender OK");
  for (let n = 1; n <= 101; n++) await client.send(`RCPT TO:<friend${n}@example.net>\r\n`);
  for (let n = 1; n <= 100; n++) await client.play("S: 250 2.1.5 Recipient OK");
  await client.play(`
    S: 452 4.5.3 Too many recipients: at most 100 for one message
    ${DATA}
    C: From: anna@example.com
    C: .
    S: 250 2.0.0 OK: queued as …
  `);
  assertEquals(await node.used("anna"), 100);
  const arrived = () => node.nextHop.received.flatMap(({ recipients }) => [...recipients]);
  await node.nextHop.until(() => arrived().length >= 100);
  const wanted = Array.from({ length: 100 }, (_, n) => `friend${n + 1}@example.net`);
  assertEquals(arrived().sort(), wanted.sort());
});

for (const [what, line] of [["CR", "a\rb"], ["LF", "a\nb"], ["LF before a dot", "a\n.\r\nb"]] as const) {
  Deno.test(`data: a bare ${what} gets 550 5.6.0, and the message is dropped`, async () => {
    await using node = await startTestNode();
    await node.account("anna", { blocks: 1 });
    using client = await node.login("anna");
    await client.play(ENVELOPE + DATA);
    await client.send(`From: anna@example.com\r\n\r\n${line}\r\n.\r\n`);
    await client.play(`
      S: 550 5.6.0 Bare CR or LF: the sending program must end lines with CRLF
      ${MESSAGE}
    `);
    assertEquals(await node.used("anna"), 1);
    await node.nextHop.until(({ received }) => received.length === 1);
    assertEquals(node.nextHop.received[0]!.content.endsWith("\r\n\r\nHello\r\n"), true);
  });
}

Deno.test("data: over 50 Received fields get 554 5.4.6", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  const hops = (count: number) => "Received: from a by b; Mon, 23 Nov 2026 12:00:00 +0000\r\n".repeat(count);
  await client.play(ENVELOPE + DATA);
  await client.send(`${hops(51)}From: anna@example.com\r\n\r\n.\r\n`);
  await client.play("S: 554 5.4.6 Too many hops: over 50 Received fields, the message is probably in a loop");
  await client.play(ENVELOPE + DATA);
  await client.send(`${hops(50)}From: anna@example.com\r\n\r\n.\r\n`);
  await client.play("S: 250 2.0.0 OK: queued as …");
});

Deno.test("spool: what the disk does not take gets 452 4.3.1 and costs nothing; the next message is tried anew", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await Deno.remove(join(node.directory, "segments"));
  await client.play(`
    ${ENVELOPE}
    ${DATA}
    C: From: anna@example.com
    C: .
    S: 452 4.3.1 The message could not be stored: try again later
  `);
  await Deno.mkdir(join(node.directory, "segments"));
  await client.play(MESSAGE);
  await node.nextHop.until(({ received }) => received.length === 1);
  assertEquals(await node.used("anna"), 1);
});

Deno.test("spool: a large message that cannot be written gets 452 4.3.1 after it was read to its end", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await Deno.remove(join(node.directory, "large"));
  await client.play(ENVELOPE + DATA);
  for (const chunk of sizedMessage(1_000_000, "anna@example.com")) await client.send(chunk);
  await client.play(`
    C: .
    S: 452 4.3.1 The message could not be stored: try again later
    ${MESSAGE}
  `);
  assertEquals(await node.used("anna"), 1);
});

Deno.test("421: one connection too many from an address, or in all", async () => {
  for (
    const [settings, reply] of [
      [{ maxConnectionsPerAddress: 2 }, "421 4.7.0 Too many connections from your address: close some or try later"],
      [{ maxConnections: 2 }, "421 4.7.0 Too many connections: try again later"],
    ] as const
  ) {
    await using node = await startTestNode({ settings });
    using first = await node.hello();
    using _second = await node.hello();
    using third = await Dialogue.connect(node.port);
    await third.play(`S: ${reply}`);
    await third.ended();
    await first.play("C: NOOP\nS: 250 2.0.0 OK");
  }
});

Deno.test("421: who says nothing for five minutes hears 421 4.4.2", async () => {
  await using node = await startTestNode();
  using client = await node.hello();
  node.pass(5 * MINUTE_MS + 1);
  await client.play("S: 421 4.4.2 Idle for too long");
  await client.ended();
});

Deno.test("421: a drain says 421 4.3.2 to who is idle, and lets a transaction end first", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using idle = await node.hello();
  using busy = await node.login("anna");
  await busy.play(ENVELOPE + DATA);
  const drained = node.drain(30_000);
  await idle.play("S: 421 4.3.2 Shutting down: try again in a minute");
  await idle.ended();
  await busy.play(`
    C: From: anna@example.com
    C: .
    S: 250 2.0.0 OK: queued as …
    S: 421 4.3.2 Shutting down: try again in a minute
  `);
  await busy.ended();
  await drained;
  assertEquals(await node.used("anna"), 1);
});
