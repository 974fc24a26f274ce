import { assertEquals, assertThrows } from "@std/assert";
import {
  MalformedReply,
  MAX_REPLY_LINE_OCTETS,
  MAX_REPLY_LINES,
  type RemoteReply,
  ReplyReader,
} from "../../../relay/delivery/reply_reader.ts";

const encoder = new TextEncoder();

function read(...chunks: Uint8Array[]): RemoteReply[] {
  const reader = new ReplyReader();
  const replies: RemoteReply[] = [];
  for (const chunk of chunks) {
    // The channel reads into the same buffer again and again.
    const buffer = chunk.slice();
    reader.push(buffer);
    buffer.fill(0);
    for (let reply = reader.next(); reply !== undefined; reply = reader.next()) replies.push(reply);
  }
  return replies;
}

const wire = "250-2.1.0 Sender\r\n250 2.1.0 ok\r\n550 5.1.1 No such user Jürgen\r\n354\r\n221-\r\n221 \r\n";
const replies: RemoteReply[] = [
  { code: 250, enhanced: "2.1.0", lines: ["2.1.0 Sender", "2.1.0 ok"] },
  { code: 550, enhanced: "5.1.1", lines: ["5.1.1 No such user Jürgen"] },
  { code: 354, enhanced: null, lines: [""] },
  { code: 221, enhanced: null, lines: ["", ""] },
];

Deno.test("reply reader: the same replies at every split into three chunks, and octet by octet", () => {
  const octets = encoder.encode(wire);
  for (let first = 0; first <= octets.length; first++) {
    for (let second = first; second <= octets.length; second++) {
      const chunks = [octets.subarray(0, first), octets.subarray(first, second), octets.subarray(second)];
      assertEquals(read(...chunks), replies);
    }
  }
  assertEquals(read(...Array.from(octets, (octet) => Uint8Array.of(octet))), replies);
});

Deno.test("reply reader: a bare LF ends a line, and the last line's code counts", () => {
  assertEquals(read(encoder.encode("250-a\n550 b\n")), [{ code: 550, enhanced: null, lines: ["a", "b"] }]);
});

Deno.test("reply reader: a status code of another class than the reply's is not one", () => {
  assertEquals(read(encoder.encode("550 4.7.1 odd\r\n"))[0]!.enhanced, null);
  assertEquals(read(encoder.encode("550 5.7.1234 odd\r\n"))[0]!.enhanced, null);
});

Deno.test("reply reader: what was not asked for shows", () => {
  const reader = new ReplyReader();
  reader.push(encoder.encode("220 go\r\n"));
  reader.next();
  assertEquals(reader.hasUnread, false);
  reader.push(encoder.encode("2"));
  assertEquals(reader.hasUnread, true);
});

const hostile: Record<string, string> = {
  "a line that never ends": "2".repeat(MAX_REPLY_LINE_OCTETS + 1),
  "a line that is too long": `250 ${"x".repeat(MAX_REPLY_LINE_OCTETS)}\r\n`,
  "a reply that never ends": "250-more\r\n".repeat(MAX_REPLY_LINES + 1),
  "a reply of too many octets": `250-${"x".repeat(4000)}\r\n`.repeat(20),
  "another protocol": "HTTP/1.1 400 Bad Request\r\n",
  "a code out of range": "650 what\r\n",
  "a code without a separator": "250ok\r\n",
};
for (const [what, text] of Object.entries(hostile)) {
  Deno.test(`reply reader: ${what} is refused`, () => {
    assertThrows(() => read(encoder.encode(text)), MalformedReply);
  });
}
