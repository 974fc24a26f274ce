/** DSN requests through the relay to a real Postfix, which reports on the delivery it was asked about. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startDnsServer } from "../support/dns_server.ts";
import { NextHopServer } from "../support/next_hop_server.ts";
import { OctetClient } from "../support/octet_client.ts";
import { needingPostfix, startPostfix } from "../support/postfix.ts";
import { eventually, openAccount, startRelay } from "../support/relay_process.ts";

Deno.test({
  ...needingPostfix(
    "DSN: Postfix as next hop reports the delivery, the relay the failure, each with the sender's names",
  ),
  async fn() {
    await using dns = startDnsServer({ "*": { MX: ["10 @"], A: ["127.0.0.1"] } });
    await using home = await NextHopServer.start();
    await using postfix = await startPostfix({
      parameters: {
        myhostname: "mx.example.test",
        virtual_mailbox_domains: "example.test",
        virtual_mailbox_maps: "texthash:$config_directory/mailboxes",
        // Its own reports go to the sender's server.
        default_transport: "smtp",
        relayhost: `[127.0.0.1]:${home.port}`,
      },
      files: { mailboxes: "ben@example.test ben/\n" },
    });
    await using relay = await startRelay({
      MAILHOP_DNS: dns.setting,
      MAILHOP_ROUTES: `example.test=127.0.0.1:${postfix.port},*=127.0.0.1:${home.port}`,
    });
    await using client = await OctetClient.open(relay, "anna", await openAccount(relay, "anna"));
    await client.say("MAIL FROM:<anna@customer.test> RET=HDRS ENVID=QQ+2B42", 250);
    await client.say("RCPT TO:<ben@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Benjamin+2B1@Example.test", 250);
    await client.say("RCPT TO:<nobody@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Nobody@Example.test", 250);
    await client.say("RCPT TO:<nowhere@example.test> NOTIFY=NEVER", 250);
    await client.say("DATA", 354);
    await client.say("Subject: DSN, please\r\n\r\nHello.\r\n.", 250);

    const reports = await eventually(
      () => home.received.length === 2 ? home.received.map(({ content }) => content) : undefined,
      "a DSN of Postfix and one of the relay",
    );
    const [delivered] = reports.filter((content) => content.includes("Action: delivered"));
    const [failed] = reports.filter((content) => content.includes("Action: failed"));
    assert(delivered !== undefined && failed !== undefined, reports.join("\n"));
    assertMatch(delivered, /^Reporting-MTA: dns; mx\.example\.test\r$/m);
    assertMatch(delivered, /^Original-Envelope-Id: QQ\+42\r$/m);
    // As a field it may be folded or spaced in its own way.
    assertMatch(delivered, /^Original-Recipient: rfc822; ?Benjamin\+1@Example\.test\r$/m);
    assertMatch(failed, /^Reporting-MTA: dns; relay\.test\r$/m);
    assertMatch(failed, /^Original-Envelope-Id: QQ\+42\r$/m);
    assertStringIncludes(
      failed,
      "\r\nOriginal-Recipient: rfc822; Nobody@Example.test\r\nFinal-Recipient: rfc822; nobody@example.test\r\n" +
        "Action: failed\r\nStatus: 5.1.1\r\n",
    );
    assertEquals(reports.some((content) => content.includes("nowhere@")), false);
  },
});
