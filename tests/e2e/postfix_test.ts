/** A real Postfix before the relay, as a customer's mail server, and one behind it, as a recipient's. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startDnsServer } from "../support/dns_server.ts";
import { endOf, eventAbout } from "../support/history.ts";
import { NextHopServer } from "../support/next_hop_server.ts";
import { authorityFile, OctetClient } from "../support/octet_client.ts";
import { assertSameOctets, belowTrace, fromLatin1, latin1, utf8Octets } from "../support/octets.ts";
import { needingPostfix, type Postfix, startPostfix } from "../support/postfix.ts";
import { eventually, openAccount, type RelayProcess, startRelay } from "../support/relay_process.ts";
import { SELF_SIGNED } from "../support/self_signed.ts";

const EVERY_DOMAIN = { "*": { MX: ["10 @"], A: ["127.0.0.1"] } };

Deno.test({
  ...needingPostfix("Postfix as a customer: relayhost with SASL over STARTTLS"),
  async fn() {
    await using dns = startDnsServer(EVERY_DOMAIN);
    await using hop = await NextHopServer.start();
    await using relay = await startRelay({ MAILHOP_DNS: dns.setting, MAILHOP_ROUTES: `*=127.0.0.1:${hop.port}` });
    await using postfix = await startCustomer(relay, "anna", await openAccount(relay, "anna"));

    const recipients = ["ben@example.test", "carla@example.test"];
    const body = "Hello,\n.a dot in front\n..two of them\nand 8-bit: äöü";
    await postfix.sendmail("anna@customer.test", recipients, `Subject: from Postfix\n\n${body}\n`);

    const received = await eventually(() => hop.received[0], "the message at the next hop");
    assertEquals([received.mailFrom, received.recipients.toSorted()], ["anna@customer.test", recipients]);
    const log = await sentLog(postfix, 2);
    assertStringIncludes(log, `Verified TLS connection established to 127.0.0.1[127.0.0.1]:${relay.smtpPort}`);
    // One transaction for both, each with the relay's reply and the id in it.
    const ids = [...log.matchAll(/dsn=2\.0\.0, status=sent \(250 2\.0\.0 OK: queued as (\w+)\)/g)].map(([, id]) => id!);
    assert(ids.length === 2 && ids[0] === ids[1], log);

    const submitted = belowTrace(received.content, ids[0]!);
    assertMatch(submitted, /^Received: by mail\.customer\.test \(Postfix/);
    assertSameOctets(
      submitted.slice(submitted.indexOf("\r\n\r\n") + 4),
      utf8Octets(`${body}\n`).replaceAll("\n", "\r\n"),
      "the body",
    );
    const history = await endOf(relay, ids[0]!);
    assertEquals([history.account, history.status, history.relays], ["anna", "delivered", 2]);
    const { origin } = eventAbout(history, "accepted", "ben@example.test");
    assertEquals([origin?.helo, origin?.protocol], ["mail.customer.test", "ESMTPSA"]);
    assertMatch(origin?.tls ?? "none", /^TLSv1\.3 /);
  },
});

/** A server that hands all its mail to the relay, whose certificate it verifies by name and authority. */
function startCustomer(relay: RelayProcess, username: string, password: string): Promise<Postfix> {
  const relayhost = `[127.0.0.1]:${relay.smtpPort}`;
  return startPostfix({
    parameters: {
      myhostname: "mail.customer.test",
      default_transport: "smtp",
      relayhost,
      smtp_tls_security_level: "secure",
      smtp_tls_CAfile: authorityFile(relay),
      smtp_tls_secure_cert_match: "relay.test",
      smtp_tls_loglevel: "1",
      smtp_sasl_auth_enable: "yes",
      smtp_sasl_password_maps: "texthash:$config_directory/passwords",
      smtp_sasl_security_options: "noanonymous",
    },
    files: { passwords: `${relayhost} ${username}:${password}\n` },
  });
}

/** The log, as soon as it says of so many recipients that their mail was sent. */
function sentLog(postfix: Postfix, recipients: number): Promise<string> {
  return eventually(async () => {
    const log = await postfix.log();
    return log.split("status=sent").length > recipients ? log : undefined;
  }, "Postfix to have sent the message");
}

Deno.test({
  ...needingPostfix("Postfix as next hop: over STARTTLS, octet for octet, and its refusals in its own words"),
  async fn(t) {
    await using dns = startDnsServer(EVERY_DOMAIN);
    await using home = await NextHopServer.start();
    await using postfix = await startPostfix({
      parameters: {
        myhostname: "mx.example.test",
        virtual_mailbox_domains: "example.test",
        virtual_mailbox_maps: "texthash:$config_directory/mailboxes",
        smtpd_tls_security_level: "may",
        smtpd_tls_chain_files: "$config_directory/tls.pem",
        smtpd_tls_loglevel: "1",
      },
      files: {
        mailboxes: "ben@example.test ben/\ncarla@example.test carla/\n",
        "tls.pem": SELF_SIGNED.key + SELF_SIGNED.cert,
      },
    });
    await using relay = await startRelay({
      MAILHOP_DNS: dns.setting,
      MAILHOP_ROUTES: `example.test=127.0.0.1:${postfix.port},*=127.0.0.1:${home.port}`,
    });
    await using client = await OctetClient.open(relay, "anna", await openAccount(relay, "anna"));

    await t.step("two get it, the third is refused, and the sender is told", async () => {
      const recipients = ["ben@example.test", "nobody@example.test", "carla@example.test"];
      const id = await client.send("anna@customer.test", recipients, latin1(CONTENT));
      const history = await endOf(relay, id);
      for (const name of ["ben", "carla"]) {
        const { tls, reply } = eventAbout(history, "delivered", `${name}@example.test`);
        assertMatch(tls ?? "none", /^TLSv1\.3 /);
        assertMatch(reply!, /^250 2\.0\.0 Ok: queued as [0-9A-F]+$/);
        assertSameOctets(belowPostfix(await onlyMail(postfix, name), id), CONTENT, name);
      }
      const refused = eventAbout(history, "bounced", "nobody@example.test");
      assertMatch(refused.reply!, /^550 5\.1\.1 <nobody@example\.test>: Recipient address rejected: User unknown/);
      const dsn = await eventually(() => home.received[0], "the DSN");
      assertEquals([dsn.mailFrom, dsn.recipients], ["", ["anna@customer.test"]]);
      assertStringIncludes(
        dsn.content,
        "Final-Recipient: rfc822; nobody@example.test\r\nAction: failed\r\nStatus: 5.1.1",
      );
    });

    await t.step("10 MB go through as they are, on the same connection", async () => {
      const content = CONTENT + `.${"0123456789abcdef".repeat(8)}\r\n`.repeat(80_000);
      const id = await client.send("anna@customer.test", ["ben@example.test"], latin1(content));
      await endOf(relay, id);
      const mail = await eventually(async () => (await postfix.maildir("ben"))[1], "the message in ben's maildir");
      assertSameOctets(belowPostfix(mail, id), content, "10 MB");
      assertEquals((await postfix.log()).split("TLS connection established from").length - 1, 1);
    });
  },
});

const CONTENT = [
  "Subject: for Postfix",
  "From: anna@customer.test",
  "",
  ".",
  "..",
  "...three",
  "",
  `8-bit: ${String.fromCharCode(...Array.from({ length: 128 }, (_, at) => at + 128))}`,
  "a".repeat(999),
  "b".repeat(70_000),
  ".",
  "",
].join("\r\n");

function onlyMail(postfix: Postfix, mailbox: string): Promise<Uint8Array> {
  return eventually(async () => (await postfix.maildir(mailbox))[0], `a message in ${mailbox}'s maildir`);
}

/** A message of a maildir with CRLF, without the fields that Postfix and then the relay put above it. */
function belowPostfix(mail: Uint8Array, id: string): string {
  const text = fromLatin1(mail).replaceAll("\n", "\r\n");
  return belowTrace(text.slice(text.indexOf("Received: from octets.test")), id);
}
