/**
 * SMTP dialogues as the tests of the edge write them, and the runner that plays them against the pure session.
 *
 * A dialogue is lines that begin with "C: " (the client's, without CRLF) or "S: " (the server's). A server line that
 * ends with "…" says only how the line begins; "S: <close>" is the end of the connection. Client lines that stand
 * together are a pipelined group. Behind a 354 the client's lines up to the dot are the message, behind BDAT so many
 * lines are the chunk as make its octets.
 */
import { assertEquals } from "@std/assert";
import { accepted } from "../../relay/protocol/replies.ts";
import { formatReply } from "../../relay/protocol/reply.ts";
import { InputBuffer } from "../../relay/smtp/input_buffer.ts";
import { newSession, step } from "../../relay/smtp/session.ts";
import type { Effect, Input, Session, SessionRules } from "../../relay/smtp/session_types.ts";
import { defaultScript, MAX_MESSAGE_BYTES, type Script } from "./scripted_admission.ts";

export interface SessionDialogue {
  readonly name: string;
  readonly text: string;
  readonly script?: Partial<Script>;
  readonly rules?: Partial<SessionRules>;
  /** TLS from the start of the connection. */
  readonly tls?: boolean;
}

/** What the client says at once, and what the server answers to it. */
export interface Group {
  readonly client: readonly string[];
  readonly server: readonly string[];
}

export const CLOSE = "<close>";

export const testRules: SessionRules = {
  hostname: "relay.example",
  serviceName: "smtp.example",
  maxMessageBytes: MAX_MESSAGE_BYTES,
  maxRecipients: 100,
  allowPlaintextAuth: false,
  maxErrors: 20,
  maxJunkCommands: 100,
  maxMessages: 1000,
};

/** The first group is the greeting: its client has said nothing. */
export function groupsOf({ text }: SessionDialogue): Group[] {
  const groups: { client: string[]; server: string[] }[] = [{ client: [], server: [] }];
  let before = "S";
  for (const line of text.split("\n").map((line) => line.trimStart())) {
    if (line === "") continue;
    const [, from, said] = /^([CS]): ?(.*)$/.exec(line) ?? [];
    if (from === undefined || said === undefined) throw new Error(`not a line of a dialogue: ${line}`);
    if (from === "C" && before === "S") groups.push({ client: [], server: [] });
    groups.at(-1)![from === "C" ? "client" : "server"].push(said);
    before = from;
  }
  return groups;
}

/** Compares the server's lines with what a dialogue says they are. */
export function assertSaid(seen: readonly string[], expected: readonly string[], where: string): void {
  const shown = seen.map((line, at) => {
    const pattern = expected[at];
    return pattern?.endsWith("…") && line.startsWith(pattern.slice(0, -1)) ? pattern : line;
  });
  assertEquals(shown, [...expected], where);
}

/** The session alone, with the input buffer that cuts lines; effects are answered by the dialogue's script. */
export class PureSession {
  session: Session;
  /** What the server said since it was last taken. */
  said: string[] = [];
  readonly #script: Script;
  readonly #rules: SessionRules;
  readonly #input = new InputBuffer();
  #receiving: string[] | undefined;
  /** Octets of a chunk that are still to come, and what is fed when they have. */
  #chunk: { octets: number; readonly then: () => void } | undefined;
  #messages = 0;

  constructor({ script, rules, tls }: Partial<SessionDialogue>) {
    this.session = newSession(tls === true ? "TLS" : null);
    this.#script = { ...defaultScript, ...script };
    this.#rules = { ...testRules, ...rules };
    this.feed({ is: "connected" });
  }

  /** A line of the client, without its CRLF. */
  line(text: string): void {
    if (this.session.state.at === "Closed") return;
    if (this.#receiving !== undefined) {
      if (text === ".") this.#message();
      else this.#receiving.push(text);
      return;
    }
    const octets = new TextEncoder().encode(`${text}\r\n`);
    if (this.#chunk !== undefined) return this.#chunkCame(octets.length);
    for (let at = 0; at < octets.length;) {
      const room = this.#input.room();
      const part = octets.subarray(at, at + room.length);
      room.set(part);
      this.#input.filled(part.length);
      at += part.length;
    }
    const line = this.#input.line();
    if (line === undefined) throw new Error(`no line: ${text}`);
    if ("text" in line) this.feed({ is: "line", text: line.text });
    else this.feed(line.fatal ? { is: "ended", reply: line.bad } : { is: "bad-line", reply: line.bad });
  }

  feed(input: Input): void {
    const { session, effects } = step(this.session, input, this.#rules);
    this.session = session;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: Effect): void {
    switch (effect.do) {
      case "reply":
        this.said.push(...formatReply(effect.reply).split("\r\n").slice(0, -1));
        break;
      case "close":
        this.said.push(CLOSE);
        break;
      case "secure":
        this.feed({ is: "secured", tls: "TLSv1.3" });
        break;
      case "login":
        this.feed({ is: "login", verdict: this.#script.login(effect.credentials) });
        break;
      case "admit-mail":
        this.feed({ is: "mail", mail: effect.mail, verdict: this.#script.mail(effect.mail, effect.login) });
        break;
      case "admit-recipient": {
        const refusal = this.#script.recipient(effect.transaction, effect.domain);
        const verdict = refusal === null ? { skip: null } : { refusal };
        this.feed({ is: "recipient", address: effect.address, dsn: effect.dsn, verdict });
        break;
      }
      case "receive":
        this.#receiving = [];
        break;
      case "receive-chunk": {
        const { octets, last } = effect;
        this.#awaitChunk(octets, () => last ? this.#decide(octets) : this.feed({ is: "chunk", octets }));
        break;
      }
      case "skip":
        this.#awaitChunk(effect.octets, () => this.feed({ is: "skipped", reply: effect.reply }));
        break;
    }
  }

  #awaitChunk(octets: number, then: () => void): void {
    this.#chunk = { octets, then };
    this.#chunkCame(0);
  }

  #chunkCame(octets: number): void {
    const chunk = this.#chunk!;
    chunk.octets -= octets;
    if (chunk.octets < 0) throw new Error("a line is longer than its chunk");
    if (chunk.octets > 0) return;
    this.#chunk = undefined;
    chunk.then();
  }

  #message(): void {
    const sizeBytes = this.#receiving!.reduce((sum, line) => sum + line.length + 2, 0);
    this.#receiving = undefined;
    this.#decide(sizeBytes);
  }

  #decide(sizeBytes: number): void {
    const facts = {
      sizeBytes,
      bareLineEndings: false,
      headerTooLong: false,
      receivedFields: 0,
      fromFields: 1,
      fromValue: null,
      ...{ reportType: "none", autoSubmitted: "no", failedRecipientsField: false } as const,
    };
    this.feed({ is: "message", reply: this.#script.message(facts) ?? accepted(`MESSAGE-${++this.#messages}`) });
  }
}

/** Plays a dialogue against the pure session. */
export function playPure(dialogue: SessionDialogue): void {
  const pure = new PureSession(dialogue);
  for (const { client, server } of groupsOf(dialogue)) {
    for (const line of client) pure.line(line);
    assertSaid(pure.said, server, `after ${JSON.stringify(client)}`);
    pure.said = [];
  }
}
