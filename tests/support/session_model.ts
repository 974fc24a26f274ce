/**
 * What an SMTP submission session has to answer, from the RFCs and the service's own rules: an independent reference
 * that the relay's session is compared with. One imperative reader of octets with its own parsers; slow, plain, and
 * without a line of the relay.
 *
 * It writes a log: a reply as its code and the class of its status code ("250 2", "354 -"), a question to admission
 * with what it is asked about, "close". Admission's verdicts are a list that is gone through again and again.
 */
import { lower, readPath } from "./path_model.ts";
import { type MailRead, readMailParameters, readRcptParameters } from "./parameter_model.ts";
import { pathIn, readBase64, readText } from "./text_model.ts";

/** "network": as "yes", and MAIL without a login is let in too, for the account that owns the client's address. */
export type Verdict = "yes" | "network" | "later" | "never";
export type Question = "login" | "mail" | "recipient" | "message";

/** What admission refuses with: now, and for good. */
export const REFUSALS: Readonly<Record<Question, { readonly later: number; readonly never: number }>> = {
  login: { later: 454, never: 535 },
  mail: { later: 451, never: 550 },
  recipient: { later: 452, never: 550 },
  message: { later: 451, never: 554 },
};
export const NETWORK_ACCOUNT = "network";

export interface ModelRules {
  readonly maxMessageBytes: number;
  readonly maxRecipients: number;
  readonly maxErrors: number;
  readonly maxJunkCommands: number;
  readonly maxMessages: number;
  readonly allowPlaintextAuth: boolean;
  readonly serviceName: string;
}

interface Transaction {
  readonly account: string;
  readonly from: string | null;
  readonly mail: MailRead;
  readonly to: string[];
  readonly dsn: unknown[];
  /** The code that all further recipients get; null: there is room for them. */
  beyond: number | null;
}

type Expecting =
  | { readonly what: "command" }
  | { readonly what: "response"; readonly mechanism: "plain" | "login"; readonly username: string | null }
  | { readonly what: "data" }
  | { readonly what: "octets"; readonly count: number; readonly then: (octets: string) => void };

const COMMAND: Expecting = { what: "command" };
/** RFC 4954 4: 12,288 octets of base64, and CRLF. */
const MAX_LINE = 12_290;
const JUNK = ["ehlo", "helo", "rset", "noop", "vrfy", "help"];
const OTHER_TIMES = ["expn", "send", "soml", "saml", "turn", "etrn", "atrn"];
const HTTP = ["get", "post", "head", "put", "delete", "options", "connect", "patch", "trace"];

export class SessionModel {
  readonly log: string[] = [];
  closed = false;
  readonly #rules: ModelRules;
  readonly #verdicts: readonly Verdict[];
  #asked = 0;
  #pending = "";
  #expecting: Expecting = COMMAND;
  #tls: boolean;
  #helo: string | null = null;
  #login: string | null = null;
  #transaction: Transaction | null = null;
  /** What came by BDAT so far; null: none. */
  #chunks: string | null = null;
  #errors = 0;
  #junk = 0;
  #messages = 0;

  constructor(rules: ModelRules, tls: boolean, verdicts: readonly Verdict[]) {
    this.#rules = rules;
    this.#tls = tls;
    this.#verdicts = verdicts;
    this.#say(220);
  }

  /** What the session knows now. */
  get facts(): unknown {
    const transaction = this.#transaction === null ? null : describe(this.#transaction);
    const inAuth = this.#expecting.what === "response";
    return { helo: this.#helo, tls: this.#tls, login: this.#login, inAuth, transaction };
  }

  /** @param octets of the client, each a character. */
  receive(octets: string): void {
    this.#pending += octets;
    while (!this.closed && this.#read());
  }

  /** Takes the next thing, if it has come wholly. */
  #read(): boolean {
    const expecting = this.#expecting;
    switch (expecting.what) {
      case "octets":
        if (this.#pending.length < expecting.count) return false;
        this.#expecting = COMMAND;
        expecting.then(this.#take(expecting.count));
        return true;
      case "data": {
        // RFC 5321 4.1.1.4: the end is CRLF.CRLF, and the first CRLF is the last line's, or that of DATA itself.
        const end = `\r\n${this.#pending}`.indexOf("\r\n.\r\n");
        if (end < 0) return false;
        this.#expecting = COMMAND;
        const content = this.#take(end);
        this.#take(3);
        this.#decide(content, content.replace(/(^|\r\n)\./g, "$1"));
        return true;
      }
      default:
        return this.#readLine();
    }
  }

  #readLine(): boolean {
    const lf = this.#pending.indexOf("\n");
    if (lf < 0 ? this.#pending.length >= MAX_LINE : lf >= MAX_LINE) {
      this.#close(500);
      return true;
    }
    if (lf < 0) return false;
    const line = this.#take(lf + 1);
    const text = readText(line);
    const expecting = this.#expecting;
    this.#expecting = COMMAND;
    if (text === undefined) this.#fault(500);
    else if (expecting.what === "response") this.#respond(expecting.mechanism, expecting.username, text);
    else this.#command(text);
    return true;
  }

  #command(line: string): void {
    const [first, ...words] = line.split(" ");
    const verb = lower(first!);
    const argument = words.join(" ").replace(/^ +| +$/g, "");
    if (HTTP.includes(verb)) return this.#close(554);
    if (OTHER_TIMES.includes(verb)) return this.#fault(502); // RFC 5321 4.2.4
    if (JUNK.includes(verb) && ++this.#junk > this.#rules.maxJunkCommands) return this.#close(421);
    switch (verb) {
      case "ehlo":
      case "helo":
        return this.#hello(verb, argument);
      case "starttls":
        return this.#startTls(argument);
      case "auth":
        return this.#auth(argument);
      case "mail":
        return this.#mail(argument);
      case "rcpt":
        return this.#rcpt(argument);
      case "data":
        return this.#data(argument);
      case "bdat":
        return this.#bdat(argument);
      // RFC 5321 4.1.4: these may come at any time.
      case "rset":
        if (argument !== "") return this.#fault(501);
        this.#endTransaction();
        return this.#say(250);
      case "noop":
        return this.#say(250);
      case "help":
        return this.#say(214);
      case "vrfy":
        return argument === "" ? this.#fault(501) : this.#say(252);
      case "quit":
        return argument === "" ? this.#close(221) : this.#fault(501);
      default:
        return this.#fault(500);
    }
  }

  /** RFC 5321 4.1.1.1. Lenient: any name without blanks, and words behind it. */
  #hello(verb: string, argument: string): void {
    const name = argument.split(" ")[0]!;
    if (name === "" || [...name].length > 255) return this.#fault(501);
    this.#helo = name;
    this.#endTransaction();
    if (verb === "helo") return void this.log.push("250 -");
    const auth = this.#tls || this.#rules.allowPlaintextAuth ? " AUTH" : "";
    this.log.push(`250 -${this.#tls ? "" : " STARTTLS"}${auth}`);
  }

  /** RFC 3207 4. */
  #startTls(argument: string): void {
    if (this.#helo === null || this.#chunks !== null) return this.#fault(503);
    if (argument !== "") return this.#fault(501);
    if (this.#tls) return this.#fault(503);
    this.log.push("220 -");
    // RFC 3207 4.2: the client's words in clear are forgotten.
    this.#tls = true;
    this.#helo = this.#login = null;
    this.#errors = this.#junk = this.#messages = 0;
    this.#endTransaction();
  }

  /** RFC 4954 4. */
  #auth(argument: string): void {
    if (this.#helo === null || this.#transaction !== null || this.#login !== null) return this.#fault(503);
    if (!this.#tls && !this.#rules.allowPlaintextAuth) return this.#fault(538);
    const [mechanism, initial, ...more] = argument.split(" ").filter((word) => word !== "");
    if (mechanism === undefined || more.length > 0 || !/^[a-zA-Z0-9_-]{1,20}$/.test(mechanism)) return this.#fault(501);
    const name = lower(mechanism);
    if (name !== "plain" && name !== "login") return this.#fault(504);
    if (initial !== undefined) return this.#respond(name, null, initial === "=" ? "" : initial);
    this.#challenge(name, null);
  }

  #challenge(mechanism: "plain" | "login", username: string | null): void {
    this.#expecting = { what: "response", mechanism, username };
    this.log.push("334 -");
  }

  #respond(mechanism: "plain" | "login", username: string | null, response: string): void {
    if (response === "*") return this.#fault(501);
    const decoded = readBase64(response);
    if (decoded === undefined) return this.#fault(501);
    if (mechanism === "login") {
      return username === null ? this.#challenge("login", decoded) : this.#logIn(username, decoded);
    }
    // RFC 4616 2
    const parts = decoded.split("\0");
    if (parts.length !== 3) return this.#fault(501);
    const [authorize, name, password] = parts as [string, string, string];
    return authorize === "" || authorize === name ? this.#logIn(name, password) : this.#fault(535);
  }

  #logIn(username: string, password: string): void {
    const verdict = this.#ask("login", { username, password });
    if (typeof verdict === "number") return this.#fault(verdict);
    this.#login = username;
    this.#say(235);
  }

  /** RFC 5321 4.1.1.2. */
  #mail(argument: string): void {
    if (this.#helo === null || this.#transaction !== null) return this.#fault(503);
    // RFC 9422 MAILMAX
    if (this.#messages >= this.#rules.maxMessages) return this.#close(421);
    const cursor = pathIn(argument, "from:");
    if (cursor === undefined) return this.#fault(501);
    const path = readPath(cursor);
    if (path === undefined || path.kind === "postmaster") return this.#fault(501);
    const mail = readMailParameters(cursor.rest);
    if (typeof mail === "number") return this.#fault(mail);
    if (path.kind === "mailbox" && path.beyondAscii && !mail.smtputf8) return this.#fault(553); // RFC 6531 3.5
    const from = path.kind === "null" ? null : path.address;
    const verdict = this.#ask("mail", { from, mail, login: this.#login });
    if (typeof verdict === "number") return this.#say(verdict);
    const account = this.#login ?? (verdict === "network" ? NETWORK_ACCOUNT : null);
    if (account === null) return this.#say(530);
    this.#messages++;
    this.#transaction = { account, from, mail, to: [], dsn: [], beyond: null };
    this.#say(250);
  }

  /** RFC 5321 4.1.1.3. One recipient that is wrong is no fault of the session. */
  #rcpt(argument: string): void {
    const transaction = this.#transaction;
    if (transaction === null || this.#chunks !== null) return this.#fault(503);
    if (transaction.beyond !== null) return this.#say(transaction.beyond);
    const cursor = pathIn(argument, "to:");
    if (cursor === undefined) return this.#say(501);
    const path = readPath(cursor);
    if (path === undefined || path.kind === "null") return this.#say(501);
    const dsn = readRcptParameters(cursor.rest, transaction.mail.smtputf8);
    if (typeof dsn === "number") return this.#say(dsn);
    if (path.kind === "mailbox" && path.beyondAscii && !transaction.mail.smtputf8) return this.#say(553);
    const domain = path.kind === "mailbox" ? path.domain : this.#rules.serviceName;
    const verdict = this.#ask("recipient", { transaction: describe(transaction), domain });
    if (typeof verdict === "number") {
      // RFC 5321 4.5.3.1.10
      if (verdict < 500 && transaction.to.length >= this.#rules.maxRecipients) transaction.beyond = verdict;
      return this.#say(verdict);
    }
    transaction.to.push(path.kind === "mailbox" ? path.address : `postmaster@${domain}`);
    transaction.dsn.push(dsn);
    this.#say(250);
  }

  #data(argument: string): void {
    if (this.#transaction === null || this.#chunks !== null) return this.#fault(503);
    if (argument !== "") return this.#fault(501);
    if (this.#transaction.to.length === 0) return this.#fault(503);
    this.log.push("354 -");
    this.#expecting = { what: "data" };
  }

  /** RFC 3030 2: the octets follow whatever the answer will be; if their number is not known, all is lost. */
  #bdat(argument: string): void {
    const [number, last, ...more] = argument.split(" ").filter((word) => word !== "");
    const isLast = last !== undefined && lower(last) === "last";
    if (number === undefined || !/^[0-9]{1,20}$/.test(number) || (last !== undefined && !isLast) || more.length > 0) {
      return this.#close(501);
    }
    const count = Number(number), { maxMessageBytes } = this.#rules;
    if (count > maxMessageBytes) return this.#close(552);
    const refuse = (code: number) => this.#expecting = { what: "octets", count, then: () => this.#fault(code) };
    if (this.#transaction === null || this.#transaction.to.length === 0) return void refuse(503);
    if ((this.#chunks?.length ?? 0) + count > maxMessageBytes) {
      this.#endTransaction();
      return void refuse(552);
    }
    if (count === 0 && !isLast && ++this.#junk > this.#rules.maxJunkCommands) return this.#close(421);
    this.#chunks ??= "";
    this.#expecting = {
      what: "octets",
      count,
      then: (octets) => {
        const content = this.#chunks += octets;
        if (isLast) this.#decide(content, content);
        else this.#say(250);
      },
    };
  }

  /** @param raw as it came. @param content as it was meant. */
  #decide(raw: string, content: string): void {
    const bare = /\r(?!\n)|(?<!\r)\n/.test(raw);
    // Of a message that is refused for it, nothing else is of interest.
    const about = { transaction: describe(this.#transaction!), bare, content: bare ? null : content };
    this.#endTransaction();
    this.#junk = 0;
    const verdict = this.#ask("message", about);
    if (bare) return this.#say(550);
    if (content.length > this.#rules.maxMessageBytes) return this.#say(552);
    this.#say(typeof verdict === "number" ? verdict : 250);
  }

  /** The verdict, or the code of a refusal. */
  #ask(question: Question, about: unknown): "yes" | "network" | number {
    this.log.push(`${question}? ${JSON.stringify(about)}`);
    const verdict = this.#verdicts[this.#asked++ % this.#verdicts.length]!;
    return verdict === "yes" || verdict === "network" ? verdict : REFUSALS[question][verdict];
  }

  #endTransaction(): void {
    this.#transaction = this.#chunks = null;
  }

  #take(count: number): string {
    const taken = this.#pending.slice(0, count);
    this.#pending = this.#pending.slice(count);
    return taken;
  }

  /** RFC 2034 4, RFC 3463 2: the class of the status code is that of the reply. */
  #say(code: number): void {
    this.log.push(code === 220 ? "220 -" : `${code} ${Math.floor(code / 100)}`);
  }

  #fault(code: number): void {
    if (++this.#errors > this.#rules.maxErrors) this.#close(421);
    else this.#say(code);
  }

  #close(code: number): void {
    this.#say(code);
    this.log.push("close");
    this.closed = true;
  }
}

function describe({ account, from, mail, to, dsn }: Transaction): unknown {
  return { account, from, mail, to: [...to], dsn: [...dsn] };
}
