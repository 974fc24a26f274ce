import { assertEquals } from "@std/assert";
import { addressLiteral, asciiDomain, queryName } from "../../../relay/dns/names.ts";

Deno.test("names: U-labels become A-labels, ASCII only loses its case and its final dot", () => {
  assertEquals(asciiDomain("example.com"), "example.com");
  assertEquals(asciiDomain("Example.COM."), "example.com");
  assertEquals(asciiDomain("_dmarc.example.com"), "_dmarc.example.com");
  assertEquals(asciiDomain("bücher.example"), "xn--bcher-kva.example");
  assertEquals(asciiDomain("BÜCHER.example"), "xn--bcher-kva.example");
  assertEquals(asciiDomain("例え.テスト"), "xn--r8jz45g.xn--zckzah");
});

Deno.test("names: what is no domain is null, and digits in another script make no address", () => {
  for (
    const domain of [
      "",
      ".",
      "a..b",
      "a".repeat(64),
      `${"a".repeat(63)}.`.repeat(4) + "aa",
      "a b",
      "１.２.３.４",
      "\u{ad}",
    ]
  ) {
    assertEquals(asciiDomain(domain), null, domain);
  }
});

Deno.test("names: the DNS may be asked for any printable ASCII but a backslash", () => {
  assertEquals(queryName("0/25.2.0.192.in-addr.arpa"), "0/25.2.0.192.in-addr.arpa");
  assertEquals(queryName("*.example"), "*.example");
  assertEquals(queryName("odd\\013.example"), null);
  assertEquals(queryName(`${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}`)?.length, 253);
  assertEquals(queryName(`${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(62)}`), null);
});

Deno.test("names: address literals", () => {
  assertEquals(addressLiteral("[192.0.2.1]"), "192.0.2.1");
  assertEquals(addressLiteral("[IPv6:2001:DB8::1]"), "2001:db8::1");
  assertEquals(addressLiteral("example.com"), null);
  assertEquals(addressLiteral("192.0.2.1"), null);
  for (
    const literal of [
      "[192.0.2.256]",
      "[2001:db8::1]",
      "[IPv6:192.0.2.1]",
      "[IPv6:fe80::1%eth0]",
      "[example]",
      "[192.0.2.1",
      "[]",
    ]
  ) {
    assertEquals(addressLiteral(literal), "invalid", literal);
  }
});
