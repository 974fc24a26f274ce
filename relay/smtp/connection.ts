/**
 * One SMTP connection: reads lines, runs the session's effects and feeds their results back.
 *
 * Guarantees: replies of a pipelined group leave in one write (RFC 2920 3.2); nothing that came in clear is used after
 * STARTTLS; `run` ends without throwing, whatever the peer does.
 */
import type { Admission } from "../admission/admission.ts";
import type { Origin } from "../envelope.ts";
import { encodeReply, type Reply } from "../protocol/reply.ts";
import { InputBuffer } from "./input_buffer.ts";
import { receive, type ReceiveContext } from "./receive.ts";
import { newSession, step } from "./session.ts";
import type { Effect, Input, Session, SessionRules, Transaction } from "./session_types.ts";
import { protocolType } from "./trace.ts";

/** The part of `Deno.Conn` that a session uses; plain, TLS and upgraded connections all have it. */
export interface SessionConn {
  read(target: Uint8Array): Promise<number | null>;
  write(octets: Uint8Array): Promise<number>;
  close(): void;
}

export interface ConnectionContext extends ReceiveContext {
  readonly rules: SessionRules;
  readonly admission: Admission;
  /** Server side of a TLS handshake. It rejects if the handshake fails. */
  readonly secure: (conn: SessionConn) => Promise<{ conn: SessionConn; tls: string }>;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
}

/** RFC 5321 4.5.3.2.7: a server should wait at least five minutes for the next command. */
const COMMAND_TIMEOUT_MS = 5 * 60_000;
/** RFC 5321 4.5.3.2.5 gives a client three minutes for each block of data. */
const DATA_BLOCK_TIMEOUT_MS = 3 * 60_000;
/** Octets read at once while data comes. */
const DATA_BUFFER_OCTETS = 64 * 1024;

export class Connection {
  /** When the peer must have said the next thing, by the monotonic clock. */
  deadline: number;
  readonly #context: ConnectionContext;
  readonly #address: string;
  readonly #input = new InputBuffer();
  #conn: SessionConn;
  #session: Session;
  #output: Uint8Array[] = [];
  #closed = false;

  /** @param tls what is known of the TLS that is active already ("" if only that), or null. */
  constructor(conn: SessionConn, address: string, tls: string | null, context: ConnectionContext) {
    this.#conn = conn;
    this.#address = address;
    this.#context = context;
    this.#session = newSession(tls);
    this.deadline = context.monotonic() + COMMAND_TIMEOUT_MS;
  }

  /** Whether a message is being received or decided on: a drain waits for it. */
  get inTransaction(): boolean {
    return this.#session.state.at === "Envelope" || this.#session.state.at === "Data";
  }

  async run(): Promise<void> {
    try {
      await this.#feed({ is: "connected" });
      while (!this.#closed) {
        const line = this.#input.line();
        if (line === undefined) {
          if (!await this.#readMore()) break;
          continue;
        }
        this.deadline = this.#context.monotonic() + COMMAND_TIMEOUT_MS;
        if ("text" in line) await this.#feed({ is: "line", text: line.text });
        else await this.#feed(line.fatal ? { is: "ended", reply: line.bad } : { is: "bad-line", reply: line.bad });
      }
    } catch (error) {
      if (!isConnectionTrouble(error)) this.#context.onTrouble("", error);
    } finally {
      this.#close();
    }
  }

  /** Says why and closes, whatever the session is doing. */
  async end(reply: Reply): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#feed({ is: "ended", reply });
    } catch (error) {
      if (!isConnectionTrouble(error)) this.#context.onTrouble("", error);
    } finally {
      this.#close();
    }
  }

  async #feed(input: Input): Promise<void> {
    const { session, effects } = step(this.#session, input, this.#context.rules);
    this.#session = session;
    for (const effect of effects) {
      const answer = await this.#perform(effect);
      if (answer !== undefined) await this.#feed(answer);
    }
  }

  #perform(effect: Effect): Promise<Input | undefined> | undefined {
    switch (effect.do) {
      case "reply":
        this.#output.push(encodeReply(effect.reply));
        return;
      case "close":
        return this.#flushAndClose();
      case "secure":
        return this.#secure();
      case "login":
        return this.#context.admission.login(effect.credentials, this.#address).then((verdict) => ({
          is: "login",
          verdict,
        }));
      case "admit-mail":
        return this.#context.admission.mail(effect.mail, effect.login, this.#address).then((verdict) => ({
          is: "mail",
          mail: effect.mail,
          verdict,
        }));
      case "admit-recipient":
        return this.#context.admission.recipient(effect.transaction, effect.domain).then((refusal) => ({
          is: "recipient",
          address: effect.address,
          refusal,
        }));
      case "receive":
        return this.#receive(effect.transaction);
    }
  }

  async #receive(transaction: Transaction): Promise<Input | undefined> {
    const buffer = new Uint8Array(DATA_BUFFER_OCTETS);
    const source = {
      read: async () => {
        if (!this.#input.isEmpty) return this.#input.takeRest();
        await this.#flush();
        this.deadline = this.#context.monotonic() + DATA_BLOCK_TIMEOUT_MS;
        const octets = await this.#read(buffer);
        return octets === null ? null : buffer.subarray(0, octets);
      },
      putBack: (octets: Uint8Array) => this.#input.putBack(octets),
    };
    const reply = await receive(source, transaction, this.#origin(transaction), this.#context);
    if (reply !== null) return { is: "message", reply };
    this.#close();
  }

  #origin(transaction: Transaction): Origin {
    const { helo, extended, tls, login } = this.#session;
    const authenticated = login !== null;
    return {
      address: this.#address,
      helo: helo ?? "",
      protocol: protocolType({ extended, tls: tls !== null, authenticated, utf8: transaction.smtputf8 }),
      tls,
    };
  }

  async #secure(): Promise<Input | undefined> {
    await this.#flush();
    // RFC 3207 and CVE-2011-0411: what came with STARTTLS was sent in clear, by whomever.
    if (!this.#input.isEmpty) {
      this.#close();
      return;
    }
    const { conn, tls } = await this.#context.secure(this.#conn);
    this.#conn = conn;
    return { is: "secured", tls };
  }

  async #readMore(): Promise<boolean> {
    await this.#flush();
    const octets = await this.#read(this.#input.room());
    if (octets === null) return false;
    this.#input.filled(octets);
    return true;
  }

  /** Reads some octets; null when the peer has gone, in order or not. */
  async #read(target: Uint8Array): Promise<number | null> {
    try {
      return await this.#conn.read(target);
    } catch (error) {
      if (isConnectionTrouble(error)) return null;
      throw error;
    }
  }

  async #flush(): Promise<void> {
    if (this.#output.length === 0) return;
    let octets = this.#output.length === 1 ? this.#output[0]! : concatenate(this.#output);
    this.#output = [];
    while (octets.length > 0) octets = octets.subarray(await this.#conn.write(octets));
  }

  async #flushAndClose(): Promise<undefined> {
    await this.#flush();
    this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#conn.close();
    } catch (error) {
      if (!isConnectionTrouble(error)) throw error;
    }
  }
}

/** What a peer or the network can cause, or a close that came before: an end, not an error of ours. */
function isConnectionTrouble(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.UnexpectedEof || error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted || error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.InvalidData || error instanceof Deno.errors.TimedOut ||
    error instanceof Deno.errors.NotConnected;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
