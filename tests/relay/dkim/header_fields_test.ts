/** How fields are told apart in a header section. */
import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { headerFields, valuesOf } from "../../../relay/dkim/header_fields.ts";

const latin1 = (text: string) => Buffer.from(text, "latin1");

Deno.test("header fields: a name is found in any case, with blanks before its colon, and its value with its folds", () => {
  const section = latin1("To: a\r\nFROM \t: b\r\n c\r\nX-From: d\r\nfrom e\r\nfrom:\r\nSubject: from: f\r\n");
  assertEquals(valuesOf(section, "from").map((value) => Buffer.from(value).toString("latin1")), [
    " b\r\n c\r\n",
    "\r\n",
  ]);
});

Deno.test("header fields: those of one name are the same whether all are read or these alone", () => {
  const piece = fc.constantFrom(
    "from",
    "From",
    "FROM",
    "fr",
    "om",
    ":",
    " ",
    "\t",
    "\r\n",
    "\n",
    "\r",
    "\xa0",
    "\x0b",
    "x",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const section = latin1(pieces.join(""));
      const among = headerFields(section).filter(({ name }) => name === "from").map(({ value }) => value);
      assertEquals(valuesOf(section, "from").map((value) => Buffer.from(value).toString("latin1")), among);
    }),
    { numRuns: 5000 },
  );
});
