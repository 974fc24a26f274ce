import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { asUtf8AddressXtext, encodeUtf8Address, utf8AddressForm } from "../../../relay/protocol/utf8_address.ts";

Deno.test("utf-8 addresses: the 7-bit form, the form with UTF-8, and what is neither", () => {
  const forms: Record<string, ReturnType<typeof utf8AddressForm>> = {
    "bob@example.net": "utf-8-addr-xtext",
    "b\\x{F6}b@example.net": "utf-8-addr-xtext",
    "b\\x{f6}b@example.net": "utf-8-addr-xtext",
    "böb@example.net": "utf-8-addr-unitext",
    "böb\\x{2B}x@example.net": "utf-8-addr-unitext",
    "\\x{1F600}@example.net": "utf-8-addr-xtext",
    "": undefined,
    "b\\b@example.net": undefined,
    "b+b@example.net": undefined,
    "b\\x{0A}b@example.net": undefined,
    "b\\x{0d}b@example.net": undefined,
    "b\\x{00}b@example.net": undefined,
    "b\\x{85}b@example.net": undefined,
    "b\\x{7F}b@example.net": undefined,
    "b\\x{D800}b@example.net": undefined,
    "b\\x{110000}b@example.net": undefined,
    "b\u0085b@example.net": undefined,
  };
  for (const [value, form] of Object.entries(forms)) assertEquals(utf8AddressForm(value), form, value);
});

Deno.test("utf-8 addresses: any address that may come over SMTP has a 7-bit form that is valid", () => {
  const unit = fc.oneof(
    fc.integer({ min: 0x20, max: 0x7e }),
    fc.integer({ min: 0xa0, max: 0xd7ff }),
    fc.integer({ min: 0x10000, max: 0x10ffff }),
  ).map((code) => String.fromCodePoint(code));
  fc.assert(fc.property(fc.string({ unit, minLength: 1 }), (address) => {
    const encoded = encodeUtf8Address(address);
    assertEquals(utf8AddressForm(encoded), "utf-8-addr-xtext");
    const decoded = encoded.replace(/\\x\{([0-9A-F]+)\}/g, (_, hex) => String.fromCodePoint(parseInt(hex, 16)));
    assertEquals(decoded, address);
  }));
});

Deno.test("utf-8 addresses: the form with UTF-8 becomes the 7-bit one, the 7-bit one stays as it is", () => {
  assertEquals(asUtf8AddressXtext("böb\\x{2B}x@例え.jp"), "b\\x{F6}b\\x{2B}x@\\x{4F8B}\\x{3048}.jp");
  assert(utf8AddressForm(asUtf8AddressXtext("böb@例え.jp")) === "utf-8-addr-xtext");
});
