/** Which domains are read from a From field: rather too many than too few. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { authorDomains, MAX_AUTHOR_DOMAINS, MAX_FROM_OCTETS } from "../../../relay/admission/author_domains.ts";

const encoder = new TextEncoder();
const read = (value: string) => authorDomains(encoder.encode(value));

Deno.test("author: usual forms have the domains of their addresses, each once", () => {
  assertEquals(read(" anna@x.example\r\n"), ["x.example"]);
  assertEquals(read(' "Müller, Anna" <anna@X.Example>\r\n'), ["x.example"]);
  assertEquals(read(" anna@x.example, Bo <bo@y.example>, cy@x.example"), ["x.example", "y.example"]);
  assertEquals(read(" anna@bücher.example"), ["xn--bcher-kva.example"]);
  for (const nobody of ["", " \r\n", " Anna", " <>", " undisclosed:;", " @", " anna@localhost", " a@[192.0.2.1]"]) {
    assertEquals(read(nobody), [], nobody);
  }
});

/** All of them have claimed.example in them, as somebody may read it. */
const FORMS: readonly string[] = [
  "a@claimed.example",
  "<a@claimed.example>",
  "a@CLAIMED.Example.",
  "a@sub.claimed.example",
  "own@own.example, a@claimed.example",
  "a@claimed.example, own@own.example",
  "own@own.example;a@claimed.example",
  "Group: own@own.example, a@claimed.example;",
  "g: h: a@claimed.example;;",
  '"a@claimed.example" <own@own.example>',
  "a@claimed.example <own@own.example>",
  "own@own.example <a@claimed.example>",
  "<own@own.example> <a@claimed.example>",
  "'a@claimed.example' <own@own.example>",
  "“a@claimed.example” <own@own.example>",
  "own@own.example (a@claimed.example)",
  "(own@own.example) a@claimed.example",
  "(c) a (c) @ (c (c)) claimed (c) . (c) example (c)",
  '"(" <a@claimed.example> ")"',
  '"a b"@claimed.example',
  '"own@own.example"@claimed.example',
  '"a@claimed.example"@own.example',
  "a@own.example@claimed.example",
  "a@claimed.example@own.example",
  "<@own.example:a@claimed.example>",
  "<@claimed.example:a@own.example>",
  "<a@claimed.example",
  "a@claimed.example>",
  '"unclosed <a@claimed.example>',
  "(unclosed <a@claimed.example>",
  "a@claimed\r\n .example",
  "own@own.example,\r\n\ta@claimed.example",
  "a\r\n @\r\n claimed.example",
  "a@claimed.exam\0ple",
  "a@cla\\imed.example",
  'a@"claimed.example"',
  "a@claimed.example!x",
  "a@x!y.claimed.example",
  "a@cla\u00adimed.example",
  "a@claimed\u200b.example",
  "a@claimed。example",
  "a@ｃｌａｉｍｅｄ．example",
  "a＠claimed.example",
  "mailto:a@claimed.example",
  "=?utf-8?q?a=40claimed.example?= <own@own.example>",
  "=?utf-8?b?YUBjbGFp?= =?utf-8?b?bWVkLmV4YW1wbGU=?= <own@own.example>",
  "=?x-none?q?a=40claimed.example?=",
  "a@=?utf-8?q?claimed.example?=",
  ...utf16Forms("a@claimed.example"),
  // In words that are marked, each in its own way.
  `${word("utf-16", [0xff, 0xfe, ...utf16("a@", "le")])} ${word("utf-16", [0xfe, 0xff, ...utf16("claimed.example")])}`,
  // A program that decodes each word by itself loses an octet, and nothing more.
  `${word("utf-16", [...utf16("x"), 0x01])} ${word("utf-16", utf16("a@claimed.example"))}`,
  `${word("utf-16", utf16("a@claimed.ex").slice(0, -1))} ${word("utf-16", [0x78, ...utf16("ample")])}`,
  "=?utf-7?q?a+AEA-claimed.example?= <own@own.example>",
  "=?UNICODE-1-1-UTF-7?Q?+AGEAQABjAGwAYQBpAG0AZQBkAC4AZQB4AGEAbQBwAGwAZQ-?=",
  "=?utf-7?q?a+AEA?= =?utf-7?q?claimed.example?=",
  "=?utf-7?q?a+AE?= =?utf-7?q?A-claimed.example?=",
];

/** UTF-16 without a mark. */
function utf16(text: string, order: "be" | "le" = "be"): number[] {
  const ofUnit = (unit: number) => order === "be" ? [unit >> 8, unit & 0xff] : [unit & 0xff, unit >> 8];
  return Array.from({ length: text.length }, (_, at) => ofUnit(text.charCodeAt(at))).flat();
}

/** An encoded word of these octets. */
function word(charset: string, octets: readonly number[]): string {
  return `=?${charset}?b?${Uint8Array.from(octets).toBase64()}?=`;
}

/** In each of the ways that UTF-16 is written. */
function utf16Forms(text: string): string[] {
  const be = utf16(text, "be"), le = utf16(text, "le");
  const words = [
    word("utf-16", be),
    word("utf-16", le),
    word("utf-16", [0xfe, 0xff, ...be]),
    word("UTF-16", [0xff, 0xfe, ...le]),
    word("utf-16be", be),
    word("utf-16le", le),
    word("ucs-2", be),
  ];
  return words.map((each) => `${each} <own@own.example>`);
}

for (const form of FORMS) {
  Deno.test(`author: claimed.example is seen in ${JSON.stringify(form)}`, () => {
    const domains = read(` ${form}\r\n`)!;
    assert(domains.some((domain) => `.${domain}`.endsWith(".claimed.example")), domains.join());
  });
}

Deno.test("author: U-labels in UTF-8, in Latin-1, both, and A-labels are the same domain", () => {
  const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
  const wanted = "xn--bcher-kva.example";
  for (
    const value of [
      encoder.encode("a@BÜCHER.example"),
      encoder.encode("a@bu\u0308cher.example"), // decomposed
      encoder.encode("a@XN--BCHER-KVA.example"),
      latin1("a@b\xfccher.example"),
      // UTF-8, but not all of it
      Uint8Array.from([...latin1('"\xff" <'), ...encoder.encode("a@bücher.example>")]),
    ]
  ) assert(authorDomains(value)!.includes(wanted));
});

Deno.test("author: U-labels in UTF-16 of either order, and in UTF-7, are the same domain", () => {
  const wanted = "xn--e1afmkfd.example"; // пример.example: no octet of it is ASCII
  const forms = [...utf16Forms("a@пример.example"), "=?utf-7?q?a@+BD8EQAQ4BDwENQRA-.example?="];
  for (const form of forms) assert(read(` ${form}`)!.includes(wanted), form);
});

Deno.test("author: a field too long, or of too many domains, is not read at all", () => {
  const padded = (octets: number) => read("a@x.example".padEnd(octets));
  assertEquals(padded(MAX_FROM_OCTETS), ["x.example"]);
  assertEquals(padded(MAX_FROM_OCTETS + 1), null);
  const many = (count: number) => read(Array.from({ length: count }, (_, n) => `a@d${n}.example`).join(", "));
  assertEquals(many(MAX_AUTHOR_DOMAINS)?.length, MAX_AUTHOR_DOMAINS);
  assertEquals(many(MAX_AUTHOR_DOMAINS + 1), null);
});

Deno.test("property: author: an address is seen whatever stands around it", () => {
  const junk = fc.array(
    fc.constantFrom("<", ">", "(", ")", '"', "\\", ",", ";", ":", "[", "]", " ", "x", "=?", "?=", "é", "\xa0"),
    { maxLength: 15 },
  ).map((pieces) => pieces.join(""));
  fc.assert(fc.property(junk, junk, (before, behind) => {
    const domains = read(`${before}<a@claimed.example>${behind}`);
    assert(domains === null || domains.includes("claimed.example"), domains?.join());
  }));
});

Deno.test("property: author: what is found can be asked of the DNS", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
    for (const domain of authorDomains(octets) ?? []) assert(/^[!-~]{3,253}$/.test(domain), domain);
  }));
});
