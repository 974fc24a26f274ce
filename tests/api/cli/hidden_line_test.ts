import { assertEquals } from "@std/assert";
import { HiddenLineReader } from "../../../api/cli/hidden_line.ts";

const keys = (text: string) => new TextEncoder().encode(text);
const typed = (text: string) => new HiddenLineReader().type(keys(text));

const lines: readonly (readonly [string, string, string])[] = [
  ["Enter ends the line", "secret\r", "secret"],
  ["a line feed ends it too", "secret\nmore", "secret"],
  ["Backspace takes a character back", "secrex\x7ft\r", "secret"],
  ["Backspace takes all octets of a character back", "aß送\x08\x7fb\r", "ab"],
  ["Backspace at the beginning does nothing", "\x7fa\r", "a"],
  ["Ctrl-U takes the line back", "wrong\x15right\r", "right"],
  ["cursor and function keys are no text", "a\x1b[Ab\x1b[15~c\x1bOPd\r", "abcd"],
  ["other controls are no text", "a\tb\x00\r", "ab"],
];

for (const [name, input, text] of lines) {
  Deno.test(`hidden line: ${name}`, () => assertEquals(typed(input), { kind: "line", text }));
}

Deno.test("hidden line: the same, key by key", () => {
  for (const [, input, text] of lines) {
    const reader = new HiddenLineReader();
    let line = null;
    for (const key of keys(input)) line ??= reader.type(Uint8Array.of(key));
    assertEquals(line, { kind: "line", text });
  }
});

Deno.test("hidden line: Ctrl-C and Ctrl-D give up", () => {
  assertEquals(typed("secret\x03"), { kind: "cancelled" });
  assertEquals(typed("\x04"), { kind: "cancelled" });
});

Deno.test("hidden line: there is none before Enter", () => assertEquals(typed("secret"), null));
