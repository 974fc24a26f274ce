import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decodeXtext, encodeXtext } from "../../../relay/protocol/xtext.ts";

const printable = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) });

Deno.test("xtext: what was encoded is decoded again, and can stand in a parameter", () => {
  fc.assert(fc.property(printable, (text) => {
    const xtext = encodeXtext(text);
    assertEquals(decodeXtext(xtext), text);
    assert(/^[!-<>-~]*$/.test(xtext), xtext);
  }));
});

Deno.test("xtext: whatever decodes is printable ASCII, and nothing else does", () => {
  const unit = fc.constantFrom(
    "a",
    "+",
    "=",
    " ",
    "\\",
    "0",
    "2",
    "B",
    "b",
    "7",
    "F",
    "D",
    "é",
    "\0",
    "\r",
    "+0D",
    "+41",
  );
  fc.assert(
    fc.property(fc.string({ unit }), (text) => {
      const decoded = decodeXtext(text);
      const naive = /^(?:[!-~]|\+[0-9A-F]{2})*$/.test(text) && !/[=]|\+(?![0-9A-F]{2})/.test(text);
      if (decoded !== undefined) assert(naive && /^[ -~]*$/.test(decoded), text);
      else assert(!naive || /\+(?:[01][0-9A-F]|7F|[89A-F][0-9A-F])/.test(text), text);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("xtext: only printable ASCII is encoded", () => {
  assertEquals(encodeXtext("a+b=c d"), "a+2Bb+3Dc+20d");
  for (const text of ["a\r\nb", "ü", "\x7f"]) assertThrows(() => encodeXtext(text), TypeError);
});
