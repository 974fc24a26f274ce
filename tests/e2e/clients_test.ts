/** Mail programs that people use hand in a message, and it arrives as they composed it. */
import { Buffer } from "node:buffer";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createTransport, type SendMailOptions } from "nodemailer";
import { Customer } from "../support/customer.ts";
import { endOf } from "../support/history.ts";
import { needing } from "../support/installed.ts";
import { authorityFile } from "../support/octet_client.ts";
import { assertSameOctets, belowTrace, fromLatin1, utf8Octets } from "../support/octets.ts";
import { swaks } from "../support/swaks.ts";

/** The id in the 250 to the end of the data. */
function queuedAs(text: string): string {
  const [, id] = /250 2\.0\.0 OK: queued as (\w+)/.exec(text) ?? [];
  if (id === undefined) throw new Error(`no message id in:\n${text}`);
  return id;
}

Deno.test({
  ...needing("clients: swaks over STARTTLS with AUTH PLAIN, and over TLS with AUTH LOGIN", "swaks"),
  async fn(t) {
    await using customer = await Customer.start();
    const send = async (recipient: string, ...how: string[]) => {
      const { code, transcript } = await swaks(
        ...["--tls-verify", "--tls-ca-path", authorityFile(customer.relay), "--helo", "laptop.test"],
        ...["--auth-user", customer.username, "--auth-password", customer.password],
        ...["--from", "anna@customer.test", "--to", recipient, "--header", "Subject: Grüße", "--body", BODY],
        ...how,
      );
      assertEquals(code, 0, transcript);
      const { mailFrom, recipients, content } = await customer.arrived(recipient);
      assertEquals([mailFrom, recipients], ["anna@customer.test", [recipient]]);
      const id = queuedAs(transcript);
      assertStringIncludes(belowTrace(content, id), `\r\n\r\n${utf8Octets(BODY.replaceAll("\n", "\r\n"))}`);
      assertMatch(
        content,
        /^Received: from laptop\.test \(\[127\.0\.0\.1\]\)\r\n\tby relay\.test \(MailHop\) with ESMTPSA id /,
      );
      await customer.assertSubmittedSecurely(id, "laptop.test", recipient);
      return transcript;
    };

    await t.step("STARTTLS", async () => {
      const server = `127.0.0.1:${customer.relay.smtpPort}`;
      const transcript = await send("ben@example.test", "--server", server, "--tls", "--auth", "PLAIN");
      // In clear AUTH is not offered; over TLS STARTTLS is not.
      const [clear = "", secured = ""] = transcript.split("=== TLS started");
      assert(/^<- {2}250[ -]STARTTLS/m.test(clear) && !/^<- {2}250[ -]AUTH/m.test(clear), clear);
      assert(/^<~ {2}250[ -]AUTH PLAIN LOGIN/m.test(secured) && !/^<~ {2}250[ -]STARTTLS/m.test(secured), secured);
    });
    await t.step("TLS", async () => {
      const server = `127.0.0.1:${customer.relay.smtpsPort}`;
      const transcript = await send("carla@example.test", "--server", server, "--tls-on-connect", "--auth", "LOGIN");
      assertMatch(transcript, /^=== TLS started[^]*^<~ {2}220 relay\.test /m);
    });
  },
});

/** A dot in front of a line is the client's to stuff. */
const BODY = "Hello Ben,\n.one dot\n..two\nand 8-bit: äöü\n";

Deno.test("clients: nodemailer over STARTTLS and over TLS", async (t) => {
  await using customer = await Customer.start();
  const ca = await Deno.readTextFile(authorityFile(customer.relay));
  const send = async (recipient: string, port: number, secure: boolean) => {
    const message = letter(recipient);
    const transport = createTransport({
      host: "127.0.0.1",
      port,
      secure,
      requireTLS: !secure,
      name: "laptop.test",
      tls: { ca, servername: "relay.test" },
      auth: { user: customer.username, pass: customer.password },
    });
    try {
      const info = await transport.sendMail(message);
      assertEquals([info.accepted, info.rejected], [[recipient], []]);
      const id = queuedAs(info.response);
      const { content } = await customer.arrived(recipient);
      assertSameOctets(belowTrace(content, id), await composed(message), "nodemailer's message");
      await customer.assertSubmittedSecurely(id, "laptop.test", recipient);
      const { messageId, sizeBytes } = await endOf(customer.relay, id);
      assertEquals([messageId, sizeBytes], [message.messageId, (await composed(message)).length]);
    } finally {
      transport.close();
    }
  };
  await t.step("STARTTLS", () => send("ben@example.test", customer.relay.smtpPort, false));
  await t.step("TLS", () => send("carla@example.test", customer.relay.smtpsPort, true));
});

const OCTETS = Buffer.from(Uint8Array.from({ length: 100_000 }, (_, at) => at * 7 % 256));

/** Composed the same each time. */
function letter(recipient: string) {
  return {
    from: "Anna <anna@customer.test>",
    to: recipient,
    subject: "Grüße von unterwegs",
    messageId: `<${recipient.replace("@", ".")}@customer.test>`,
    date: new Date("2026-11-23T12:00:00Z"),
    text: "Hello,\n.a dot in front\n\nAnna",
    html: "<p>Hello,</p>",
    attachments: [{ filename: "octets.bin", content: OCTETS }],
    baseBoundary: "the-same-each-time",
  };
}

async function composed(message: SendMailOptions): Promise<string> {
  const transport = createTransport({ streamTransport: true, buffer: true, newline: "windows" });
  const { message: octets } = await transport.sendMail(message);
  return fromLatin1(octets as Uint8Array);
}
