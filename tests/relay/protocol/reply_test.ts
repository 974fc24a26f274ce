/** Replies on the wire. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { badParameter, banner, replies, unknownParameter } from "../../../relay/protocol/replies.ts";
import { encodeReply, formatReply, type Reply, reply } from "../../../relay/protocol/reply.ts";

const MAX_LINE_OCTETS = 512;
const wire = (reply: Reply) => new TextDecoder("utf-8", { fatal: true }).decode(encodeReply(reply));

Deno.test("reply: one line, with and without a status code", () => {
  assertEquals(wire(reply(250, "2.0.0", "OK")), "250 2.0.0 OK\r\n");
  assertEquals(wire(reply(354, null, "Go")), "354 Go\r\n");
  assertEquals(wire(replies.emptyChallenge), "334 \r\n");
});

Deno.test("reply: every line of several but the last has a hyphen, each has the status code", () => {
  assertEquals(wire(reply(250, null, "relay", "SIZE 10", "HELP")), "250-relay\r\n250-SIZE 10\r\n250 HELP\r\n");
  assertEquals(wire(reply(550, "5.7.1", "No", "never")), "550-5.7.1 No\r\n550 5.7.1 never\r\n");
});

Deno.test("reply: a text that could split the reply is not made", () => {
  for (const text of ["a\r\nb", "\r", "\n", "\0", "\t", "\x7f", "\u0085", "\u009f"]) {
    assertThrows(() => reply(550, "5.0.0", "fine", text), TypeError);
  }
});

Deno.test("reply: a long line is cut to 512 octets, between characters", () => {
  for (const character of ["a", "ü", "漢", "🙂"]) {
    const octets = encodeReply(reply(550, "5.123.123", character.repeat(600)));
    const text = new TextDecoder("utf-8", { fatal: true }).decode(octets);
    assert(octets.length <= MAX_LINE_OCTETS && octets.length > MAX_LINE_OCTETS - 6, `${octets.length} octets`);
    assertEquals(text.replace(/^550 5\.123\.123 |\r\n$/g, "").replaceAll(character, ""), "", "whole characters only");
  }
});

Deno.test("property: whatever the text, a line is UTF-8 of at most 512 octets with one CRLF, at its end", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary", maxLength: 700 }), { minLength: 1, maxLength: 3 }), (texts) => {
      const lines = texts.map((text) => text.replace(/\p{Cc}/gu, " "));
      const sent = wire(reply(451, "4.7.1", ...lines)).split("\r\n");
      assertEquals(sent.length, lines.length + 1);
      assertEquals(sent.pop(), "");
      for (const line of sent) assert(new TextEncoder().encode(`${line}\r\n`).length <= MAX_LINE_OCTETS);
    }),
  );
});

Deno.test("reply: it cannot be changed once made, and is encoded once", () => {
  assert(Object.isFrozen(replies.ok) && Object.isFrozen(replies.ok.lines));
  assert(encodeReply(replies.ok) === encodeReply(replies.ok));
});

Deno.test("catalogue: each status code's class is its reply's, and only 220, 334 and 354 have none", () => {
  for (const [name, one] of Object.entries<Reply>(replies)) {
    if (one.enhanced === null) assert([220, 334, 354].includes(one.code), name);
    else assert(new RegExp(`^${Math.floor(one.code / 100)}\\.\\d{1,3}\\.\\d{1,3}$`).test(one.enhanced), name);
    assertEquals(formatReply(one).split("\r\n").length, 2, name);
  }
});

Deno.test("catalogue: replies that quote the client quote names only", () => {
  assertEquals(formatReply(unknownParameter("FOO")), "555 5.5.4 Unknown parameter FOO\r\n");
  assertEquals(
    formatReply(badParameter("SIZE", "a number")),
    "501 5.5.4 Bad value of parameter SIZE: expected a number\r\n",
  );
  assertEquals(formatReply(banner("relay.example")), "220 relay.example ESMTP MailHop\r\n");
});
