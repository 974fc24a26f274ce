import { assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { DotStuffing } from "../../../relay/protocol/dot_stuffing.ts";
import { DotUnstuffing } from "../../../relay/protocol/dot_unstuffing.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function stuffed(chunks: readonly string[]): string {
  const stuffing = new DotStuffing();
  const octets = [...chunks.map((chunk) => stuffing.push(encoder.encode(chunk))), stuffing.end()];
  return octets.map((part) => decoder.decode(part)).join("");
}

/** RFC 5321 4.5.2, line by line. */
function oracle(content: string): string {
  const whole = content === "" || content.endsWith("\r\n") ? content : `${content}\r\n`;
  const lines = whole.split("\r\n").slice(0, -1).map((line) => line.startsWith(".") ? `.${line}` : line);
  return [...lines, "."].map((line) => `${line}\r\n`).join("");
}

const line = fc.string({ unit: fc.constantFrom(".", "a", " "), maxLength: 5 });
const content = fc.tuple(fc.array(line, { maxLength: 6 }), fc.boolean())
  .map(([lines, complete]) => lines.join("\r\n") + (complete && lines.length > 0 ? "\r\n" : ""));

Deno.test("dot stuffing: at every split of the chunks the output is that of the line-by-line rule", () => {
  fc.assert(fc.property(content, (text) => {
    for (let at = 0; at <= text.length; at++) {
      assertEquals(stuffed([text.slice(0, at), text.slice(at)]), oracle(text));
    }
    assertEquals(stuffed([...text]), oracle(text));
  }));
});

Deno.test("dot stuffing: what the edge would read from it is the content again", () => {
  fc.assert(fc.property(content, (text) => {
    const wire = encoder.encode(stuffed([text]));
    const unstuffing = new DotUnstuffing();
    let read = "";
    assertEquals(unstuffing.push(wire, (slice) => read += decoder.decode(slice)), wire.length);
    assertEquals(read, text === "" || text.endsWith("\r\n") ? text : `${text}\r\n`);
  }));
});

Deno.test("dot stuffing: a chunk without a dot at the start of a line is handed on, not copied", () => {
  const chunk = encoder.encode("one. two.\r\nthree\r\n");
  assertStrictEquals(new DotStuffing().push(chunk), chunk);
});
