/** The grammar of paths: what is taken, what is refused, and that what is taken is what was written. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parsePath } from "../../../relay/protocol/path.ts";

/** The whole text as a path: the address, or the kind. */
function parsed(text: string): string {
  const path = parsePath(text, 0);
  if (path.kind === "error") return "error";
  assertEquals(path.end, text.length, `all of ${JSON.stringify(text)} is the path`);
  return path.kind === "mailbox" ? path.mailbox.address : path.kind;
}

function mailbox(text: string, start = 0) {
  const path = parsePath(text, start);
  if (path.kind !== "mailbox") throw new Error(`${text} is ${path.kind}`);
  return path;
}

const LOCAL_64 = "l".repeat(64);
const LABEL_63 = "d".repeat(63);

Deno.test("path: well-formed addresses are taken as they are written", () => {
  const addresses = [
    "user@example.com",
    "User.Name+tag@Example.COM",
    "!#$%&'*+-/=?^_`{|}~@example.com",
    '"quoted local part"@example.com',
    '"with \\" quote and \\\\ backslash"@example.com',
    '"a@b>c"@example.com',
    '""@example.com',
    "user@localhost",
    "user@a_b.example.com",
    "user@1.example.com",
    "user@xn--bcher-kva.example",
    "user@[192.0.2.1]",
    "user@[255.255.255.255]",
    "user@[IPv6:2001:db8::1]",
    "user@[ipv6:2001:db8::1]",
    "user@[IPv6:::ffff:192.0.2.1]",
    "jürgen@bücher.example",
    "用户@例子.example",
    '"ü ü"@example.com',
    `${LOCAL_64}@example.com`,
    `a@${LABEL_63}.example`,
    `a@${[LABEL_63, LABEL_63, LABEL_63, "d".repeat(60)].join(".")}`,
  ];
  for (const address of addresses) assertEquals(parsed(`<${address}>`), address);
});

Deno.test("path: the null path, and Postmaster without a domain in any case", () => {
  assertEquals(parsed("<>"), "null");
  for (const name of ["Postmaster", "postmaster", "POSTMASTER"]) assertEquals(parsed(`<${name}>`), "postmaster");
  assertEquals(parsed("<Postmaster@example.com>"), "Postmaster@example.com");
});

Deno.test("path: a source route is accepted and ignored (RFC 5321 appendix C)", () => {
  for (
    const route of [
      "@a.example:",
      "@a.example,@b.example:",
      "@[192.0.2.1]:",
      "@[IPv6:2001:db8::1],@a:",
      "@bücher.example:",
    ]
  ) {
    assertEquals(parsed(`<${route}user@example.com>`), "user@example.com", route);
    assertEquals(parsed(`<${route}"user:x"@[IPv6:::1]>`), '"user:x"@[IPv6:::1]', route);
  }
});

Deno.test("path: malformed ones are refused", () => {
  const malformed = [
    "",
    "user@example.com",
    "<",
    "<user@example.com",
    "< user@example.com>",
    "<user@example.com >",
    "<user>",
    "<user@>",
    "<@example.com>",
    "<@a.example:>",
    "<@a.example,user@example.com>",
    "<@:user@example.com>",
    "<a@b@example.com>",
    "<.user@example.com>",
    "<user.@example.com>",
    "<us..er@example.com>",
    "<us er@example.com>",
    "<us,er@example.com>",
    "<us(comment)er@example.com>",
    '<"open@example.com>',
    '<"a"b@example.com>',
    '<"a\\"@example.com>',
    '<a"b"@example.com>',
    "<user@example.com.>",
    "<user@.example.com>",
    "<user@example..com>",
    "<user@-example.com>",
    "<user@example-.com>",
    "<user@exam ple.com>",
    "<user@[192.0.2.1>",
    "<user@192.0.2.1]>",
    "<user@[192.0.2]>",
    "<user@[192.0.2.256]>",
    "<user@[2001:db8::1]>",
    "<user@[IPv6:]>",
    "<user@[IPv6:1::2::3]>",
    "<user@[IPv6:192.0.2.1]>",
    "<user@[IPv6:fe80::1%25eth0]>",
    "<user@[X-tag:content]>",
    "<user@example.com>".replace("e", "\u0080"),
    `<l${LOCAL_64}@example.com>`,
    `<${"ü".repeat(33)}@example.com>`,
    `<a@d${LABEL_63}.example>`,
    `<a@${[LABEL_63, LABEL_63, LABEL_63, "d".repeat(61)].join(".")}>`,
    `<a@${"d.".repeat(127)}dd>`,
  ];
  for (const text of malformed) {
    const path = parsePath(text, 0);
    assertEquals(path.kind, "error", text);
  }
});

Deno.test("path: the domain is lower case for look-ups, the address keeps its case", () => {
  assertEquals(mailbox("<User@EXAMPLE.Com>").mailbox, {
    address: "User@EXAMPLE.Com",
    localPart: "User",
    domain: "example.com",
    utf8: false,
  });
});

Deno.test("path: utf8 says whether a character beyond ASCII occurs in either part", () => {
  const utf8 = (text: string) => mailbox(text).mailbox.utf8;
  assertEquals(
    ["<a@example.com>", "<ä@example.com>", "<a@exämple.com>", '<"ä"@example.com>'].map(utf8),
    [false, true, true, true],
  );
});

Deno.test("path: it may start anywhere, and says where it ended", () => {
  assertEquals(mailbox("FROM:<a@example.com> SIZE=1", 5).end, 20);
});

const ATEXT = "abcXYZ019!#$%&'*+-/=?^_`{|}~";
const word = (alphabet: string, maxLength: number) =>
  fc.array(fc.constantFrom(...alphabet), { minLength: 1, maxLength }).map((characters) => characters.join(""));
const dotted = (part: fc.Arbitrary<string>, maxLength: number) =>
  fc.array(part, { minLength: 1, maxLength }).map((parts) => parts.join("."));
const quoted = fc.array(
  fc.oneof(fc.constantFrom(..." !#<>()@,;:.[]a~"), fc.constantFrom('\\"', "\\\\", "\\ ", "\\x")),
  {
    maxLength: 20,
  },
).map((parts) => `"${parts.join("")}"`);
const localPart = fc.oneof(dotted(word(ATEXT, 12), 4), quoted, dotted(word("aäß漢🙂", 4), 3));
const label = fc.tuple(word("abz09_", 20), fc.constantFrom("", "-", "--"), word("abz09_", 20)).map((all) =>
  all.join("")
);
const domain = fc.oneof(
  dotted(label, 4),
  dotted(word("aü漢", 4), 3),
  fc.ipV4().map((address) => `[${address}]`),
  fc.ipV6().map((address) => `[IPv6:${address}]`),
);
const route = fc.oneof(
  fc.constant(""),
  fc.array(dotted(label, 3), { minLength: 1, maxLength: 3 }).map((domains) =>
    `${domains.map((name) => `@${name}`).join(",")}:`
  ),
);

Deno.test("property: a well-formed address is taken, is what was written, and reads the same again", () => {
  fc.assert(fc.property(localPart, domain, route, (localPart, domain, route) => {
    const address = `${localPart}@${domain}`;
    assertEquals(parsed(`<${route}${address}>`), address);
    assertEquals(parsed(`<${address}>`), address);
  }));
});

Deno.test("property: a control character anywhere in a path is refused", () => {
  const control = fc.oneof(
    fc.constantFrom("\r", "\n", "\0", "\t", "\r\n", "\r\nRCPT TO:<x@example.com>"),
    fc.integer({ min: 0, max: 0x1f }).map((code) => String.fromCodePoint(code)),
    fc.integer({ min: 0x7f, max: 0x9f }).map((code) => String.fromCodePoint(code)),
  );
  fc.assert(
    fc.property(
      localPart,
      domain,
      control,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (localPart, domain, control, place) => {
        const path = `<${localPart}@${domain}>`;
        // Before the closing bracket: what stands behind the path is not the path's.
        const at = Math.floor(place * (path.length - 1));
        assertEquals(parsePath(path.slice(0, at) + control + path.slice(at), 0).kind, "error");
      },
    ),
  );
});

Deno.test("property: whatever is given, what is taken holds no control character and fits RFC 5321's limits", () => {
  const anything = fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.array(
      fc.constantFrom("<", ">", "@", '"', "\\", ".", ":", ",", "[", "]", "a", "ü", "\0", "\r", "\n", " ", "IPv6:", "1"),
      {
        maxLength: 24,
      },
    ).map((parts) => `<${parts.join("")}`),
  );
  fc.assert(
    fc.property(anything, (text) => {
      const path = parsePath(text, 0);
      if (path.kind !== "mailbox") return;
      const { address, localPart } = path.mailbox;
      assert(!/\p{Cc}/u.test(address));
      assert(text.slice(0, path.end).endsWith(`${address}>`));
      assert(new TextEncoder().encode(address).length <= 254);
      assert(new TextEncoder().encode(localPart).length <= 64);
      assertEquals(parsed(`<${address}>`), address);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("path: a hostile line of the longest length is refused in one pass", () => {
  for (const filler of ["a", "-", ".", "@a,", "@a:", "\\a", "a-", '"', "[", "1.", ":"]) {
    for (const start of ["<", "<a@", '<"', "<@", "<a@[", "<a@[IPv6:"]) {
      assertEquals(parsePath(start + filler.repeat(12_288 / filler.length), 0).kind, "error");
    }
  }
});
