/** The session alone: the order of commands in every state, and the dialogues. */
import { assertEquals } from "@std/assert";
import { replies } from "../../../relay/protocol/replies.ts";
import { type Reply, reply } from "../../../relay/protocol/reply.ts";
import { CLOSE, groupsOf, playPure, PureSession } from "../../support/session_dialogue.ts";
import { type Script } from "../../support/scripted_admission.ts";
import { dialogues } from "./dialogues.ts";

for (const dialogue of dialogues) {
  Deno.test(`session: ${dialogue.name}`, () => {
    playPure(dialogue);
  });
}

/** How each state is reached on a connection with TLS. */
const STATES = {
  Greeting: [],
  Ready: ["EHLO c"],
  LoggedIn: ["EHLO c", "AUTH PLAIN AGFsaWNlAHNlY3JldA=="],
  Auth: ["EHLO c", "AUTH PLAIN"],
  Mail: ["EHLO c", "AUTH PLAIN AGFsaWNlAHNlY3JldA==", "MAIL FROM:<a@example.com>"],
  Rcpt: ["EHLO c", "AUTH PLAIN AGFsaWNlAHNlY3JldA==", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.com>"],
  Chunks: ["EHLO c", "AUTH PLAIN AGFsaWNlAHNlY3JldA==", "MAIL FROM:<>", "RCPT TO:<b@example.com>", "BDAT 0"],
} as const;

/**
 * The reply's code to each command in each state, in the order of STATES. In Auth a command is a response that is not
 * of PLAIN's form, and ends the exchange.
 */
const TABLE: Readonly<Record<string, readonly string[]>> = {
  //                             Greeting Ready LoggedIn Auth   Mail   Rcpt   Chunks
  "EHLO x": /*                 */ ["250", "250", "250", "501", "250", "250", "250"],
  "HELO x": /*                 */ ["250", "250", "250", "501", "250", "250", "250"],
  "STARTTLS": /*               */ ["503", "503", "503", "501", "503", "503", "503"],
  "AUTH LOGIN": /*             */ ["503", "334", "503", "501", "503", "503", "503"],
  "MAIL FROM:<a@example.com>": ["503", "530", "250", "501", "503", "503", "503"],
  "RCPT TO:<b@example.com>": /**/ ["503", "503", "503", "501", "250", "250", "503"],
  "DATA": /*                   */ ["503", "503", "503", "501", "503", "354", "503"],
  "BDAT 0": /*                 */ ["503", "503", "503", "501", "503", "250", "250"],
  "BDAT 0 LAST": /*            */ ["503", "503", "503", "501", "503", "250", "250"],
  "RSET": /*                   */ ["250", "250", "250", "501", "250", "250", "250"],
  "NOOP": /*                   */ ["250", "250", "250", "501", "250", "250", "250"],
  "VRFY b": /*                 */ ["252", "252", "252", "501", "252", "252", "252"],
  "HELP": /*                   */ ["214", "214", "214", "501", "214", "214", "214"],
  "QUIT": /*                   */ ["221", "221", "221", "501", "221", "221", "221"],
  "FOO": /*                    */ ["500", "500", "500", "501", "500", "500", "500"],
  "GET / HTTP/1.1": /*         */ ["554", "554", "554", "501", "554", "554", "554"],
  "*": /*                      */ ["500", "500", "500", "501", "500", "500", "500"],
};

function reached(state: keyof typeof STATES, script: Partial<Script> = {}): PureSession {
  const pure = new PureSession({ tls: true, script });
  for (const line of STATES[state]) pure.line(line);
  pure.said = [];
  return pure;
}

for (const [line, codes] of Object.entries(TABLE)) {
  Deno.test(`session: ${line} in each state`, () => {
    const seen = (Object.keys(STATES) as (keyof typeof STATES)[]).map((state) => {
      const pure = reached(state);
      pure.line(line);
      return pure.said[0]?.slice(0, 3);
    });
    assertEquals(seen, codes);
  });
}

Deno.test("session: 421 and 554 close from any state, and nothing is said behind it", () => {
  for (const state of Object.keys(STATES) as (keyof typeof STATES)[]) {
    const pure = reached(state);
    pure.feed({ is: "ended", reply: replies.shuttingDown });
    assertEquals(pure.said, ["421 4.3.2 Shutting down: try again in a minute", CLOSE]);
    assertEquals(pure.session.state.at, "Closed");
  }
});

Deno.test("session: the recipients are kept in the order of RCPT, Postmaster as the service's", () => {
  const pure = reached("Rcpt");
  for (const line of ["RCPT TO:<Postmaster>", "RCPT TO:<C@Example.com>", "RCPT TO:<d@missing.example>"]) {
    pure.line(line);
  }
  const { state } = pure.session;
  assertEquals(state.at === "Envelope" && state.transaction.recipients, [
    "b@example.com",
    "postmaster@smtp.example",
    "C@Example.com",
  ]);
});

Deno.test("session: RCPT: the recipient that policy has too many of is refused, those before it stand", () => {
  const tooMany = reply(452, "4.5.3", "Too many recipients");
  const pure = reached("Mail", { recipient: ({ recipients }) => recipients.length >= 2 ? tooMany : null });
  for (const name of ["a", "b", "c"]) pure.line(`RCPT TO:<${name}@example.com>`);
  pure.line("DATA");
  assertEquals(pure.said.map((line) => line.slice(0, 9)), ["250 2.1.5", "250 2.1.5", "452 4.5.3", "354 End t"]);
});

Deno.test("session: the declared size and the login are what admission is asked with", () => {
  const asked: unknown[] = [];
  const pure = reached("LoggedIn", {
    mail: ({ declaredSizeBytes, body, mailbox }, login) => {
      asked.push([declaredSizeBytes, body, mailbox?.domain, login]);
      return { account: "alice" };
    },
  });
  pure.line("MAIL FROM:<a@Example.COM> SIZE=1234 BODY=8BITMIME");
  pure.line("RSET");
  pure.line("MAIL FROM:<>");
  assertEquals(asked, [[1234, "8BITMIME", "example.com", "alice"], [0, "7BIT", undefined, "alice"]]);
});

Deno.test("session: failed logins count as errors, refusals by policy do not", () => {
  const logins = reached("Ready");
  for (let at = 0; at < 21; at++) logins.line("AUTH PLAIN AGFsaWNlAHdyb25n");
  assertEquals(logins.said.slice(-2), ["421 4.7.0 Too many errors", CLOSE]);
  const refusals = reached("Mail");
  for (let at = 0; at < 30; at++) refusals.line("RCPT TO:<a@missing.example>");
  assertEquals(refusals.session.state.at, "Envelope");
});

Deno.test("session: a password of any characters reaches the login unchanged", () => {
  for (const password of ["", " ", "pass word", "p\u{e4}ss", "\ufeffx", 'a:b"c\\', "🙂"]) {
    const seen: string[] = [];
    const login: Script["login"] = (credentials) => {
      seen.push(credentials.password);
      return { refusal: replies.authFailed };
    };
    const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
    reached("Ready", { login }).line(`AUTH PLAIN ${base64(`\0alice\0${password}`)}`);
    const exchange = reached("Ready", { login });
    exchange.line("AUTH LOGIN");
    exchange.line(base64("alice"));
    exchange.line(base64(password));
    assertEquals(seen, [password, password]);
  }
});

Deno.test("session: a line that is too long ends the session, AUTH data of 12,288 octets is not", () => {
  const fits = reached("Ready");
  fits.line("AUTH LOGIN");
  fits.line("A".repeat(12_288));
  assertEquals(fits.said, ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"]);
  for (const state of ["Auth", "Greeting", "Rcpt"] as const) {
    const pure = reached(state);
    pure.line("A".repeat(12_289));
    assertEquals(pure.said, ["500 5.5.6 Line too long", CLOSE]);
  }
});

Deno.test("dialogues: each has a name of its own and is not empty", () => {
  assertEquals(new Set(dialogues.map(({ name }) => name)).size, dialogues.length);
  for (const dialogue of dialogues) assertEquals(groupsOf(dialogue).length > 1, true);
});

Deno.test("session: the 1,001st refused recipient since the last message ends it", () => {
  const pure = reached("Mail");
  for (let refused = 0; refused < 1000; refused++) pure.line("RCPT TO:<b@missing.example>");
  assertEquals(pure.said.filter((line) => line.startsWith("550 ")).length, 1000);
  pure.said = [];
  pure.line("RCPT TO:<b@missing.example>");
  assertEquals(pure.said, ["421 4.7.0 Too many refused senders and recipients", CLOSE]);
});

Deno.test("session: RCPT: a list with addresses that cannot be read goes on, and its good ones get through", () => {
  const pure = reached("Mail");
  for (let at = 0; at < 30; at++) {
    for (const to of ["<no-domain>", "<ü@example.net>", "b@example.net", "<b@example.net> X=1"]) {
      pure.line(`RCPT TO:${to}`);
    }
  }
  assertEquals(new Set(pure.said.map((line) => line.slice(0, 3))), new Set(["501", "553", "555"]));
  pure.said = [];
  for (const line of ["RCPT TO:<b@example.net>", "DATA", "text", "."]) pure.line(line);
  assertEquals(pure.said.map((line) => line.slice(0, 3)), ["250", "354", "250"]);
  // But not without end.
  pure.line("MAIL FROM:<a@example.com>");
  for (let at = 0; at < 1000; at++) pure.line("RCPT TO:<no-domain>");
  pure.said = [];
  pure.line("RCPT TO:<no-domain>");
  assertEquals(pure.said, ["421 4.7.0 Too many refused senders and recipients", CLOSE]);
});

/** Says `beyond` behind the 100th, and how often it was asked. */
function askedOfMany(beyond: Reply): { readonly pure: PureSession; readonly asked: () => number } {
  let asked = 0;
  const recipient: Script["recipient"] = ({ recipients }) => {
    asked++;
    return recipients.length >= 100 ? beyond : null;
  };
  return { pure: reached("Mail", { recipient }), asked: () => asked };
}

const TOO_MANY = reply(452, "4.5.3", "Too many recipients: at most 100 for one message");
// As admission says it when the account cannot be looked up anew.
for (const beyond of [TOO_MANY, replies.localTrouble]) {
  Deno.test(`session: RCPT: of 5,000 the first 100 go through, also where the 101st gets ${beyond.code}`, () => {
    const { pure, asked } = askedOfMany(beyond);
    for (let batch = 1; batch <= 3; batch++) {
      for (let at = 0; at < 5000; at++) pure.line(`RCPT TO:<b${at}@example.net>`);
      assertEquals(pure.said.filter((line) => line.startsWith("250 2.1.5")).length, 100);
      assertEquals(pure.said.filter((line) => line.startsWith(`${beyond.code} `)).length, 4900);
      assertEquals(asked(), 101 * batch, "nothing is looked up behind the 101st");
      pure.said = [];
      for (const line of ["DATA", "text", ".", "MAIL FROM:<a@example.com>"]) pure.line(line);
      assertEquals(pure.said.map((line) => line.slice(0, 3)), ["354", "250", "250"]);
      pure.said = [];
    }
  });
}

Deno.test("session: RCPT: 10,000 beyond the limit are answered, one more ends the session", () => {
  const { pure } = askedOfMany(TOO_MANY);
  for (let at = 0; at < 10_100; at++) pure.line("RCPT TO:<b@example.net>");
  assertEquals(pure.session.state.at, "Envelope");
  pure.said = [];
  pure.line("RCPT TO:<b@example.net>");
  assertEquals(pure.said, ["421 4.7.0 Too many refused senders and recipients", CLOSE]);
});

Deno.test("session: RCPT: a recipient beyond the limit that is refused for good is so by itself, and is counted", () => {
  const { pure, asked } = askedOfMany(reply(550, "5.1.2", "Recipient's domain does not exist"));
  for (let at = 0; at < 1100; at++) pure.line("RCPT TO:<b@example.net>");
  assertEquals([asked(), pure.session.state.at], [1100, "Envelope"]);
  pure.line("RCPT TO:<b@example.net>");
  assertEquals(pure.session.state.at, "Closed");
});

Deno.test("session: the 1,001st refused sender since the last message ends it", () => {
  const pure = reached("Ready");
  for (let refused = 0; refused < 1000; refused++) pure.line("MAIL FROM:<a@example.com>");
  assertEquals(pure.said.filter((line) => line.startsWith("530 ")).length, 1000);
  pure.said = [];
  pure.line("MAIL FROM:<a@example.com>");
  assertEquals(pure.said, ["421 4.7.0 Too many refused senders and recipients", CLOSE]);
});
