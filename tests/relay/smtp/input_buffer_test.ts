/** Lines cut from what was read, wherever the reads end. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { InputBuffer, type Line } from "../../../relay/smtp/input_buffer.ts";

const encoder = new TextEncoder();

/** Puts octets in as reads of at most `readOctets` would, and takes all lines after each. */
function lines(octets: Uint8Array, readOctets: number): string[] {
  const input = new InputBuffer();
  const found: string[] = [];
  for (let at = 0; at < octets.length;) {
    const room = input.room();
    const part = octets.subarray(at, at + Math.min(room.length, readOctets));
    room.set(part);
    input.filled(part.length);
    at += part.length;
    for (let line: Line | undefined; (line = input.line()) !== undefined;) {
      found.push("text" in line ? line.text : line.bad.lines[0]!);
      if ("bad" in line && line.fatal) return found;
    }
  }
  return found;
}
const all = (text: string, readOctets = Infinity) => lines(encoder.encode(text), readOctets);
const NOT_A_LINE = "A command is a line of text that ends with CRLF";
const NOT_TEXT = "A command is UTF-8 text without control characters";
const TOO_LONG = "Line too long";

Deno.test("input: a connection sees nothing of the one whose buffer it has", () => {
  const first = new InputBuffer();
  first.room().set(encoder.encode("AUTH PLAIN AGFubmEAc2VjcmV0\r\nMAIL"));
  first.filled(34);
  assertEquals(first.line(), { text: "AUTH PLAIN AGFubmEAc2VjcmV0" });
  first.release();
  const second = new InputBuffer();
  assertEquals([second.isEmpty, second.line()], [true, undefined]);
  second.room().set(encoder.encode("QU"));
  second.filled(2);
  assertEquals([second.line(), second.takeRest()], [undefined, encoder.encode("QU")]);
});

Deno.test("input: lines end with CRLF alone; a line with a bare CR or LF is none", () => {
  assertEquals(all("a\r\nb\r\n\r\nc"), ["a", "b", ""]);
  assertEquals(all("a\nb\r\n\nc\rd\r\ne\r\r\nf\r\n"), [NOT_A_LINE, "b", NOT_A_LINE, NOT_A_LINE, NOT_A_LINE, "f"]);
});

Deno.test("input: what is not UTF-8, or has control characters, is no line", () => {
  assertEquals(all("a\tb\r\na\0b\r\n\x7f\r\n\u0085\r\ngrüße 🙂\r\n"), [
    NOT_TEXT,
    NOT_TEXT,
    NOT_TEXT,
    NOT_TEXT,
    "grüße 🙂",
  ]);
  assertEquals(lines(Uint8Array.of(0x61, 0xff, 13, 10, 0x62, 13, 10), 1), [NOT_TEXT, "b"]);
  assertEquals(lines(Uint8Array.of(0xed, 0xa0, 0x80, 13, 10), 1), [NOT_TEXT], "a lone surrogate");
});

Deno.test("input: the longest line has 12,290 octets with its end; a longer one ends the session at once", () => {
  const longest = "x".repeat(12_288);
  for (const read of [1000, 4096, Infinity]) {
    assertEquals(all(`${longest}\r\nNOOP\r\n`, read), [longest, "NOOP"]);
    assertEquals(all(`${longest}x\r\nNOOP\r\n`, read), [TOO_LONG]);
    assertEquals(all("x".repeat(100_000), read), [TOO_LONG]);
  }
});

Deno.test("property: lines are the same however they were read", () => {
  const part = fc.constantFrom("NOOP", "\r\n", "\r\n", "\r", "\n", "\0", "ü", "x".repeat(3000), "MAIL FROM:<a@b>");
  fc.assert(fc.property(fc.array(part, { maxLength: 20 }), fc.integer({ min: 1, max: 5000 }), (parts, read) => {
    const text = parts.join("");
    const seen = all(text, read);
    assertEquals(seen, all(text));
    if (seen.includes(TOO_LONG)) return;
    assertEquals(seen.length, text.split("\n").length - 1);
  }));
});

Deno.test("input: what is put back is read next, also when it is more than the buffer held", () => {
  const input = new InputBuffer();
  for (const text of ["a\r\nb\r\n", `${"x".repeat(8000)}\r\nb\r\n`]) {
    input.putBack(encoder.encode(text));
    const rest = input.takeRest();
    assertEquals(input.isEmpty, true);
    input.putBack(rest.subarray(1));
    assertEquals([input.line(), input.line(), input.line()], [
      { text: text.split("\r\n")[0]!.slice(1) },
      { text: "b" },
      undefined,
    ]);
  }
});
