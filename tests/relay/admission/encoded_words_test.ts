import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { decodeWords } from "../../../relay/admission/encoded_words.ts";

const TABLE: [title: string, text: string, decoded: string][] = [
  ["text without any", "Anna <a@x.example>", "Anna <a@x.example>"],
  ["Q", "=?utf-8?Q?M=C3=BCller=2C_Anna?=", "Müller, Anna"],
  ["B, with and without its padding", "=?UTF-8?B?YUB4?= =?utf-8?b?YQ==?= =?utf-8?b?YQ?=", "a@xaa"],
  ["blanks between two words, and beside other text", "x =?utf-8?q?a?= \t =?utf-8?q?b?= y", "x ab y"],
  ["another charset, with a language", "=?ISO-8859-1*de?Q?M=FCller?=", "Müller"],
  ["a character that two words share", "=?utf-8?q?M=C3?= =?utf-8?q?=BC?=", "Mü"],
  ["a charset that nobody knows", "=?x-none?q?a=40b?=", "a@b"],
  ["a digit too many", "=?utf-8?b?YWJjY?=", "abc"],
  ["what is not quite one", "=?utf-8?x?a?= =?utf-8?q?a? =??q?a?=", "=?utf-8?x?a?= =?utf-8?q?a? =??q?a?="],
  ["two without a blank", "=?utf-8?q?a?==?utf-8?q?b?=", "ab"],
];

for (const [title, text, decoded] of TABLE) {
  Deno.test(`encoded words: ${title}`, () => assertEquals(decodeWords(text), decoded));
}

Deno.test("property: encoded words: whatever stands in them, nothing is thrown", () => {
  const piece = fc.constantFrom("=?", "?=", "utf-8", "?q?", "?b?", "=", "=4", "YQ", "*", " ", "_", "é", "\0", "utf-16");
  fc.assert(fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
    assertEquals(typeof decodeWords(pieces.join("")), "string");
  }));
});
