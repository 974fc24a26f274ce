/** MTA-STS records and policies as they are written, well and badly. */
import { assertEquals } from "@std/assert";
import { announcedId, namesHost, parsePolicy } from "../../../relay/mta_sts/policy.ts";

const POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n";
const READ = { mode: "enforce" as const, maxAgeSeconds: 604_800, mx: ["mx1.example.com", "*.example.net"] };

const RECORDS: readonly (readonly [records: string[], id: string | null])[] = [
  [["v=STSv1; id=20160831085700Z;"], "20160831085700Z"],
  [["v=STSv1;id=1"], "1"],
  [["v=STSv1; foo=bar; id = abc ; baz=1"], "abc"],
  [["v=spf1 -all", "v=STSv1; id=1;"], "1"],
  [["v=STSv1; id=1;", "v=STSv1; id=2;"], null],
  [["v=STSv1; id=;"], null],
  [["v=STSv1; id=a-b;"], null],
  [[`v=STSv1; id=${"1".repeat(33)};`], null],
  [["v=STSv1"], null],
  [["v=STSv2; id=1;"], null],
  [["id=1; v=STSv1;"], null],
  [[], null],
];
for (const [records, id] of RECORDS) {
  Deno.test(`MTA-STS record: ${JSON.stringify(records)} announces ${id}`, () => assertEquals(announcedId(records), id));
}

Deno.test("MTA-STS policy: read with CRLF or LF, with blanks, with fields that nobody knows", () => {
  assertEquals(parsePolicy(POLICY), READ);
  assertEquals(parsePolicy(POLICY.replaceAll("\r\n", "\n")), READ);
  assertEquals(parsePolicy(POLICY.replaceAll(": ", " :\t ").trimEnd()), READ);
  assertEquals(parsePolicy(`${POLICY}rejoice: true\r\n\r\nnonsense\r\n`), READ);
  assertEquals(parsePolicy(POLICY.replace("mx1.example.com", "MX1.Example.COM.")), READ);
});

Deno.test("MTA-STS policy: mode none needs no host; a field that is there twice counts once, a long age is cut", () => {
  assertEquals(parsePolicy("version: STSv1\nmode: none\nmax_age: 86400"), {
    mode: "none",
    maxAgeSeconds: 86_400,
    mx: [],
  });
  assertEquals(parsePolicy(`${POLICY}mode: none\n`), READ);
  assertEquals(parsePolicy(POLICY.replace("604800", "9999999999")), { ...READ, maxAgeSeconds: 31_557_600 });
});

const BAD: readonly (readonly [change: (policy: string) => string, words: string])[] = [
  [() => "", "it is not of version STSv1"],
  [() => "<!DOCTYPE html>", "it is not of version STSv1"],
  [(policy) => policy.replace("STSv1", "STSv2"), "it is not of version STSv1"],
  [(policy) => policy.replace("mode: enforce", "mode: enforced"), "it has no mode"],
  [(policy) => policy.replace("max_age: 604800", ""), "it has no max_age"],
  [(policy) => policy.replace("604800", "-1"), "it has no max_age"],
  [(policy) => policy.replace(/mx: .*\r\n/g, ""), "it names no MX host"],
  [(policy) => policy.replace("*.example.net", "mx.*.net"), "an mx is no host name"],
  [(policy) => policy.replace("*.example.net", "192.0.2.1, x"), "an mx is no host name"],
  [(policy) => policy + "mx: a.example\r\n".repeat(127), "it names more than 128 MX hosts"],
];
for (const [change, words] of BAD) {
  Deno.test(`MTA-STS policy: refused: ${words} (${JSON.stringify(change(POLICY).slice(0, 30))})`, () => {
    assertEquals(parsePolicy(change(POLICY)), words);
  });
}

Deno.test("MTA-STS policy: a star is one label, at the left", () => {
  const names = (pattern: string, host: string) => namesHost({ ...READ, mx: [pattern] }, host);
  assertEquals(names("mx.example.com", "mx.example.com"), true);
  assertEquals(names("mx.example.com", "mx2.example.com"), false);
  assertEquals(names("*.example.com", "mx.example.com"), true);
  assertEquals(names("*.example.com", "a.mx.example.com"), false);
  assertEquals(names("*.example.com", "example.com"), false);
  assertEquals(names("*.com", "com"), false);
});
