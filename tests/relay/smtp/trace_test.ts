/** The Received field. */
import { assertEquals } from "@std/assert";
import { addressLiteral, protocolType, receivedField } from "../../../relay/smtp/trace.ts";

const TRACE = {
  origin: { address: "192.0.2.1", helo: "client.example", protocol: "ESMTPSA", tls: "TLSv1.3 TLS_AES_128_GCM_SHA256" },
  hostname: "relay.example",
  messageId: "01JD",
  recipients: ["b@example.net"],
  at: Date.parse("2026-11-03T02:00:59.999Z"),
  hideClient: false,
};
const unfolded = (trace: Partial<typeof TRACE>, origin: Partial<typeof TRACE.origin> = {}) =>
  receivedField({ ...TRACE, ...trace, origin: { ...TRACE.origin, ...origin } }).replaceAll("\r\n\t", " ");

Deno.test("trace: who, by whom, how, for whom and when, folded", () => {
  assertEquals(
    receivedField(TRACE),
    "Received: from client.example ([192.0.2.1])\r\n" +
      "\tby relay.example (MailHop) with ESMTPSA id 01JD\r\n" +
      "\t(TLSv1.3 TLS_AES_128_GCM_SHA256)\r\n" +
      "\tfor <b@example.net>; Tue, 03 Nov 2026 02:00:59 +0000\r\n",
  );
});

Deno.test("trace: several recipients are not named, nor one that a header field cannot hold", () => {
  for (const recipients of [["b@example.net", "c@example.net"], ["ü@example.net"], ['"a b"@example.net'], []]) {
    assertEquals(
      unfolded({ recipients }),
      "Received: from client.example ([192.0.2.1]) by relay.example (MailHop) with ESMTPSA id 01JD " +
        "(TLSv1.3 TLS_AES_128_GCM_SHA256); Tue, 03 Nov 2026 02:00:59 +0000\r\n",
    );
  }
});

Deno.test("trace: a name that is none is not repeated", () => {
  for (const helo of ["a(b", "a)", "a;b", "<a>", "ü.example", "a b", "", "-a", "[192.0.2.1", '"a"', "a\\"]) {
    assertEquals(unfolded({}, { helo }).slice(0, 35), "Received: from unknown ([192.0.2.1])".slice(0, 35), helo);
  }
  for (const helo of ["[192.0.2.1]", "[IPv6:2001:db8::1]", "localhost", "a_b.example", "x"]) {
    assertEquals(unfolded({}, { helo }).startsWith(`Received: from ${helo} (`), true, helo);
  }
});

Deno.test("trace: without TLS, or where only the fact is known, nothing is said of it", () => {
  assertEquals(
    receivedField({ ...TRACE, origin: { ...TRACE.origin, tls: null, address: "2001:db8::1" } }),
    "Received: from client.example ([IPv6:2001:db8::1])\r\n" +
      "\tby relay.example (MailHop) with ESMTPSA id 01JD\r\n" +
      "\tfor <b@example.net>; Tue, 03 Nov 2026 02:00:59 +0000\r\n",
  );
});

Deno.test("trace: the protocol type is that of RFC 3848 and RFC 6531", () => {
  const type = (extended: boolean, tls: boolean, authenticated: boolean, utf8: boolean) =>
    protocolType({ extended, tls, authenticated, utf8 });
  assertEquals(type(false, false, false, false), "SMTP");
  assertEquals(type(true, false, false, false), "ESMTP");
  assertEquals(type(true, true, false, false), "ESMTPS");
  assertEquals(type(true, false, true, false), "ESMTPA");
  assertEquals(type(true, true, true, false), "ESMTPSA");
  assertEquals(type(true, true, true, true), "UTF8SMTPSA");
  assertEquals(type(true, false, false, true), "UTF8SMTP");
});

Deno.test("trace: address literals", () => {
  assertEquals([addressLiteral("192.0.2.1"), addressLiteral("::1")], ["[192.0.2.1]", "[IPv6:::1]"]);
});

Deno.test("trace: where the client is hidden, neither its address nor its name is told", () => {
  const field = unfolded({ hideClient: true });
  assertEquals(field.slice(0, field.indexOf(" with ")), "Received: from unknown by relay.example (MailHop)");
});
