/**
 * The pure session fed with octets, as a connection feeds it: through its input buffer, with the readers of data and
 * of line ends behind it, and an admission whose verdicts are a list. It writes the log that session_model.ts writes.
 */
import { DotUnstuffing } from "../../relay/protocol/dot_unstuffing.ts";
import { LineEndings } from "../../relay/protocol/line_endings.ts";
import { accepted } from "../../relay/protocol/replies.ts";
import { type Reply, reply } from "../../relay/protocol/reply.ts";
import { InputBuffer } from "../../relay/smtp/input_buffer.ts";
import type { MailArguments } from "../../relay/smtp/mail_command.ts";
import { newSession, step } from "../../relay/smtp/session.ts";
import type { Effect, Input, Session, SessionRules, Transaction } from "../../relay/smtp/session_types.ts";
import { fromLatin1, latin1 } from "./octets.ts";
import { AUTHENTICATION_REQUIRED, BARE_LINE_ENDING, TOO_BIG } from "./scripted_admission.ts";
import { NETWORK_ACCOUNT, type Question, REFUSALS, type Verdict } from "./session_model.ts";

/** Octets that are awaited instead of a command: whether all of them have come. */
type Awaiting = (octets: Uint8Array) => { readonly taken: number; readonly done: boolean };

export class OctetSession {
  readonly log: string[] = [];
  readonly #rules: SessionRules;
  readonly #verdicts: readonly Verdict[];
  readonly #input = new InputBuffer();
  #session: Session;
  #asked = 0;
  #awaiting: Awaiting | undefined;
  /** Of the message that is coming. */
  #content = "";
  #lineEndings = new LineEndings();

  constructor(rules: SessionRules, tls: boolean, verdicts: readonly Verdict[]) {
    this.#rules = rules;
    this.#verdicts = verdicts;
    this.#session = newSession(tls ? "TLS" : null);
    this.#feed({ is: "connected" });
  }

  get closed(): boolean {
    return this.#session.state.at === "Closed";
  }

  /** What the session knows now. */
  get facts(): unknown {
    const { helo, tls, login, state } = this.#session;
    const transaction = "transaction" in state ? describe(state.transaction) : null;
    return { helo, tls: tls !== null, login, inAuth: state.at === "Auth", transaction };
  }

  /** @param octets of the client, each a character. @param atOnce octets in one read. */
  receive(octets: string, atOnce: number): void {
    for (let at = 0; at < octets.length && !this.closed;) {
      const room = this.#input.room();
      const part = latin1(octets.slice(at, at + Math.min(atOnce, room.length)));
      room.set(part);
      this.#input.filled(part.length);
      at += part.length;
      while (!this.closed && this.#read());
    }
  }

  #read(): boolean {
    if (this.#awaiting !== undefined) return this.#readAwaited(this.#awaiting);
    const line = this.#input.line();
    if (line === undefined) return false;
    if ("text" in line) this.#feed({ is: "line", text: line.text });
    else this.#feed(line.fatal ? { is: "ended", reply: line.bad } : { is: "bad-line", reply: line.bad });
    return true;
  }

  #readAwaited(awaiting: Awaiting): boolean {
    if (this.#input.isEmpty) return false;
    const octets = this.#input.takeRest();
    const { taken, done } = awaiting(octets);
    if (taken < octets.length) this.#input.putBack(octets.slice(taken));
    return done;
  }

  #feed(input: Input): void {
    const { session, effects } = step(this.#session, input, this.#rules);
    this.#session = session;
    if (session.state.at !== "Chunks" && session.state.at !== "Data") {
      this.#content = "";
      this.#lineEndings = new LineEndings();
    }
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: Effect): void {
    switch (effect.do) {
      case "reply":
        this.log.push(inShort(effect.reply));
        return;
      case "close":
        this.log.push("close");
        return;
      case "secure":
        return this.#feed({ is: "secured", tls: "TLS" });
      case "login": {
        const refusal = this.#ask("login", effect.credentials);
        return this.#feed({
          is: "login",
          verdict: isReply(refusal) ? { refusal } : { account: effect.credentials.username },
        });
      }
      case "admit-mail":
        return this.#admitMail(effect.mail, effect.login);
      case "admit-recipient": {
        const { transaction, address, domain, dsn } = effect;
        const refusal = this.#ask("recipient", { transaction: describe(transaction), domain });
        return this.#feed({
          is: "recipient",
          address,
          dsn,
          verdict: isReply(refusal) ? { refusal } : { skip: null },
        });
      }
      case "receive":
        return this.#receiveData(effect.transaction);
      case "receive-chunk":
        return this.#receiveChunk(effect.transaction, effect.octets, effect.last);
      case "skip":
        return this.#await(effect.octets, () => {}, () => this.#feed({ is: "skipped", reply: effect.reply }));
    }
  }

  #admitMail(mail: MailArguments, login: string | null): void {
    const asked = this.#ask("mail", { from: mail.mailbox?.address ?? null, mail: mailFacts(mail), login });
    const account = login ?? (asked === "network" ? NETWORK_ACCOUNT : null);
    const refusal = isReply(asked) ? asked : AUTHENTICATION_REQUIRED;
    const admitted = !isReply(asked) && account !== null;
    this.#feed({ is: "mail", mail, verdict: admitted ? { account } : { refusal } });
  }

  #receiveData(transaction: Transaction): void {
    const unstuffing = new DotUnstuffing();
    let content = "";
    this.#awaiting = (octets) => {
      const end = unstuffing.push(octets, (slice) => content += fromLatin1(slice));
      if (end < 0) return { taken: octets.length, done: false };
      this.#awaiting = undefined;
      this.#decide(transaction, content, unstuffing.bareLineEnding);
      return { taken: end, done: true };
    };
  }

  #receiveChunk(transaction: Transaction, octets: number, last: boolean): void {
    const part = (octets: Uint8Array) => {
      this.#lineEndings.push(octets);
      this.#content += fromLatin1(octets);
    };
    this.#await(octets, part, () => {
      if (!last) return this.#feed({ is: "chunk", octets });
      this.#decide(transaction, this.#content, this.#lineEndings.bare || this.#lineEndings.endsInCr);
    });
  }

  #await(count: number, use: (octets: Uint8Array) => void, then: () => void): void {
    let left = count;
    const awaiting: Awaiting = (octets) => {
      const part = octets.subarray(0, left);
      left -= part.length;
      use(part);
      if (left > 0) return { taken: part.length, done: false };
      this.#awaiting = undefined;
      then();
      return { taken: part.length, done: true };
    };
    this.#awaiting = awaiting;
    if (count === 0) awaiting(new Uint8Array(0));
  }

  #decide(transaction: Transaction, content: string, bare: boolean): void {
    const asked = this.#ask("message", {
      transaction: describe(transaction),
      bare,
      content: bare ? null : content,
    });
    const tooBig = content.length > this.#rules.maxMessageBytes;
    const refusal = bare ? BARE_LINE_ENDING : tooBig ? TOO_BIG : isReply(asked) ? asked : undefined;
    this.#feed({ is: "message", reply: refusal ?? accepted("ID") });
  }

  #ask(question: Question, about: unknown): "yes" | "network" | Reply {
    this.log.push(`${question}? ${JSON.stringify(about)}`);
    const verdict = this.#verdicts[this.#asked++ % this.#verdicts.length]!;
    if (verdict === "yes" || verdict === "network") return verdict;
    const code = REFUSALS[question][verdict];
    return reply(code, `${Math.floor(code / 100)}.7.1`, "as the script says");
  }
}

function isReply(asked: "yes" | "network" | Reply): asked is Reply {
  return typeof asked === "object";
}

function describe(transaction: Transaction): unknown {
  const { account, mailbox, recipients, recipientDsn } = transaction;
  const dsn = recipientDsn.map((each) =>
    each && { notify: each.notify?.map((word) => word.toLowerCase()) ?? null, orcpt: each.orcpt }
  );
  return { account, from: mailbox?.address ?? null, mail: mailFacts(transaction), to: recipients, dsn };
}

function mailFacts({ declaredSizeBytes, body, smtputf8, ret, envid }: MailArguments): unknown {
  return { size: declaredSizeBytes, body: body.toLowerCase(), smtputf8, ret: ret?.toLowerCase() ?? null, envid };
}

/** Code and class; of the reply to EHLO also what depends on the session. */
function inShort({ code, enhanced, lines }: Reply): string {
  if (enhanced !== null) return `${code} ${enhanced[0]}`;
  const offered = ["STARTTLS", "AUTH"].filter((keyword) => lines.slice(1).some((line) => line.startsWith(keyword)));
  return [`${code} -`, ...offered].join(" ");
}
