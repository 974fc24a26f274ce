/** The mail of a notice: what stands in it, and that nothing else gets in. */
import { assertEquals, assertMatch } from "@std/assert";
import type { NoticeMail } from "../../../api/client.ts";
import { noticeMessage } from "../../../relay/notices/notice_message.ts";

const NOON = Date.parse("2026-11-23T12:00:00Z");
const SENDER = { serviceName: "smtp.example.org", now: NOON };
const MAIL: NoticeMail = {
  id: "01KAR3J9S0R5Z6W4T2Q8M1N7XC",
  account: "anna",
  to: "anna@example.net",
  subject: "Four fifths of today's relays are used (anna)",
  paragraphs: [`${"word ".repeat(40).trim()}.`, "More about it: https://smtp.example.org/help/quota"],
};

const written = (change: Partial<NoticeMail> = {}) => noticeMessage({ ...MAIL, ...change }, SENDER);

Deno.test("notice's mail: the header of RFC 5322 and 3834, ids made from the notice's, short ASCII lines", () => {
  const { content, envelope } = written()!;
  const [header, body] = new TextDecoder().decode(content).split(/\r\n\r\n([^]*)/);
  assertEquals(header!.split("\r\n"), [
    "From: Mail relay <postmaster@smtp.example.org>",
    "To: <anna@example.net>",
    "Subject: Four fifths of today's relays are used (anna)",
    "Date: Mon, 23 Nov 2026 12:00:00 +0000",
    "Message-ID: <01KAR3J9S0R5Z6W4T2Q8M1N7XC@smtp.example.org>",
    "Auto-Submitted: auto-generated",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=us-ascii",
    "Content-Transfer-Encoding: 7bit",
  ]);
  assertMatch(body!, /^(?:[ -~]{0,78}\r\n)+$/);
  assertMatch(body!, /\r\n\r\nMore about it: https:\/\/smtp\.example\.org\/help\/quota\r\n$/);
  assertEquals([envelope.id, envelope.reversePath, envelope.recipients], [MAIL.id, "", ["anna@example.net"]]);
  assertEquals([envelope.reservation, envelope.origin], [null, null]);
});

Deno.test("notice's mail: what is no address, or has more than one line in it, is never written", () => {
  const addresses = [
    "anna@example.net\r\nBcc: eve@example.net",
    "anna@example.net\nBcc: eve@example.net",
    "anna@example.net>, <eve@example.net",
    "anna@example.net, eve@example.net",
    "anna@example.net> SIZE=1",
    "",
    "anna",
    "postmaster",
    "änna@example.net",
    `${"x".repeat(65)}@example.net`,
  ];
  for (const to of addresses) assertEquals(written({ to }), null, to);
  for (const text of ["a\r\nb", "a\nBcc: b", "a\0b", "ä", "\x7f", "\t"]) {
    assertEquals(written({ subject: text }), null, JSON.stringify(text));
    assertEquals(written({ paragraphs: ["fine", text] }), null, JSON.stringify(text));
  }
  assertEquals(written({ subject: "x".repeat(1000) }), null);
});

Deno.test("notice's mail: a long word stays whole, and a dot at the start of a line is an ordinary one", () => {
  const address = `https://smtp.example.org/${"x".repeat(200)}`;
  const text = new TextDecoder().decode(written({ paragraphs: [address, ".", `${"word ".repeat(15)}.`] })!.content);
  assertMatch(text, new RegExp(`\r\n${address}\r\n\r\n\\.\r\n`));
});
