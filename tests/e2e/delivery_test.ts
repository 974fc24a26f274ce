/** Mail finds the hosts of its recipients' domains in the DNS, over TLS where they have it, and comes back if refused. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { startDnsServer } from "../support/dns_server.ts";
import { endOf, eventAbout, eventsOf, type History } from "../support/history.ts";
import { NextHopServer } from "../support/next_hop_server.ts";
import { OctetClient } from "../support/octet_client.ts";
import { assertSameOctets, belowTrace, latin1 } from "../support/octets.ts";
import { eventually, openAccount, startRelay } from "../support/relay_process.ts";
import { SELF_SIGNED } from "../support/self_signed.ts";

const CONTENT = [
  "Subject: invitation",
  "From: anna@customer.test",
  "Message-ID: <invitation@customer.test>",
  "",
  "Will you come?",
  "",
].join("\r\n");
const NO_DIRK = "550 5.1.1 There is no dirk here";

Deno.test("delivery: by MX, with TLS where it is offered, over kept connections, with a DSN for who is refused", async (t) => {
  await using alpha = await NextHopServer.start({
    tls: SELF_SIGNED,
    script: (input) =>
      input === "content" ? "250 2.0.0 Kept by alpha as 77" : /^RCPT .*dirk/.test(input) ? NO_DIRK : undefined,
  });
  // All hosts found by MX have one port, so each has a loopback address of its own.
  const listen = (address: string, words: string) =>
    NextHopServer.start({ address, script: (input) => input === "content" ? words : undefined }, alpha.port);
  await using beta = await listen("127.0.0.2", "250 2.6.0 Beta has it");
  await using customer = await listen("127.0.0.3", "250 2.0.0 Back home");
  await using busy = await NextHopServer.start({
    address: "127.0.0.4",
    script: (input) => input === "greeting" ? "421 4.3.2 Not now" : undefined,
  }, alpha.port);
  await using dns = startDnsServer({
    "alpha.test": { MX: ["10 busy.alpha.test", "20 mx.alpha.test"] },
    "busy.alpha.test": { A: ["127.0.0.4"] },
    "mx.alpha.test": { A: ["127.0.0.1"] },
    "beta.test": { MX: ["5 mx.beta.test"] },
    "mx.beta.test": { A: ["127.0.0.2"] },
    "customer.test": { MX: ["10 mx.customer.test"] },
    "mx.customer.test": { A: ["127.0.0.3"] },
  });
  await using relay = await startRelay({
    MAILHOP_WORKERS: "2",
    MAILHOP_DNS: dns.setting,
    MAILHOP_MX_PORT: `${alpha.port}`,
    MAILHOP_ALLOW_PRIVATE_NEXT_HOPS: "true",
  });
  await using client = await OctetClient.open(relay, "anna", await openAccount(relay, "anna"));
  const send = (...recipients: string[]) => client.send("anna@customer.test", recipients, latin1(CONTENT));
  let invitation: History | undefined;

  await t.step("three recipients in two domains: one message for each next hop", async () => {
    const id = await send("ben@alpha.test", "carla@beta.test", "dirk@alpha.test");
    invitation = await endOf(relay, id);
    assertEquals(busy.transcript[0], "S: 421 4.3.2 Not now", "the better host was asked first");
    assertEquals(alpha.received.map(({ mailFrom, recipients }) => [mailFrom, recipients]), [
      ["anna@customer.test", ["ben@alpha.test"]],
    ]);
    assertEquals(beta.received.map(({ mailFrom, recipients }) => [mailFrom, recipients]), [
      ["anna@customer.test", ["carla@beta.test"]],
    ]);
    for (const { content } of [alpha.received[0]!, beta.received[0]!]) {
      assertSameOctets(belowTrace(content, id), CONTENT, "the invitation");
    }
  });

  await t.step("the history has each attempt: host, address, TLS and the server's own words", () => {
    const history = invitation!;
    assertEquals([history.status, history.relays], ["partial", 3]);
    assertEquals(history.recipients.toSorted((one, other) => one.address < other.address ? -1 : 1), [
      { address: "ben@alpha.test", status: "delivered" },
      { address: "carla@beta.test", status: "delivered" },
      { address: "dirk@alpha.test", status: "bounced" },
    ]);
    const attempt = (type: "delivered" | "bounced", recipient: string) => {
      const { recipients, host, address, tls, reply, attempt } = eventAbout(history, type, recipient);
      return { recipients, host, address, tls: tls?.split(" ")[0] ?? null, reply, attempt };
    };
    const atAlpha = { host: "mx.alpha.test", address: "127.0.0.1", tls: "TLSv1.3", attempt: 1 };
    assertEquals(attempt("delivered", "ben@alpha.test"), {
      ...atAlpha,
      recipients: ["ben@alpha.test"],
      reply: "250 2.0.0 Kept by alpha as 77",
    });
    assertEquals(attempt("bounced", "dirk@alpha.test"), {
      ...atAlpha,
      recipients: ["dirk@alpha.test"],
      reply: NO_DIRK,
    });
    assertEquals(attempt("delivered", "carla@beta.test"), {
      recipients: ["carla@beta.test"],
      host: "mx.beta.test",
      address: "127.0.0.2",
      tls: null,
      reply: "250 2.6.0 Beta has it",
      attempt: 1,
    });
    // The better host had no part in what became of them, and is there all the same.
    for (const recipient of ["ben@alpha.test", "dirk@alpha.test"]) {
      const { host, address, reply, attempt, nextAttemptAt } = eventAbout(history, "deferred", recipient);
      assertEquals([host, address, reply, attempt, nextAttemptAt], [
        "busy.alpha.test",
        "127.0.0.4",
        "421 4.3.2 Not now",
        1,
        null,
      ]);
    }
    assertEquals(history.events.length, 7, JSON.stringify(history.events));
  });

  await t.step("the sender gets a DSN about the refused recipient, through the relay, free of charge", async () => {
    const { dsnId, recipients } = eventsOf(invitation!, "returned")[0]!;
    assertEquals(recipients, ["dirk@alpha.test"]);
    const dsn = await eventually(() => customer.received[0], "the DSN at the sender's server");
    assertEquals([dsn.mailFrom, dsn.recipients], ["", ["anna@customer.test"]]);
    const [header = "", ...sections] = dsn.content.split(/\r\n\r\n|\r\n--[^\r]+\r\n/);
    assertMatch(header, /^Content-Type: multipart\/report; report-type=delivery-status;/m);
    assertMatch(header, /^Auto-Submitted: auto-/m);
    assertMatch(header, /^To: <anna@customer\.test>/m);
    const about = sections.find((section) => section.startsWith("Final-Recipient:")) ?? "";
    assertEquals(about.split("\r\n").filter((line) => !line.startsWith("Last-Attempt-Date: ")), [
      "Final-Recipient: rfc822; dirk@alpha.test",
      "Action: failed",
      "Status: 5.1.1",
      "Remote-MTA: dns; mx.alpha.test",
      `Diagnostic-Code: smtp; ${NO_DIRK}`,
    ]);
    assert(dsn.content.includes("Message-ID: <invitation@customer.test>"), "it has the header of the message");
    assert(!/ben@|carla@/.test(dsn.content), "who got it is not in the report");

    const report = await endOf(relay, dsnId!);
    assertEquals([report.account, report.sender, report.relays, report.status], ["anna", "", 0, "delivered"]);
    assertEquals(eventAbout(report, "delivered", "anna@customer.test").reply, "250 2.0.0 Back home");
    assertEquals(customer.received.length, 1);
    const { body: quota } = await relay.api<{ used: number }>("GET", "/accounts/anna/quota");
    assertEquals(quota.used, 3);
  });

  await t.step(
    "more messages to the same host use the same connection, over TLS with whatever certificate",
    async () => {
      for (const name of ["eva", "finn", "gerda", "hugo"]) {
        const id = await send(`${name}@alpha.test`);
        const { host, tls } = eventAbout(await endOf(relay, id), "delivered", `${name}@alpha.test`);
        assertEquals([host, tls?.split(" ")[0]], ["mx.alpha.test", "TLSv1.3"]);
      }
      assertEquals(alpha.received.map(({ tls, connection }) => [tls, connection]), Array(5).fill([true, 0]));
      assertEquals(alpha.connections.length, 1);
      assertEquals(alpha.transcript.filter((line) => line === "C: STARTTLS").length, 1);
      assertEquals(alpha.transcript.filter((line) => line.startsWith("C: EHLO relay.test")).length, 2);
    },
  );
});
