/**
 * Random things that a mail client might say, good and bad: lines, whole transactions, exchanges of AUTH, chunks.
 * Most are in order, so that sequences get somewhere; some have a character changed.
 */
import fc from "fast-check";
import { joined, mailParameter, mostly, oneOf, parameters, path, rcptParameter } from "./address_arbitraries.ts";
import { utf8Octets } from "./octets.ts";

/** As written, in capitals, in small letters, or with letters that only look so or turn into one another. */
const inAnyCase = (line: fc.Arbitrary<string>) =>
  fc.tuple(line, mostly(fc.constant("as it is"), oneOf("upper", "lower", "turned"), 4)).map(([text, how]) => {
    switch (how) {
      case "upper":
        return text.toUpperCase();
      case "lower":
        return text.toLowerCase();
      case "turned":
        return text.replace(/[sS]/, "\u017f").replace(/[iI]/, "\u0131").replace(/k/i, "\u212a");
      default:
        return text;
    }
  });

const hello = joined(
  oneOf("EHLO ", "EHLO ", "HELO "),
  mostly(oneOf("client.example", "[192.0.2.1]"), oneOf("", "ü a", "x".repeat(256))),
);
const mail = joined("MAIL FROM:", path, parameters(mailParameter));
const rcpt = joined("RCPT TO:", path, parameters(rcptParameter));
const goodMail = joined(
  "MAIL FROM:<",
  oneOf("a@example.com", ""),
  ">",
  oneOf("", " SMTPUTF8", " SIZE=50 BODY=8BITMIME"),
);
const goodRcpt = oneOf("RCPT TO:<b@example.net>", "RCPT TO:<c@example.net> NOTIFY=NEVER", "RCPT TO:<Postmaster>");

const misplaced = oneOf(
  ...[
    "MAIL",
    "MAIL ",
    "MAIL TO:<a@b>",
    "MAIL FROM",
    "MAIL FROM: <a@example.com>",
    "RCPT",
    "RCPT FROM:<a@b>",
    "RCPT  TO:<a@b>",
  ],
  ...[
    "DATA x",
    "STARTTLS x",
    "RSET x",
    "QUIT x",
    "QUIT\u00a0",
    "RSET \u3000",
    "DATA \u00a0",
    "VRFY",
    "AUTH",
    "EHLO",
    "HELO ",
  ],
  ...[
    "FOO",
    "",
    " ",
    " NOOP",
    "EXPN x",
    "TURN",
    "SAML FROM:<a@b>",
    "MAILFROM:<a@b>",
    "constructor",
    "__proto__",
    "*",
    ".",
  ],
  ...["NOOP\t", "NOOP \0", "NOOP \u0085", "\ufeffNOOP", "HELP\u00a0", "BDAT", "BDAT x", "BDAT -1", "BDAT 1 LA\u017fT"],
  ...["BDAT 1 2", "BDAT 1 LAST LAST", "BDAT 00000000000000000000", `BDAT ${"9".repeat(21)}`, "XCLIENT ADDR=192.0.2.1"],
);
const anywhere = oneOf(
  "RSET",
  "NOOP",
  "NOOP x",
  "VRFY a",
  "HELP",
  "HELP MAIL",
  "DATA",
  "STARTTLS",
  "AUTH PLAIN",
  "AUTH LOGIN",
);
const atTheEnd = oneOf("QUIT", "GET / HTTP/1.1", "post /", "A".repeat(12_287), "A".repeat(12_290), "A".repeat(12_289));

const base64 = (octets: string) => btoa(utf8Octets(octets));
const plain = mostly(
  oneOf("\0alice\0secret", "alice\0alice\0secret", "\0ü\0ü").map(base64),
  oneOf(
    ...["bob\0alice\0secret", "alice\0secret", "\0a\0b\0c", "", "\0\0"].map(base64),
    "=",
    "*",
    "!",
    "QQ",
    "/////w==",
    "QQ==",
  ),
  3,
);
const response = mostly(
  oneOf("alice", "secret", "\ufeffx", "").map(base64),
  oneOf(
    "=",
    "*",
    "Q",
    "QQ=Q",
    "====",
    " QQ==",
    "QQ== ",
    "NOOP",
    "/////w==",
    "é",
    "A".repeat(12_288),
    "A".repeat(12_292),
  ),
  3,
);

/** Lines behind one another; each without its end. */
const lines: fc.Arbitrary<string[]> = fc.oneof(
  { weight: 4, arbitrary: hello.map((line) => [line]) },
  { weight: 3, arbitrary: mail.map((line) => [line]) },
  { weight: 5, arbitrary: rcpt.map((line) => [line]) },
  { weight: 4, arbitrary: anywhere.map((line) => [line]) },
  { weight: 3, arbitrary: misplaced.map((line) => [line]) },
  { weight: 3, arbitrary: joined("AUTH PLAIN ", plain).map((line) => [line]) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("AUTH PLAIN"), plain).map((both) => both) },
  { weight: 1, arbitrary: fc.tuple(oneOf("AUTH LOGIN", "AUTH LOGIN YWxpY2U="), response, response).map((all) => all) },
  {
    weight: 1,
    arbitrary: oneOf("AUTH CRAM-MD5", "AUTH PLAIN a b", "AUTH P\u00c9 x", "AUTH X ü\u00a0").map((line) => [line]),
  },
  { weight: 6, arbitrary: fc.tuple(goodMail, goodRcpt) },
);

/** A line with one character put in or in another's place. */
const hostile = [...'\0\t\r\n <>@.,;:\\"=+-[]()x\u007f\u0085\u00a0\u3000\u017f\u0131\u212aü🙂'];
const changed = (line: fc.Arbitrary<string>) =>
  fc.tuple(line, fc.nat(), fc.constantFrom(...hostile), fc.boolean()).map(([text, where, character, instead]) => {
    const at = where % (text.length + 1);
    return text.slice(0, at) + character + text.slice(at + (instead ? 1 : 0));
  });

const ended = (line: string) => `${utf8Octets(line.toWellFormed())}\r\n`;
const wholeLines = lines.chain((all) => {
  const each = all.map((line) => mostly(inAnyCase(fc.constant(line)), changed(fc.constant(line)), 12));
  return fc.tuple(...each).map((said) => said.map(ended).join(""));
});
/** With another end, or with octets that are not UTF-8. */
const brokenLine = fc.tuple(fc.oneof(anywhere, hello), oneOf("\n", "\r\r\n", "\xff\r\n", "\xc3\r\n", "\r", ""))
  .map(([line, end]) => utf8Octets(line) + end);

const content = fc.array(
  oneOf(
    "text",
    ".",
    "..",
    "\0",
    "\xff",
    "QUIT",
    "Subject: x",
    "",
    "x".repeat(70),
    "\r\n.",
    "\r\n..",
    "\r\n.\r\nMAIL FROM:<>",
  ),
  { maxLength: 4 },
).map((all) => all.map((line) => `${line}\r\n`).join(""));
const anyContent = mostly(
  content,
  fc.array(oneOf("\r", "\n", ".", "x", "\0"), { maxLength: 8 }).map((all) => all.join("")),
  4,
);
/** As a client should stuff it, or not at all. */
const stuffed = fc.tuple(anyContent, mostly(fc.constant(true), fc.constant(false))).map(([text, isStuffed]) =>
  isStuffed ? text.replace(/(^|\r\n)\./g, "$1..") : text
);
const data = joined("DATA\r\n", stuffed, mostly(fc.constant(".\r\n"), oneOf("\r\n.\r\n", ".\n", "")));

/** A chunk whose number is right, or not. */
const chunk = fc.tuple(anyContent, oneOf("", "", " LAST", " last"), mostly(fc.constant(0), oneOf(-1, 1, 7), 12)).map(
  ([text, last, error]) => `BDAT ${Math.max(0, text.length + error)}${last}\r\n${text}`,
);

/** A transaction from MAIL to its end, or nearly. */
const transaction = fc.tuple(
  mostly(goodMail, mail, 3),
  fc.array(fc.oneof(goodRcpt, rcpt), { minLength: 1, maxLength: 3 }),
  mostly(fc.constant<string[]>([]), anywhere.map((line) => [line]), 6),
  fc.oneof(data, chunk, fc.tuple(chunk, chunk).map((both) => both.join(""))),
).map(([first, recipients, between, message]) => [first, ...recipients, ...between].map(ended).join("") + message);

/** What is said in one go, as octets. */
const utterance = fc.oneof(
  { weight: 24, arbitrary: wholeLines },
  { weight: 8, arbitrary: transaction },
  { weight: 1, arbitrary: data },
  { weight: 2, arbitrary: chunk },
  { weight: 1, arbitrary: brokenLine },
  { weight: 1, arbitrary: mostly(anywhere, atTheEnd, 3).map(ended) },
);

const LOGIN = "EHLO c\r\nAUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n";
/** What a client says from the greeting to the end of the connection: most begin well. */
export const conversation = fc.tuple(
  mostly(mostly(fc.constant(LOGIN), fc.constant("EHLO c\r\n"), 3), oneOf("", "HELO c\r\n"), 4),
  fc.array(utterance, { maxLength: 20, size: "max" }),
).map(([first, more]) => [first, ...more]);
