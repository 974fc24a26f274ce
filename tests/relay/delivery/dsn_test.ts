import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { composeDsn } from "../../../relay/delivery/dsn.ts";
import type { ReturnedContent } from "../../../relay/delivery/returned_content.ts";
import type { Ending } from "../../../relay/delivery/round_outcome.ts";
import type { Envelope } from "../../../relay/envelope.ts";
import { encodeUtf8Address } from "../../../relay/protocol/utf8_address.ts";

const ACCEPTED_AT = Date.parse("2026-11-23T12:00:00Z");
const NOW = Date.parse("2026-11-23T12:05:00Z");

const original: Envelope = {
  id: "01ORIGINAL",
  account: "alice",
  reversePath: "alice@example.org",
  recipients: ["bob@example.net"],
  body: "8BITMIME",
  smtputf8: false,
  dsnRequest: null,
  sizeBytes: 100,
  receivedAt: ACCEPTED_AT,
  reservation: null,
  origin: null,
  policy: null,
  messageIdField: "<original@example.org>",
};

const bounced: Ending = {
  recipient: 0,
  forwardPath: "bob@example.net",
  status: "bounced",
  attempts: 1,
  nextAttemptAt: null,
  verdict: { kind: "failed", settled: true, status: "5.1.1", reply: "550 5.1.1 No such user", fromRemote: true },
  host: "mx1.example.net",
  address: "192.0.2.1",
  tls: null,
  tlsVerdict: null,
  dsnPassedOn: false,
  dsnAction: "failed",
  delayReported: false,
  passedOver: [],
};

interface Report {
  readonly fields: Map<string, string>;
  readonly parts: readonly { readonly fields: Map<string, string>; readonly text: string }[];
}

/** Header fields and body of one entity (RFC 5322 2.1), with folded lines joined. */
function parse(text: string): { fields: Map<string, string>; body: string } {
  const end = text.indexOf("\r\n\r\n");
  const head = text.slice(0, end).replace(/\r\n[\t ]/g, " ").split("\r\n");
  const fields = new Map(head.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  return { fields, body: text.slice(end + 4) };
}

function report(dsn: { content: Uint8Array }): Report {
  const text = new TextDecoder().decode(dsn.content);
  assert(text.endsWith("\r\n") && !/[^\r]\n|\r[^\n]/.test(text), "only CRLF ends lines");
  const { fields, body } = parse(text);
  const boundary = /boundary="([^"]+)"/.exec(fields.get("content-type")!)![1];
  const sections = body.split(`\r\n--${boundary}`);
  assertEquals(sections.at(-1), "--\r\n");
  const parts = sections.slice(1, -1).map((section) => {
    const { fields, body } = parse(section.slice(2));
    const base64 = fields.get("content-transfer-encoding") === "base64";
    return { fields, text: base64 ? new TextDecoder().decode(Uint8Array.fromBase64(body)) : body };
  });
  return { fields, parts };
}

function compose(failed: Ending[], header = "Subject: hi\r\n", envelope = original) {
  return composeWith({ kind: "header", octets: new TextEncoder().encode(header) }, failed, envelope);
}

function composeWith(returned: ReturnedContent, failed = [bounced], envelope = original) {
  return composeDsn({
    id: "01DSN",
    serviceName: "smtp.example.com",
    now: NOW,
    original: envelope,
    returned,
    action: "failed",
    endings: failed,
    retryUntil: NOW + 5 * 24 * 3_600_000,
  });
}

Deno.test("DSN: the envelope is from the null reverse path to the sender, of the same account, and costs nothing", () => {
  const { envelope, content } = compose([bounced]);
  assertEquals(envelope, {
    id: "01DSN",
    account: "alice",
    reversePath: "",
    recipients: ["alice@example.org"],
    body: "7BIT",
    smtputf8: false,
    dsnRequest: null,
    sizeBytes: content.length,
    receivedAt: NOW,
    reservation: null,
    origin: null,
    policy: null,
    messageIdField: "<01DSN@smtp.example.com>",
  });
});

Deno.test("DSN: a multipart/report whose fields say what it is", () => {
  const { fields, parts } = report(compose([bounced]));
  assertMatch(fields.get("content-type")!, /^multipart\/report; report-type=delivery-status; boundary=/);
  assertEquals(fields.get("from"), "Mail delivery <MAILER-DAEMON@smtp.example.com>");
  assertEquals(fields.get("to"), "<alice@example.org>");
  assertEquals(fields.get("auto-submitted"), "auto-replied");
  assertEquals(fields.get("date"), "Mon, 23 Nov 2026 12:05:00 +0000");
  assertEquals(fields.get("in-reply-to"), "<original@example.org>");
  assertEquals(parts.map(({ fields }) => fields.get("content-type")), [
    "text/plain; charset=us-ascii",
    "message/delivery-status",
    "text/rfc822-headers; charset=us-ascii",
  ]);
});

Deno.test("DSN: people read what happened to whom, in whose words, and what they can do", () => {
  const text = report(compose([bounced])).parts[0]!.text;
  assertStringIncludes(
    text.replace(/\s+/g, " "),
    "This is the mail relay smtp.example.com. It took your message at 2026-11-23T12:00:00Z",
  );
  assertStringIncludes(
    text.replace(/\s+/g, " "),
    "It could not be delivered to bob@example.net, because the server of example.net (mx1.example.net [192.0.2.1]) said: " +
      "550 5.1.1 No such user What you can do: check the address",
  );
  assertStringIncludes(text, "01ORIGINAL");
});

Deno.test("DSN: programs read one group of fields for each recipient", () => {
  const expired: Ending = {
    ...bounced,
    forwardPath: "carol@example.net",
    status: "expired",
    attempts: 36,
    verdict: {
      kind: "deferred",
      settled: false,
      status: "4.4.1",
      reply: "mx1.example.net [192.0.2.1] did not answer in time",
      fromRemote: false,
    },
  };
  const groups = report(compose([bounced, expired])).parts[1]!.text.trimEnd().split("\r\n\r\n").map((group) =>
    group.split("\r\n")
  );
  assertEquals(groups, [
    ["Reporting-MTA: dns; smtp.example.com", "Arrival-Date: Mon, 23 Nov 2026 12:00:00 +0000"],
    [
      "Final-Recipient: rfc822; bob@example.net",
      "Action: failed",
      "Status: 5.1.1",
      "Remote-MTA: dns; mx1.example.net",
      "Diagnostic-Code: smtp; 550 5.1.1 No such user",
      "Last-Attempt-Date: Mon, 23 Nov 2026 12:05:00 +0000",
    ],
    [
      "Final-Recipient: rfc822; carol@example.net",
      "Action: failed",
      "Status: 4.4.7",
      "Remote-MTA: dns; mx1.example.net",
      "Last-Attempt-Date: Mon, 23 Nov 2026 12:05:00 +0000",
    ],
  ]);
});

Deno.test("DSN: the original's header is there; what is not plain ASCII is encoded", () => {
  assertEquals(report(compose([bounced], "Subject: hi\r\nTo: bob\r\n")).parts[2]!.text, "Subject: hi\r\nTo: bob\r\n");
  const odd = `Subject: Grüße\r\nX-Long: ${"x".repeat(2000)}\r\n`;
  const dsn = compose([bounced], odd);
  assertEquals(report(dsn).parts[2]!.text, odd);
  assert(dsn.content.every((octet) => octet < 0x80), "7-bit");
});

Deno.test("DSN: addresses beyond ASCII, in the status in their 7-bit form", () => {
  const envelope = { ...original, reversePath: "jürgen@example.org" };
  const dsn = compose([{ ...bounced, forwardPath: "zoë@example.net" }], "", envelope);
  assertEquals(dsn.envelope.smtputf8, true);
  const { fields, parts } = report(dsn);
  assertEquals(fields.get("to"), "<jürgen@example.org>");
  assertStringIncludes(parts[1]!.text, "Final-Recipient: utf-8; zo\\x{EB}@example.net");
  assertStringIncludes(parts[0]!.text, "zoë@example.net");
});

Deno.test("DSN: a Message-ID of the original that could hold anything else is not repeated", () => {
  const envelope = { ...original, messageIdField: "<a@b> (comment)" };
  assertEquals(report(compose([bounced], "", envelope)).fields.has("in-reply-to"), false);
});

Deno.test("DSN: with an 8-bit original inside, the whole is 8bit as well (RFC 2045 6.4)", () => {
  const encodings = (text: string) => {
    const dsn = composeWith({ kind: "message", octets: new TextEncoder().encode(text) });
    const { fields, parts } = report(dsn);
    const inside = parts.map(({ fields }) => fields.get("content-transfer-encoding"));
    return [dsn.envelope.body, fields.get("content-transfer-encoding"), ...inside];
  };
  assertEquals(encodings("Subject: hi\r\n\r\nGrüße\r\n"), ["8BITMIME", "8bit", "7bit", "7bit", "8bit"]);
  assertEquals(encodings("Subject: hi\r\n\r\nHello\r\n"), ["7BIT", undefined, "7bit", "7bit", "7bit"]);
});

Deno.test("DSN: a header that is not UTF-8 is given back octet for octet", () => {
  const octets = Uint8Array.from("Subject: Gr\xfc\xdfe\r\nFrom: a@example.org\r\n", (each) => each.charCodeAt(0));
  const dsn = composeWith({ kind: "header", octets });
  const { fields } = report(dsn).parts[2]!;
  assertEquals(fields.get("content-type"), "text/rfc822-headers; charset=unknown-8bit");
  const base64 = /\r\n\r\n([A-Za-z0-9+/=\r\n]+)\r\n\r\n--[^\r]+--\r\n$/.exec(
    new TextDecoder().decode(dsn.content),
  )![1]!;
  assertEquals(Uint8Array.fromBase64(base64), octets);
});

Deno.test("DSN: the status is never encoded (RFC 3464 2.1), however long what it is made of", () => {
  const orcpt = `utf-8;${"é".repeat(240)}@example.net`;
  const dsnRequest = { ret: null, envid: "+20".repeat(100), recipients: [{ notify: null, orcpt }] };
  // What takes the most in 7-bit form: blanks in a local part of 64 octets, letters of two octets behind.
  const forwardPath = `"${" ".repeat(62)}"@${"ü".repeat(30)}.${"ü".repeat(30)}.${"ü".repeat(30)}.de`;
  const verdict = { ...bounced.verdict, reply: "550 " + "é".repeat(500) };
  const dsn = composeWith(
    { kind: "header", octets: new Uint8Array(0) },
    [{ ...bounced, forwardPath, verdict, host: `${"m".repeat(63)}.`.repeat(4) }],
    { ...original, dsnRequest },
  );
  const { fields, text } = report(dsn).parts[1]!;
  assertEquals(fields.get("content-transfer-encoding"), "7bit");
  assertStringIncludes(text, `Final-Recipient: utf-8; ${encodeUtf8Address(forwardPath)}\r\n`);
});
