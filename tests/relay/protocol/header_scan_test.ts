/** What is read from a header section. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { scanHeader } from "../../../relay/protocol/header_scan.ts";

const encoder = new TextEncoder();
const scan = (...lines: string[]) => scanHeader(encoder.encode(lines.join("\r\n")));
const from = (value: string) => ({ fromFields: 1, fromValue: encoder.encode(value) });
const NOTHING = {
  ...{ receivedFields: 0, fromFields: 0, fromValue: null, messageIdField: null, ended: true },
  ...{ reportType: "none", autoSubmitted: "no", failedRecipientsField: false } as const,
};
const UNENDED = { ...NOTHING, ended: false };

Deno.test("header: Received and From fields are counted, Message-ID is read", () => {
  assertEquals(
    scan("Received: from a", "Received: from b", "From: a@example.com", "Message-ID: <1@example.com>", "", "body"),
    { ...NOTHING, ...from(" a@example.com\r\n"), receivedFields: 2, messageIdField: "<1@example.com>" },
  );
});

Deno.test("header: names are read in any case, with blanks before the colon, and folded values", () => {
  assertEquals(
    scan(
      "RECEIVED: a",
      "received : b",
      "ReCeIvEd\t :",
      " c",
      "from:",
      "\ta@example.com",
      "MESSAGE-id:",
      " <1@example.com>",
      "",
      "",
    ),
    { ...NOTHING, ...from("\r\n\ta@example.com\r\n"), receivedFields: 3, messageIdField: "<1@example.com>" },
  );
});

Deno.test("header: names that only begin alike are others", () => {
  assertEquals(
    scan(
      "Received-SPF: pass",
      "X-Received: a",
      "Fromage: b",
      "From a@example.com Mon",
      "Resent-From: c",
      "Message-IDs: d",
      ">From: e",
      "",
      "",
    ),
    NOTHING,
  );
});

Deno.test("header: a continuation line is no field, whatever stands in it", () => {
  assertEquals(scan("Subject: a", " From: b", "\tReceived: c", "From: d", "", ""), { ...NOTHING, ...from(" d\r\n") });
});

Deno.test("header: the body is not read", () => {
  assertEquals(scan("Subject: a", "", "From: b", "Received: c", "Message-ID: d"), NOTHING);
  assertEquals(scan("", "From: b"), NOTHING);
  assertEquals(scan(), UNENDED);
});

Deno.test("header: a section that ends with the message is read to its end", () => {
  assertEquals(scan("From: a", "Message-ID: <1>"), { ...UNENDED, ...from(" a\r\n"), messageIdField: "<1>" });
  assertEquals(scan("From"), UNENDED);
  assertEquals(scan("From:"), { ...UNENDED, ...from("") });
  assertEquals(scan("Message-ID"), UNENDED);
});

Deno.test("header: the value of the first From field is given as it came, folds and all, however long", () => {
  const long = `${"x".repeat(20_000)}\r\n ${"y".repeat(300)}`;
  assertEquals(scan("From : a,", "\tb", "From: c", "", "").fromValue, encoder.encode(" a,\r\n\tb\r\n"));
  assertEquals(scan(`From:${long}`, "", "").fromValue, encoder.encode(`${long}\r\n`));
});

Deno.test("header: the first Message-ID counts, without line ends, control characters or more than a line", () => {
  assertEquals(scan("Message-ID: <1>", "Message-ID: <2>", "").messageIdField, "<1>");
  assertEquals(scan("Message-ID: <1\0\x1b[31m", " 2>", "").messageIdField, "<1 [31m  2>");
  assertEquals(scan("Message-ID:", "").messageIdField, "");
  const long = scan(`Message-ID: <${"x".repeat(5000)}>`, "").messageIdField!;
  assertEquals(long.length <= 998 && long.startsWith("<xxx"), true);
});

Deno.test("header: of a Message-ID that is not UTF-8 no more than 998 octets are kept", () => {
  const field = scanHeader(Uint8Array.from([...encoder.encode("Message-ID: "), ...new Uint8Array(2000).fill(0xff)]));
  assertEquals(encoder.encode(field.messageIdField!).length <= 998, true);
});

Deno.test("property: the counts are those of a naive reading", () => {
  const line = fc.constantFrom(
    "Received: a",
    "From: b",
    "FROM : c",
    " folded",
    "\tFrom: d",
    "Subject: e",
    "Message-ID: <1>",
    "x",
    "",
  );
  fc.assert(fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
    const header = lines.includes("") ? lines.slice(0, lines.indexOf("")) : lines;
    const count = (name: RegExp) => header.filter((line) => name.test(line)).length;
    const { receivedFields, fromFields, messageIdField } = scan(...lines);
    assertEquals([receivedFields, fromFields], [count(/^received *:/i), count(/^from *:/i)]);
    assertEquals(messageIdField !== null, count(/^message-id:/i) > 0);
  }));
});
