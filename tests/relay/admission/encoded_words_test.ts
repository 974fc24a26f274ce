import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { decodeWords, WORD_READINGS } from "../../../relay/admission/encoded_words.ts";

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
  ["UTF-7, with a plus", "=?utf-7?q?M+APw-ller_1+-1?=", "Müller 1+1"],
  ["UTF-16 with a mark", "=?utf-16?b?/v8AYQ==?= =?utf-16?b?//5iAA==?=", "ab"],
  ["UTF-16 without", "=?utf-16?b?AGE=?= =?utf-16le?b?YgA=?= =?utf-16be?b?AGM=?=", "abc"],
  ["two without a blank", "=?utf-8?q?a?==?utf-8?q?b?=", "ab"],
];

for (const [title, text, decoded] of TABLE) {
  Deno.test(`encoded words: ${title}`, () => assertEquals(decodeWords(text), decoded));
}

Deno.test("encoded words: UTF-16 in either order, and each word by itself, for programs that read them so", () => {
  const texts = ["=?utf-16?q?=00a=00b?=", "=?utf-16?q?a=00b=00?=", "=?utf-8?q?=C3?= =?utf-8?q?=BC?="];
  const decoded = WORD_READINGS.map((reading) => texts.map((text) => decodeWords(text, reading)));
  assertEquals(decoded, [
    ["ab", "\u6100\u6200", "ü"],
    ["\u6100\u6200", "ab", "ü"],
    ["ab", "\u6100\u6200", "\ufffd\ufffd"],
    ["\u6100\u6200", "ab", "\ufffd\ufffd"],
  ]);
});

Deno.test("property: encoded words: whatever stands in them, nothing is thrown", () => {
  const piece = fc.constantFrom(
    "=?",
    "?=",
    "utf-8",
    "?q?",
    "?b?",
    "=",
    "=4",
    "YQ",
    "*",
    " ",
    "_",
    "é",
    "\0",
    "utf-16",
    "utf-7",
    "+",
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
    for (const reading of WORD_READINGS) assertEquals(typeof decodeWords(pieces.join(""), reading), "string");
  }));
});
