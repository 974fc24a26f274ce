/** Programs that send mail from a command line, a script or a whole machine hand in a message, and it arrives. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Customer } from "../support/customer.ts";
import { needingExim, satellite, sendByExim } from "../support/exim.ts";
import { needing } from "../support/installed.ts";
import { authorityFile } from "../support/octet_client.ts";
import { belowTrace, messageId, utf8Octets } from "../support/octets.ts";
import { type ProgramRun, runProgram } from "../support/program.ts";

/** How one program is told to send: over STARTTLS, or with TLS from the start. */
type Send = (customer: Customer, recipient: string, tlsOnConnect: boolean) => Promise<ProgramRun>;

const HELO = "laptop.test";
const TEXT = "Hello,\n.one dot\n..two of them\n\nand 8-bit: äöü\n";

function message(recipient: string): string {
  return `From: anna@customer.test\nTo: ${recipient}\nSubject: Hello\nMIME-Version: 1.0\n` +
    `Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n${TEXT}`;
}

/** Each way in turn: the message arrives, and its history says how it came. */
async function sendsBothWays(t: Deno.TestContext, send: Send, helo = HELO): Promise<void> {
  await using customer = await Customer.start();
  for (const tlsOnConnect of [false, true]) {
    const way = tlsOnConnect ? "TLS" : "STARTTLS";
    await t.step(way, async () => {
      const recipient = `${way.toLowerCase()}@example.test`;
      const { code, output } = await send(customer, recipient, tlsOnConnect);
      assertEquals(code, 0, output);
      const { mailFrom, recipients, content } = await customer.arrived(recipient);
      assertEquals([mailFrom, recipients], [customer.address, [recipient]]);
      const id = messageId(content);
      assertStringIncludes(belowTrace(content, id), `\r\n\r\n${utf8Octets(TEXT).replaceAll("\n", "\r\n")}`);
      await customer.assertSubmittedSecurely(id, helo, recipient);
    });
  }
}

function port({ relay }: Customer, tlsOnConnect: boolean): number {
  return tlsOnConnect ? relay.smtpsPort : relay.smtpPort;
}

Deno.test({
  ...needing("clients: msmtp over STARTTLS and over TLS, from a configuration file", "msmtp"),
  fn: (t) =>
    sendsBothWays(t, async (customer, recipient, tlsOnConnect) => {
      const configuration = await Deno.makeTempFile({ prefix: "mailhop-msmtp-" });
      try {
        await Deno.writeTextFile(
          configuration,
          `
account relay
host 127.0.0.1
port ${port(customer, tlsOnConnect)}
tls on
tls_starttls ${tlsOnConnect ? "off" : "on"}
tls_trust_file ${authorityFile(customer.relay)}
auth on
user ${customer.username}
password "${customer.password}"
from ${customer.address}
domain ${HELO}
`,
        );
        const args = [`--file=${configuration}`, "--account=relay", "--debug", recipient];
        return await runProgram("msmtp", args, message(recipient));
      } finally {
        await Deno.remove(configuration);
      }
    }),
});

Deno.test({
  ...needing("clients: curl over STARTTLS and over TLS", "curl"),
  fn: (t) =>
    sendsBothWays(t, (customer, recipient, tlsOnConnect) => {
      const scheme = tlsOnConnect ? "smtps" : "smtp";
      const args = [
        ...["--url", `${scheme}://127.0.0.1:${port(customer, tlsOnConnect)}/${HELO}`, "--ssl-reqd"],
        ...["--cacert", authorityFile(customer.relay), "--user", `${customer.username}:${customer.password}`],
        ...["--mail-from", customer.address, "--mail-rcpt", recipient, "--crlf", "--upload-file", "-"],
        ...["--no-progress-meter", "--verbose"],
      ];
      return runProgram("curl", args, message(recipient));
    }),
});

/** Arguments: address, port, "tls" or "starttls", authority, name of the client, username, password, sender, recipient. */
const SMTPLIB = `
import email, smtplib, ssl, sys
host, port, way, authority, helo, username, password, sender, recipient = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
if way == "tls":
    client = smtplib.SMTP_SSL(host, int(port), local_hostname=helo, context=context)
else:
    client = smtplib.SMTP(host, int(port), local_hostname=helo)
    client.starttls(context=context)
with client:
    client.login(username, password)
    message = email.message_from_binary_file(sys.stdin.buffer)
    client.send_message(message, sender, [recipient], ["BODY=8BITMIME"])
`;

Deno.test({
  ...needing("clients: Python's smtplib over STARTTLS and over TLS", "python3"),
  fn: (t) =>
    sendsBothWays(t, (customer, recipient, tlsOnConnect) => {
      const { relay, username, password, address } = customer;
      const args = [
        ...["-c", SMTPLIB, "127.0.0.1", String(port(customer, tlsOnConnect)), tlsOnConnect ? "tls" : "starttls"],
        ...[authorityFile(relay), HELO, username, password, address, recipient],
      ];
      return runProgram("python3", args, message(recipient));
    }),
});

Deno.test({
  ...needing("clients: s-nail over STARTTLS and over TLS", "s-nail"),
  fn: (t) =>
    sendsBothWays(t, (customer, recipient, tlsOnConnect) => {
      const { relay, username, password, address } = customer;
      // It compares names only: the certificate has 127.0.0.1 as an address.
      const login = `${username}:${encodeURIComponent(password)}@localhost`;
      const settings = {
        mta: `${tlsOnConnect ? "smtps" : "smtp"}://${login}:${port(customer, tlsOnConnect)}`,
        "tls-verify": "strict",
        "tls-ca-file": authorityFile(relay),
        "smtp-auth": "plain",
        "smtp-hostname": "customer.test",
        hostname: HELO,
        from: address,
        "mime-encoding": "8b",
        ttycharset: "utf-8",
      };
      const args = [
        // Nobody's start-up files; a message that is not sent is nobody's draft.
        ...["-:/", "-Sv15-compat", "-Snosave", "-Ssendwait", "-Stls-ca-no-defaults"],
        ...(tlsOnConnect ? [] : ["-Ssmtp-use-starttls"]),
        ...Object.entries(settings).map(([name, value]) => `-S${name}=${value}`),
        ...["-v", "-s", "Hello", recipient],
      ];
      return runProgram("s-nail", args, TEXT);
    }),
});

Deno.test({
  ...needingExim("clients: Exim as a satellite, with AUTH over STARTTLS and over TLS"),
  fn: (t) =>
    sendsBothWays(t, async (customer, recipient, tlsOnConnect) => {
      const { relay, username, password, address } = customer;
      const smartHost = { address: "127.0.0.1", port: port(customer, tlsOnConnect), tlsOnConnect, username, password };
      const letter = { sender: address, recipients: [recipient], text: message(recipient) };
      const sections = (authorityFile: string) => satellite({ ...smartHost, authorityFile });
      const run = await sendByExim(authorityFile(relay), sections, "mail.customer.test", letter);
      // Delivered, with the certificate verified, and the relay's own reply.
      assertMatch(run.log, / => \S+ .*\bCV=yes\b.* C="250 2\.0\.0 OK: queued as \w+"/, run.log + run.output);
      return run;
    }, "mail.customer.test"),
});
