/** The parameters of the DSN extension: their grammar, in dialogues, and what the envelope keeps. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { NO_CAPABILITIES } from "../../../relay/delivery/capabilities.ts";
import { rcptCommand } from "../../../relay/delivery/commands.ts";
import { reply } from "../../../relay/protocol/reply.ts";
import { encodeXtext } from "../../../relay/protocol/xtext.ts";
import { parseEnvid, parseNotify, parseOrcpt, parseRet } from "../../../relay/smtp/dsn_parameters.ts";
import { Dialogue } from "../../support/dialogue.ts";
import { startEdge } from "../../support/edge.ts";
import { playPure } from "../../support/session_dialogue.ts";

/** What is kept, or the start of the refusal. */
function outcome(parsed: ReturnType<typeof parseRet | typeof parseEnvid | typeof parseNotify>): unknown {
  return "ok" in parsed ? parsed.ok : `${parsed.refusal.code} ${parsed.refusal.enhanced}`;
}

const BAD = "501 5.5.4";

Deno.test("RET: FULL or HDRS in any case", () => {
  const table = { FULL: "FULL", hdrs: "HDRS", Full: "FULL", HEADERS: BAD, "FULL,HDRS": BAD, "": BAD };
  for (const [value, expected] of Object.entries(table)) assertEquals(outcome(parseRet(value)), expected, value);
  assertEquals(outcome(parseRet(undefined)), BAD);
});

Deno.test("NOTIFY: NEVER alone, or each occasion once", () => {
  const table: Record<string, unknown> = {
    NEVER: [],
    never: [],
    SUCCESS: ["SUCCESS"],
    "success,Delay": ["SUCCESS", "DELAY"],
    "DELAY,FAILURE,SUCCESS": ["DELAY", "FAILURE", "SUCCESS"],
    "NEVER,SUCCESS": BAD,
    "SUCCESS,NEVER": BAD,
    "NEVER,NEVER": BAD,
    "SUCCESS,SUCCESS": BAD,
    "SUCCESS,": BAD,
    ",": BAD,
    "SUCCESS;DELAY": BAD,
    ALWAYS: BAD,
    "": BAD,
  };
  for (const [value, expected] of Object.entries(table)) assertEquals(outcome(parseNotify(value)), expected, value);
  assertEquals(outcome(parseNotify(undefined)), BAD);
});

Deno.test("ENVID: up to 100 printable characters as xtext, kept as they came", () => {
  const table: Record<string, string> = {
    "QQ314159": "QQ314159",
    "a+2Db": "a+2Db",
    "a+20b": "a+20b",
    ["x".repeat(100)]: "x".repeat(100),
    ["+41".repeat(100)]: "+41".repeat(100),
    ["x".repeat(101)]: BAD,
    ["+41".repeat(101)]: BAD,
    "a+0D+0Ab": BAD,
    "a+00b": BAD,
    "a+09b": BAD,
    "a+7Fb": BAD,
    "a+C3+BC": BAD,
    "a+2db": BAD,
    "a+b": BAD,
    "a+": BAD,
    "ü": BAD,
  };
  for (const [value, expected] of Object.entries(table)) assertEquals(outcome(parseEnvid(value)), expected, value);
  assertEquals(outcome(parseEnvid(undefined)), BAD);
});

Deno.test("ORCPT: a type and an address, up to 500 octets, kept as they came", () => {
  const table: Record<string, string> = {
    "rfc822;bob@example.net": "rfc822;bob@example.net",
    "RFC822;Bob+2Bx@Example.net": "RFC822;Bob+2Bx@Example.net",
    "x400;/C+3DDE": "x400;/C+3DDE",
    [`rfc822;${"x".repeat(493)}`]: `rfc822;${"x".repeat(493)}`,
    [`rfc822;${"x".repeat(494)}`]: BAD,
    "bob@example.net": BAD,
    "rfc822;": BAD,
    ";bob@example.net": BAD,
    "rfc 822;bob@example.net": BAD,
    "rfc822:bob@example.net": BAD,
    "rfc822;bob+0D+0ARCPT@example.net": BAD,
    "rfc822;bob+00@example.net": BAD,
    "rfc822;böb@example.net": BAD,
    "utf-8;b\\x{F6}b@example.net": "utf-8;b\\x{F6}b@example.net",
    "utf-8;b\\x{0D}b@example.net": BAD,
    "utf-8;böb@example.net": "553 5.6.7",
  };
  for (const [value, expected] of Object.entries(table)) {
    assertEquals(outcome(parseOrcpt(value, false)), expected, value);
  }
  assertEquals(outcome(parseOrcpt("UTF-8;böb@example.net", true)), "UTF-8;böb@example.net");
  assertEquals(outcome(parseOrcpt(undefined, true)), BAD);
});

Deno.test("ORCPT: its octets are counted in the form that any next hop can take", () => {
  const address = (letters: number) => `utf-8;${"é".repeat(letters)}@example.net`;
  const most = Math.floor((500 - "utf-8;@example.net".length) / "\\x{E9}".length);
  const capabilities = { ...NO_CAPABILITIES, dsn: true };
  const sent = (orcpt: string) => {
    const dsnRequest = { ret: null, envid: null, recipients: [{ notify: null, orcpt }] };
    const envelope = { reversePath: "", recipients: ["b@x.example"], body: "7BIT", needsSmtputf8: false } as const;
    return rcptCommand({ ...envelope, dsnRequest, sizeBytes: 0 }, 0, capabilities).split(" ORCPT=")[1]!.trimEnd();
  };
  assertEquals(outcome(parseOrcpt(address(most), true)), address(most));
  assertEquals(sent(address(most)).length, 498);
  for (const letters of [most + 1, 200]) assertEquals(outcome(parseOrcpt(address(letters), true)), BAD);
});

Deno.test("property: what is encoded as xtext is accepted, and no control character comes through", () => {
  const unit = fc.integer({ min: 0, max: 0x7f }).map((code) => String.fromCharCode(code));
  fc.assert(fc.property(fc.string({ unit, minLength: 1, maxLength: 100 }), (text) => {
    const printable = /^[ -~]+$/.test(text);
    const hex = (character: string) => `+${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
    const xtext = printable ? encodeXtext(text) : text.replace(/[^]/g, hex);
    assertEquals("ok" in parseEnvid(xtext), printable);
    assertEquals("ok" in parseOrcpt(`rfc822;${xtext}`, false), printable && xtext.length <= 493);
  }));
});

const LOGIN = `
  S: 220 …
  C: EHLO client.example
  S: 250-relay.example
  S: 250-PIPELINING
  S: 250-SIZE 10000
  S: 250-8BITMIME
  S: 250-SMTPUTF8
  S: 250-CHUNKING
  S: 250-DSN
  S: 250-ENHANCEDSTATUSCODES
  S: 250-AUTH PLAIN LOGIN
  S: 250 LIMITS…
  C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
  S: 235 2.7.0 Authenticated
`;

Deno.test("session: DSN is offered; its parameters are taken, each once, and refused where they are wrong", () => {
  playPure({
    name: "DSN",
    tls: true,
    text: `${LOGIN}
      C: MAIL FROM:<a@example.com> RET=ALL
      S: 501 5.5.4 Bad value of parameter RET: expected FULL or HDRS
      C: MAIL FROM:<a@example.com> RET=FULL RET=HDRS
      S: 501 5.5.4 Bad value of parameter RET: expected it once only
      C: MAIL FROM:<a@example.com> ENVID=a+0D+0Ab
      S: 501 5.5.4 Bad value of parameter ENVID: …
      C: MAIL FROM:<a@example.com> ENVID
      S: 501 5.5.4 Bad value of parameter ENVID: …
      C: MAIL FROM:<a@example.com> NOTIFY=NEVER
      S: 555 5.5.4 Unknown parameter NOTIFY
      C: MAIL FROM:<a@example.com> envid=QQ+2B314159 ret=hdrs
      S: 250 2.1.0 Sender OK
      C: RCPT TO:<b@example.com> NOTIFY=NEVER,DELAY
      S: 501 5.5.4 Bad value of parameter NOTIFY: …
      C: RCPT TO:<b@example.com> NOTIFY=NEVER NOTIFY=NEVER
      S: 501 5.5.4 Bad value of parameter NOTIFY: expected it once only
      C: RCPT TO:<b@example.com> ORCPT=b@example.com
      S: 501 5.5.4 Bad value of parameter ORCPT: …
      C: RCPT TO:<b@example.com> ORCPT=utf-8;ü@example.com
      S: 553 5.6.7 …
      C: RCPT TO:<b@example.com> RET=FULL
      S: 555 5.5.4 Unknown parameter RET
      C: RCPT TO:<b@example.com> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;${"b".repeat(493)}
      S: 250 2.1.5 Recipient OK
      C: RCPT TO:<Postmaster> notify=never
      S: 250 2.1.5 Recipient OK
    `,
  });
});

Deno.test("edge: the envelope keeps what was said about DSNs, as it was said", async () => {
  await using edge = startEdge({ tls: true });
  using client = await Dialogue.connect(edge.port);
  await client.play(`${LOGIN}
    C: MAIL FROM:<a@example.com> RET=full ENVID=QQ+2B314159
    S: 250 …
    C: RCPT TO:<b@example.com> NOTIFY=success,DELAY ORCPT=rfc822;B+2Bb@Example.com
    S: 250 …
    C: RCPT TO:<c@example.com>
    S: 250 …
    C: RCPT TO:<d@example.com> NOTIFY=NEVER
    S: 250 …
    C: DATA
    S: 354 …
    C: Subject: hello
    C: .
    S: 250 …
    C: MAIL FROM:<a@example.com>
    S: 250 …
    C: RCPT TO:<b@example.com>
    S: 250 …
    C: DATA
    S: 354 …
    C: .
    S: 250 …
  `);
  assertEquals(edge.context.spool.messages.map(({ envelope }) => envelope.dsnRequest), [
    {
      ret: "FULL",
      envid: "QQ+2B314159",
      recipients: [
        { notify: ["SUCCESS", "DELAY"], orcpt: "rfc822;B+2Bb@Example.com" },
        null,
        { notify: [], orcpt: null },
      ],
    },
    null,
  ]);
});

Deno.test("edge: a refused recipient leaves nothing behind: what was said stays beside its recipient", async () => {
  const refused = reply(550, "5.1.2", "No such domain");
  const script = { recipient: (_: unknown, domain: string) => domain === "refused.example" ? refused : null };
  await using edge = startEdge({ tls: true, script });
  using client = await Dialogue.connect(edge.port);
  await client.play(`${LOGIN}
    C: MAIL FROM:<a@example.com>
    S: 250 …
    C: RCPT TO:<b@example.com>
    S: 250 …
    C: RCPT TO:<c@refused.example> NOTIFY=NEVER
    S: 550 …
    C: RCPT TO:<d@example.com> NOTIFY=SUCCESS
    S: 250 …
    C: BDAT 2 LAST
    C: 
    S: 250 …
  `);
  const [message] = edge.context.spool.messages;
  assertEquals(message!.envelope.recipients, ["b@example.com", "d@example.com"]);
  assertEquals(message!.envelope.dsnRequest?.recipients, [null, { notify: ["SUCCESS"], orcpt: null }]);
});
