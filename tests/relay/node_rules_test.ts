/**
 * What a customer meets by the sender, the recipients and the message itself: each reply with its exact code and words,
 * from a whole node with a false clock, spoken to over a socket. Accounts are in node_accounts_test.ts, how relays are
 * counted in node_accounting_test.ts.
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { DATA, ENVELOPE, MESSAGE, startTestNode } from "../support/node.ts";
import { NextHopServer } from "../support/next_hop_server.ts";
import { sizedMessage } from "../support/sized_message.ts";

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

Deno.test("recipient: a domain in U-labels whose A-labels have a static route is not looked up, and goes there", async () => {
  await using server = await NextHopServer.start({ extensions: ["SMTPUTF8", "8BITMIME"] });
  const domains = new Map([["xn--bcher-kva.example", { hostname: "127.0.0.1", port: server.port }]]);
  await using node = await startTestNode({ settings: { routes: { domains, rest: null } } });
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(`
    C: MAIL FROM:<anna@example.com> SMTPUTF8
    S: 250 2.1.0 Sender OK
    C: RCPT TO:<one@bücher.example>
    S: 250 2.1.5 Recipient OK
    C: RCPT TO:<two@BÜCHER.example>
    S: 250 2.1.5 Recipient OK
    C: RCPT TO:<three@bücherei.example>
    S: 550 5.1.2 Recipient's domain bücherei.example does not exist; check the spelling
    ${DATA}
    C: From: anna@example.com
    C: .
    S: 250 2.0.0 OK: queued as …
  `);
  assertEquals(node.dns.count("xn--bcher-kva.example"), 0);
  const arrived = () => server.received.flatMap(({ recipients }) => [...recipients]);
  await server.until(() => arrived().length >= 2);
  assertEquals(arrived().map((address) => address.split("@")[0]).sort(), ["one", "two"]);
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
  await Deno.remove(join(node.directory, "segments"), { recursive: true });
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

Deno.test("help: where the pages have a public address, refusals with advice end with it, and others do not", async () => {
  await using node = await startTestNode({ settings: { helpUrl: "https://smtp.example.org/help" } });
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(`
    C: MAIL FROM:<anna@nowhere.example>
    S: 550 5.1.8 Sender verify failed: domain nowhere.example does not exist; check the spelling; see https://smtp.example.org/help/sender-verify
    C: MAIL FROM:<anna@example.com> SIZE=52428801
    S: 552 5.3.4 Message too big: at most 52428800 bytes; see https://smtp.example.org/help/too-big
    C: MAIL FROM:<anna@example.com>
    S: 250 2.1.0 Sender OK
    C: RCPT TO:<friend@nowhere.example>
    S: 550 5.1.2 Recipient's domain nowhere.example does not exist; check the spelling
  `);
});
