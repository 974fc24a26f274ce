/** Random paths and parameters of MAIL and RCPT, most of them good, and what random lines are put together with. */
import fc from "fast-check";

export const oneOf = <T>(...values: T[]) => fc.constantFrom(...values);
/** The first, but for one time in `times` + 1. */
export const mostly = <T>(often: fc.Arbitrary<T>, seldom: fc.Arbitrary<T>, times = 8) =>
  fc.oneof({ weight: times, arbitrary: often }, { weight: 1, arbitrary: seldom });
/** Parts of a line, put together. */
export const joined = (...parts: (string | fc.Arbitrary<string>)[]) =>
  fc.tuple(...parts.map((part) => typeof part === "string" ? fc.constant(part) : part)).map((all) => all.join(""));

const localPart = mostly(
  oneOf(
    "a",
    "Anna.B",
    "user+tag",
    "!#$%&'*+-/=?^_`{|}~",
    '"quoted local"',
    '"a\\"b"',
    '"a>b"',
    '"\\\\"',
    "l".repeat(64),
  ),
  oneOf("", ".a", "a.", "a..b", "a b", '"open', "a(b", 'a"b"', "l".repeat(65), "ü", "用户", "Postmaster", '""', '"ü"'),
  4,
);
const domain = mostly(
  oneOf("example.com", "EXAMPLE.net", "x_y.example", "[192.0.2.1]", "[IPv6:2001:db8::1]", `${"d".repeat(63)}.example`),
  oneOf(
    ...["", "-a.example", "a-.example", "a..b", ".a", "a.", "[192.0.2.256]", "[192.0.2]", "[IPv6:1::2::3]", "1"],
    ...["[IPv6:::]", "[ipv6:::ffff:192.0.2.1]", "[IPv6:12345::]", "[IPv6:1:2:3:4:5:6:7:8]", "[2001:db8::1]"],
    ...["[x25:1]", "[192.0.2.1", `${"d".repeat(64)}.example`, `${"d.".repeat(126)}ab`, `${"d.".repeat(127)}abc`],
    ...["bücher.example", "例え.example", "\u212a.example"],
  ),
  3,
);
const mailbox = joined(localPart, "@", domain);
const route = oneOf("@a.example:", "@a.example,@[192.0.2.1]:", "@a.example,b:", "@:", "@-a:", "@a:b:");
export const path = fc.oneof(
  { weight: 12, arbitrary: joined("<", mailbox, ">") },
  { weight: 1, arbitrary: joined("<", route, mailbox, ">") },
  { weight: 1, arbitrary: oneOf("<>", "<Postmaster>", "<POSTMASTER>", "<postmaster") },
  {
    weight: 1,
    arbitrary: fc.oneof(mailbox, joined("<", mailbox), joined("< ", mailbox, " >"), joined("<<", mailbox, ">>")),
  },
);

const xtext = oneOf(
  "a",
  "a+40b",
  "+2B+3D",
  "a+4",
  "a+4g",
  "a+0D+0A",
  "+7F",
  "a=b",
  "x".repeat(100),
  "x".repeat(101),
  "ü",
);
export const mailParameter = mostly(
  oneOf(
    "SIZE=0",
    "SIZE=100",
    "BODY=7BIT",
    "BODY=8BITMIME",
    "SMTPUTF8",
    "AUTH=<>",
    "RET=FULL",
    "RET=HDRS",
    "ENVID=QQ314159",
  ),
  fc.oneof(
    oneOf("SIZE", "SIZE=", "SIZE=1x", "SIZE=-1", `SIZE=${"9".repeat(20)}`, `SIZE=${"0".repeat(21)}`, "BODY=BINARYMIME"),
    oneOf(
      "BODY",
      "BODY=8B\u0131TMIME",
      "SMTPUTF8=1",
      "AUTH=",
      "AUTH",
      "RET=HDR\u017f",
      "RET",
      "X=1",
      "=",
      "-X",
      "X_Y=1",
    ),
    joined(oneOf("AUTH=", "ENVID="), xtext),
  ),
  3,
);
export const rcptParameter = mostly(
  oneOf("NOTIFY=NEVER", "NOTIFY=SUCCESS,FAILURE,DELAY", "NOTIFY=delay", "ORCPT=rfc822;a+40b", "ORCPT=utf-8;\\x{FC}@b"),
  fc.oneof(
    oneOf("NOTIFY", "NOTIFY=NEVER,DELAY", "NOTIFY=DELAY,delay", "NOTIFY=,", "NOTIFY=FA\u0131LURE", "SIZE=1", "X"),
    oneOf(
      "ORCPT=",
      "ORCPT=rfc822",
      "ORCPT=;a",
      "ORCPT=rfc822;",
      "ORCPT=a b;c",
      "ORCPT=utf-8;ü@b",
      "ORCPT=utf-8;\\x{D}",
    ),
    oneOf("ORCPT=utf-8;\\x{110000}", "ORCPT=utf-8;\\x{D800}", "ORCPT=utf-8;a+b", `ORCPT=rfc822;${"x".repeat(494)}`),
    joined("ORCPT=rfc822;", xtext),
  ),
  3,
);
const blanks = mostly(fc.constant(" "), oneOf("  ", "", "\u00a0"), 20);
/** None, or some behind the path. */
export const parameters = (parameter: fc.Arbitrary<string>) =>
  mostly(
    fc.constant(""),
    fc.array(joined(blanks, parameter), { maxLength: 3 }).map((all) => all.join("")),
    1,
  );
