/**
 * The SMTP session as a pure state machine: a session and an input give the next session and the effects.
 *
 * It knows the order of commands and what each does to the session; grammar is in mail_command.ts and
 * auth_exchange.ts, words are in protocol/replies.ts, decisions come from admission as inputs. No clock, no I/O.
 */
import { badSyntax, banner, replies } from "../protocol/replies.ts";
import type { Reply } from "../protocol/reply.ts";
import { beginExchange, continueExchange, type ExchangeStep } from "./auth_exchange.ts";
import { helloReply } from "./extensions.ts";
import { parseMail, parseRcpt } from "./mail_command.ts";
import type { Input, Session, SessionRules, State, Step } from "./session_types.ts";

interface Command {
  /** States in which the command may come. */
  readonly in: readonly State["at"][];
  /** The reply in any other state. */
  readonly outOfPlace: Reply;
  /** "none": an argument is refused. */
  readonly argument: "none" | "any";
  readonly apply: (session: Session, argument: string, rules: SessionRules) => Step;
}

const anywhere = ["Greeting", "Ready", "Envelope"] as const;
const greeted = ["Ready", "Envelope"] as const;

/** RFC 5321 4.1.1 and 4.1.4 (order of commands), RFC 3207 4, RFC 4954 4. */
const commands: Readonly<Record<string, Command>> = {
  //         allowed in           otherwise                      argument         RFC
  EHLO: { in: anywhere, outOfPlace: replies.helloFirst, argument: "any", apply: hello }, // 5321 4.1.1.1
  HELO: { in: anywhere, outOfPlace: replies.helloFirst, argument: "any", apply: oldHello }, // 5321 4.1.1.1
  STARTTLS: { in: greeted, outOfPlace: replies.helloFirst, argument: "none", apply: startTls }, // 3207 4
  AUTH: { in: greeted, outOfPlace: replies.helloFirst, argument: "any", apply: auth }, // 4954 4
  MAIL: { in: greeted, outOfPlace: replies.helloFirst, argument: "any", apply: mail }, // 5321 4.1.1.2
  RCPT: { in: ["Envelope"], outOfPlace: replies.mailFirst, argument: "any", apply: recipient }, // 5321 4.1.1.3
  DATA: { in: ["Envelope"], outOfPlace: replies.mailFirst, argument: "none", apply: data }, // 5321 4.1.1.4
  RSET: { in: anywhere, outOfPlace: replies.helloFirst, argument: "none", apply: reset }, // 5321 4.1.1.5
  NOOP: { in: anywhere, outOfPlace: replies.helloFirst, argument: "any", apply: saying(replies.ok) }, // 5321 4.1.1.9
  VRFY: { in: anywhere, outOfPlace: replies.helloFirst, argument: "any", apply: verify }, // 5321 4.1.1.6
  HELP: { in: anywhere, outOfPlace: replies.helloFirst, argument: "any", apply: saying(replies.help) }, // 5321 4.1.1.8
  QUIT: { in: anywhere, outOfPlace: replies.helloFirst, argument: "none", apply: quit }, // 5321 4.1.1.10
};

/** What a browser or a cross-protocol attack says first. */
const HTTP_METHODS = new Set(["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "CONNECT", "PATCH", "TRACE"]);

/** Commands in error after which the connection is closed: a client in the field makes none, a human a few. */
const MAX_ERRORS = 20;

export function newSession(tls: string | null): Session {
  return { state: { at: "Greeting" }, helo: null, extended: false, tls, login: null, errors: 0 };
}

export function step(session: Session, input: Input, rules: SessionRules): Step {
  switch (input.is) {
    case "connected":
      return say(session, banner(rules.hostname));
    case "line":
      return session.state.at === "Auth"
        ? exchange(session, continueExchange(session.state.exchange, input.text))
        : command(session, input.text, rules);
    case "bad-line":
      return fault(session.state.at === "Auth" ? ready(session) : session, input.reply);
    case "secured":
      // RFC 3207 4.2: all that was learned before the handshake is forgotten.
      return { session: newSession(input.tls), effects: [] };
    case "login":
      return "refusal" in input.verdict
        ? fault(ready(session), input.verdict.refusal)
        : say({ ...ready(session), login: input.verdict.account }, replies.authenticated);
    case "mail": {
      const { mail, verdict } = input;
      if ("refusal" in verdict) return say(session, verdict.refusal);
      const transaction = { ...mail, account: verdict.account, recipients: [] };
      return say({ ...session, state: { at: "Envelope", transaction } }, replies.senderOk);
    }
    case "recipient": {
      if (input.refusal !== null || session.state.at !== "Envelope") {
        return say(session, input.refusal ?? replies.mailFirst);
      }
      const { transaction } = session.state;
      const recipients = [...transaction.recipients, input.address];
      return say(
        { ...session, state: { at: "Envelope", transaction: { ...transaction, recipients } } },
        replies.recipientOk,
      );
    }
    case "message":
      return say(ready(session), input.reply);
    case "ended":
      return closing(session, input.reply);
  }
}

function command(session: Session, line: string, rules: SessionRules): Step {
  const blank = line.indexOf(" ");
  const verb = (blank < 0 ? line : line.slice(0, blank)).toUpperCase();
  const argument = blank < 0 ? "" : line.slice(blank + 1).trim();
  const found = Object.hasOwn(commands, verb) ? commands[verb] : undefined;
  if (found === undefined) {
    return HTTP_METHODS.has(verb) ? closing(session, replies.notSmtp) : fault(session, replies.unknownCommand);
  }
  if (!found.in.includes(session.state.at)) {
    return fault(session, session.state.at === "Greeting" ? replies.helloFirst : found.outOfPlace);
  }
  if (found.argument === "none" && argument !== "") return fault(session, replies.noArguments);
  return found.apply(session, argument, rules);
}

/** RFC 5321 4.1.1.1: a name or an address literal; what else a client says is not worth a refusal. */
const HELLO_NAME = /^[!-~\u{a0}-\u{10ffff}]{1,255}$/u;

function hello(session: Session, argument: string, rules: SessionRules): Step {
  const name = argument.split(" ", 1)[0]!;
  if (!HELLO_NAME.test(name)) return fault(session, replies.helloNeedsName);
  const greeted = { ...ready(session), helo: name, extended: true };
  return say(greeted, helloReply(greeted, rules));
}

function oldHello(session: Session, argument: string, rules: SessionRules): Step {
  const name = argument.split(" ", 1)[0]!;
  if (!HELLO_NAME.test(name)) return fault(session, replies.helloNeedsName);
  const greeted = { ...ready(session), helo: name, extended: false };
  return say(greeted, helloReply(greeted, rules));
}

function startTls(session: Session): Step {
  if (session.tls !== null) return fault(session, replies.tlsActive);
  return { session, effects: [{ do: "reply", reply: replies.readyForTls }, { do: "secure" }] };
}

function auth(session: Session, argument: string, rules: SessionRules): Step {
  if (session.login !== null) return fault(session, replies.authAgain);
  if (session.state.at === "Envelope") return fault(session, replies.authInTransaction);
  if (session.tls === null && !rules.allowPlaintextAuth) return fault(session, replies.authNeedsTls);
  if (argument === "") return fault(session, badSyntax("AUTH PLAIN or AUTH LOGIN"));
  return exchange(session, beginExchange(argument));
}

function exchange(session: Session, step: ExchangeStep): Step {
  if ("refusal" in step) return fault(ready(session), step.refusal);
  if ("challenge" in step) return say({ ...session, state: { at: "Auth", exchange: step.exchange } }, step.challenge);
  return { session: ready(session), effects: [{ do: "login", credentials: step.credentials }] };
}

function mail(session: Session, argument: string): Step {
  if (session.state.at === "Envelope") return fault(session, replies.nestedMail);
  const parsed = parseMail(argument);
  if ("refusal" in parsed) return fault(session, parsed.refusal);
  return { session, effects: [{ do: "admit-mail", mail: parsed.ok, login: session.login }] };
}

function recipient(session: Session, argument: string, rules: SessionRules): Step {
  if (session.state.at !== "Envelope") return fault(session, replies.mailFirst);
  const { transaction } = session.state;
  const parsed = parseRcpt(argument, transaction.smtputf8);
  if ("refusal" in parsed) return fault(session, parsed.refusal);
  const { address, domain } = parsed.ok === "postmaster"
    ? { address: `postmaster@${rules.serviceName}`, domain: rules.serviceName }
    : parsed.ok;
  return { session, effects: [{ do: "admit-recipient", transaction, address, domain }] };
}

function data(session: Session): Step {
  if (session.state.at !== "Envelope") return fault(session, replies.mailFirst);
  const { transaction } = session.state;
  if (transaction.recipients.length === 0) return fault(session, replies.recipientFirst);
  return {
    session: { ...session, state: { at: "Data", transaction } },
    effects: [{ do: "reply", reply: replies.startData }, { do: "receive", transaction }],
  };
}

function reset(session: Session): Step {
  return say(session.state.at === "Envelope" ? ready(session) : session, replies.ok);
}

function verify(session: Session, argument: string): Step {
  return argument === "" ? fault(session, badSyntax("VRFY and an address")) : say(session, replies.cannotVerify);
}

function quit(session: Session): Step {
  return closing(session, replies.bye);
}

function saying(reply: Reply): Command["apply"] {
  return (session) => say(session, reply);
}

function say(session: Session, reply: Reply): Step {
  return { session, effects: [{ do: "reply", reply }] };
}

/** As `say`, and counts against the client. */
function fault(session: Session, reply: Reply): Step {
  const errors = session.errors + 1;
  if (errors > MAX_ERRORS) return closing(session, replies.tooManyErrors);
  return say({ ...session, errors }, reply);
}

function closing(session: Session, reply: Reply): Step {
  return { session: { ...session, state: { at: "Closed" } }, effects: [{ do: "reply", reply }, { do: "close" }] };
}

function ready(session: Session): Session {
  return { ...session, state: { at: "Ready" } };
}
