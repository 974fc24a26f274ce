/**
 * The SMTP session as a pure state machine: a session and an input give the next session and the effects.
 *
 * It knows the order of commands and what each does to the session; grammar is in mail_command.ts and
 * auth_exchange.ts, words are in protocol/replies.ts, decisions come from admission as inputs. No clock, no I/O.
 */
import { asciiUpperCase, trimBlanks } from "../protocol/ascii.ts";
import { badSyntax, chunkReceived, replies, tooBig } from "../protocol/replies.ts";
import type { Reply } from "../protocol/reply.ts";
import { beginExchange, continueExchange, type ExchangeStep } from "./auth_exchange.ts";
import { greeting, helloReply } from "./extensions.ts";
import { parseMail, parseRcpt } from "./mail_command.ts";
import type { Input, Session, SessionRules, State, Step, Transaction } from "./session_types.ts";

interface Command {
  /** States in which the command may come. */
  readonly in: readonly State["at"][];
  /** "none": an argument is refused. */
  readonly argument: "none" | "any";
  readonly apply: (session: Session, argument: string, rules: SessionRules) => Step;
  /** The reply in any other state that has none for whatever is out of place in it. */
  readonly outOfPlace?: Reply;
}

const anywhere = ["Greeting", "Ready", "Envelope", "Chunks"] as const;
const greeted = ["Ready", "Envelope"] as const;

/** RFC 5321 4.1.1 and 4.1.4 (order of commands), RFC 3207 4, RFC 4954 4. */
const commands: Readonly<Record<string, Command>> = {
  EHLO: { in: anywhere, argument: "any", apply: hello(true) }, // 5321 4.1.1.1
  HELO: { in: anywhere, argument: "any", apply: hello(false) }, // 5321 4.1.1.1
  STARTTLS: { in: greeted, argument: "none", apply: startTls }, // 3207 4
  AUTH: { in: ["Ready"], argument: "any", apply: auth, outOfPlace: replies.authInTransaction }, // 4954 4
  MAIL: { in: ["Ready"], argument: "any", apply: mail, outOfPlace: replies.nestedMail }, // 5321 4.1.1.2
  RCPT: { in: ["Envelope"], argument: "any", apply: recipient, outOfPlace: replies.mailFirst }, // 5321 4.1.1.3
  DATA: { in: ["Envelope"], argument: "none", apply: data, outOfPlace: replies.mailFirst }, // 5321 4.1.1.4
  BDAT: { in: anywhere, argument: "any", apply: chunk }, // 3030 2
  RSET: { in: anywhere, argument: "none", apply: reset }, // 5321 4.1.1.5
  NOOP: { in: anywhere, argument: "any", apply: saying(replies.ok) }, // 5321 4.1.1.9
  VRFY: { in: anywhere, argument: "any", apply: verify }, // 5321 4.1.1.6
  HELP: { in: anywhere, argument: "any", apply: saying(replies.help) }, // 5321 4.1.1.8
  QUIT: { in: anywhere, argument: "none", apply: quit }, // 5321 4.1.1.10
};

/** What a browser or a cross-protocol attack says first. */
const HTTP_METHODS = new Set(["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "CONNECT", "PATCH", "TRACE"]);

/** Of RFC 5321 and its ancestors and of RFC 1985, and of no use to a submission service. */
const NOT_HERE = new Set(["EXPN", "SEND", "SOML", "SAML", "TURN", "ETRN", "ATRN"]);

/** Senders and recipients refused since the last message: one that tries out addresses does not get through. */
const MAX_REFUSALS = 1000;

/**
 * Recipients of one transaction beyond those that a message may have: a program that sends a whole list in it gets
 * through with the first, and with the next at its next try. Nothing is looked up for them; a session has an end.
 */
const MAX_BEYOND = 10_000;

/** What a client may say now and then, and what a flood is made of. */
const JUNK = new Set(["EHLO", "HELO", "RSET", "NOOP", "VRFY", "HELP"]);

export function newSession(tls: string | null): Session {
  return {
    state: { at: "Greeting" },
    helo: null,
    extended: false,
    tls,
    login: null,
    errors: 0,
    junkCommands: 0,
    refusals: 0,
    messages: 0,
  };
}

export function step(session: Session, input: Input, rules: SessionRules): Step {
  switch (input.is) {
    case "connected":
      return say(session, greeting(rules));
    case "line":
      return session.state.at === "Auth"
        ? exchange(session, continueExchange(session.state.exchange, input.text), rules)
        : command(session, input.text, rules);
    case "bad-line":
      return fault(session.state.at === "Auth" ? ready(session) : session, input.reply, rules);
    case "secured":
      // RFC 3207 4.2: all that was learned before the handshake is forgotten.
      return { session: newSession(input.tls), effects: [] };
    case "login":
      return "refusal" in input.verdict
        ? fault(ready(session), input.verdict.refusal, rules)
        : say({ ...ready(session), login: input.verdict.account }, replies.authenticated);
    case "mail": {
      const { mail, verdict } = input;
      if ("refusal" in verdict) return refused(session, verdict.refusal);
      const transaction = { ...mail, account: verdict.account, recipients: [], recipientDsn: [], skipped: [] };
      const messages = session.messages + 1;
      return say({ ...session, messages, state: { at: "Envelope", transaction } }, replies.senderOk);
    }
    case "recipient": {
      const { address, dsn, verdict } = input;
      if ("refusal" in verdict) return refusedRecipient(session, verdict.refusal, rules);
      if (session.state.at !== "Envelope") return refused(session, replies.mailFirst);
      const before = session.state.transaction;
      const transaction = {
        ...before,
        recipients: [...before.recipients, address],
        recipientDsn: [...before.recipientDsn, dsn],
        skipped: [...before.skipped, verdict.skip],
      };
      return say({ ...session, state: { at: "Envelope", transaction } }, replies.recipientOk);
    }
    case "chunk":
      return say(session, chunkReceived(input.octets));
    case "skipped":
      return fault(session, input.reply, rules);
    case "message":
      return say({ ...ready(session), junkCommands: 0, refusals: 0 }, input.reply);
    case "ended":
      return closing(session, input.reply);
  }
}

/** What is out of place in these states is so for the state's sake, whatever the command. */
const WHEREVER: { readonly [At in State["at"]]?: Reply } = {
  Greeting: replies.helloFirst,
  Chunks: replies.chunksOnly,
};

function command(session: Session, line: string, rules: SessionRules): Step {
  const blank = line.indexOf(" ");
  const verb = asciiUpperCase(blank < 0 ? line : line.slice(0, blank));
  const argument = blank < 0 ? "" : trimBlanks(line.slice(blank + 1));
  const found = Object.hasOwn(commands, verb) ? commands[verb] : undefined;
  if (found === undefined) {
    if (NOT_HERE.has(verb)) return fault(session, replies.notImplemented, rules);
    return HTTP_METHODS.has(verb) ? closing(session, replies.notSmtp) : fault(session, replies.unknownCommand, rules);
  }
  if (JUNK.has(verb)) {
    session = { ...session, junkCommands: session.junkCommands + 1 };
    if (session.junkCommands > rules.maxJunkCommands) return closing(session, replies.tooManyJunkCommands);
  }
  if (!found.in.includes(session.state.at)) {
    return fault(session, WHEREVER[session.state.at] ?? found.outOfPlace!, rules);
  }
  if (found.argument === "none" && argument !== "") return fault(session, replies.noArguments, rules);
  return found.apply(session, argument, rules);
}

/** RFC 5321 4.1.1.1: a name or an address literal; what else a client says is not worth a refusal. */
const HELLO_NAME = /^[!-~\u{a0}-\u{10ffff}]{1,255}$/u;

/** @param extended whether it is EHLO. */
function hello(extended: boolean): Command["apply"] {
  return (session, argument, rules) => {
    const name = argument.split(" ", 1)[0]!;
    if (!HELLO_NAME.test(name)) return fault(session, replies.helloNeedsName, rules);
    const greeted = { ...ready(session), helo: name, extended };
    return say(greeted, helloReply(greeted, rules));
  };
}

function startTls(session: Session, _argument: string, rules: SessionRules): Step {
  if (session.tls !== null) return fault(session, replies.tlsActive, rules);
  return { session, effects: [{ do: "reply", reply: replies.readyForTls }, { do: "secure" }] };
}

function auth(session: Session, argument: string, rules: SessionRules): Step {
  if (session.login !== null) return fault(session, replies.authAgain, rules);
  if (session.tls === null && !rules.allowPlaintextAuth) return fault(session, replies.authNeedsTls, rules);
  if (argument === "") return fault(session, badSyntax("AUTH PLAIN or AUTH LOGIN"), rules);
  return exchange(session, beginExchange(argument), rules);
}

function exchange(session: Session, step: ExchangeStep, rules: SessionRules): Step {
  if ("refusal" in step) return fault(ready(session), step.refusal, rules);
  if ("challenge" in step) return say({ ...session, state: { at: "Auth", exchange: step.exchange } }, step.challenge);
  return { session: ready(session), effects: [{ do: "login", credentials: step.credentials }] };
}

function mail(session: Session, argument: string, rules: SessionRules): Step {
  if (session.messages >= rules.maxMessages) return closing(session, replies.tooManyMessages);
  const parsed = parseMail(argument);
  if ("refusal" in parsed) return fault(session, parsed.refusal, rules);
  return { session, effects: [{ do: "admit-mail", mail: parsed.ok, login: session.login }] };
}

function recipient(session: Session, argument: string, rules: SessionRules): Step {
  if (session.state.at !== "Envelope") return fault(session, replies.mailFirst, rules);
  const { transaction, beyond } = session.state;
  if (beyond !== undefined) return oneBeyond(session, transaction, beyond.reply, beyond.recipients);
  const parsed = parseRcpt(argument, transaction.smtputf8);
  // An entry of a list, as one of a domain that does not exist: the others' message goes on.
  if ("refusal" in parsed) return refused(session, parsed.refusal);
  const { to, dsn } = parsed.ok;
  const { address, domain } = to === "postmaster"
    ? { address: `postmaster@${rules.serviceName}`, domain: rules.serviceName }
    : to;
  return { session, effects: [{ do: "admit-recipient", transaction, address, domain, dsn }] };
}

function data(session: Session, _argument: string, rules: SessionRules): Step {
  if (session.state.at !== "Envelope") return fault(session, replies.mailFirst, rules);
  const { transaction } = session.state;
  if (transaction.recipients.length === 0) return fault(session, replies.recipientFirst, rules);
  return {
    session: { ...session, state: { at: "Data", transaction } },
    effects: [{ do: "reply", reply: replies.startData }, { do: "receive", transaction }],
  };
}

/** RFC 3030 2: BDAT SP chunk-size [SP LAST]. */
const CHUNK = /^(\d{1,20})(?: +(LAST))?$/i;

/** The octets follow at once, so they are read in any case; where their number is not known, nothing can follow. */
function chunk(session: Session, argument: string, rules: SessionRules): Step {
  const parsed = CHUNK.exec(argument);
  if (parsed === null) return closing(session, badSyntax("BDAT, the number of octets, and LAST behind the last chunk"));
  const octets = Number(parsed[1]), last = parsed[2] !== undefined;
  if (octets > rules.maxMessageBytes) return closing(session, tooBig(rules.maxMessageBytes));
  const { state } = session;
  const skip = (reply: Reply): Step => ({ session, effects: [{ do: "skip", octets, reply }] });
  if (state.at !== "Envelope" && state.at !== "Chunks") {
    return skip(state.at === "Greeting" ? replies.helloFirst : replies.mailFirst);
  }
  const { transaction } = state;
  if (transaction.recipients.length === 0) return skip(replies.recipientFirst);
  const before = state.at === "Chunks" ? state.octets : 0;
  if (before + octets > rules.maxMessageBytes) {
    return { session: ready(session), effects: [{ do: "skip", octets, reply: tooBig(rules.maxMessageBytes) }] };
  }
  // A chunk of nothing leads nowhere.
  if (octets === 0 && !last) {
    session = { ...session, junkCommands: session.junkCommands + 1 };
    if (session.junkCommands > rules.maxJunkCommands) return closing(session, replies.tooManyJunkCommands);
  }
  const next: State = last ? { at: "Data", transaction } : { at: "Chunks", transaction, octets: before + octets };
  return { session: { ...session, state: next }, effects: [{ do: "receive-chunk", transaction, octets, last }] };
}

function reset(session: Session): Step {
  return say(session.state.at === "Greeting" ? session : ready(session), replies.ok);
}

function verify(session: Session, argument: string, rules: SessionRules): Step {
  return argument === "" ? fault(session, badSyntax("VRFY and an address"), rules) : say(session, replies.cannotVerify);
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

/** Says what policy decided; each look-up for it costs something, so it cannot be had without end. */
function refused(session: Session, reply: Reply): Step {
  const refusals = session.refusals + 1;
  if (refusals > MAX_REFUSALS) return closing(session, replies.tooManyRefusals);
  return say({ ...session, refusals }, reply);
}

/**
 * That the message has as many recipients as it may is not held against the client, and is said of all further ones;
 * where the limit is reached, trouble that keeps admission from saying so is taken for it.
 */
function refusedRecipient(session: Session, reply: Reply, rules: SessionRules): Step {
  if (session.state.at !== "Envelope") return refused(session, reply);
  const { transaction } = session.state;
  const isFull = transaction.recipients.length >= rules.maxRecipients && reply.code < 500;
  // RFC 5321 4.5.3.1.10: the client sends those that were accepted, and then to the others.
  return isFull || reply.enhanced === "4.5.3" ? oneBeyond(session, transaction, reply, 0) : refused(session, reply);
}

/** @param before how many there were before this one. */
function oneBeyond(session: Session, transaction: Transaction, reply: Reply, before: number): Step {
  const recipients = before + 1;
  if (recipients > MAX_BEYOND) return closing(session, replies.tooManyRefusals);
  return say({ ...session, state: { at: "Envelope", transaction, beyond: { reply, recipients } } }, reply);
}

/** As `say`, and counts against the client. */
function fault(session: Session, reply: Reply, rules: SessionRules): Step {
  const errors = session.errors + 1;
  if (errors > rules.maxErrors) return closing(session, replies.tooManyErrors);
  return say({ ...session, errors }, reply);
}

function closing(session: Session, reply: Reply): Step {
  return { session: { ...session, state: { at: "Closed" } }, effects: [{ do: "reply", reply }, { do: "close" }] };
}

function ready(session: Session): Session {
  return { ...session, state: { at: "Ready" } };
}
