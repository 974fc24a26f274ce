/**
 * One SMTP connection: reads lines, runs the session's effects and feeds their results back.
 *
 * Guarantees: replies of a pipelined group leave in one write (RFC 2920 3.2); nothing that came in clear is used after
 * STARTTLS; a message that was read to its end gets the reply that was decided, whatever ends the session; `run` ends
 * without throwing, whatever the peer does.
 */
import type { Admission } from "../admission/admission.ts";
import { BufferPool } from "../buffer_pool.ts";
import type { Origin } from "../envelope.ts";
import { replies, tooBig } from "../protocol/replies.ts";
import { encodeReply, type Reply } from "../protocol/reply.ts";
import { DataPace, type DataTiming } from "./data_pace.ts";
import { InputBuffer } from "./input_buffer.ts";
import { lastWords } from "./last_words.ts";
import { OutputBuffer } from "./output_buffer.ts";
import { type DataSource, readExactly, Reception, type ReceptionContext } from "./reception.ts";
import { newSession, step } from "./session.ts";
import type { Effect, Input, Session, SessionRules, Step, Transaction } from "./session_types.ts";
import { protocolType } from "./trace.ts";

/** The part of `Deno.Conn` that a session uses; plain, TLS and upgraded connections all have it. */
export interface SessionConn {
  read(target: Uint8Array): Promise<number | null>;
  write(octets: Uint8Array): Promise<number>;
  close(): void;
}

export interface ConnectionTiming extends DataTiming {
  /** The longest wait for a whole command (RFC 5321 4.5.3.2.7: at least five minutes). */
  readonly commandTimeoutMs: number;
}

export interface ConnectionContext extends ReceptionContext {
  readonly rules: SessionRules;
  readonly timing: ConnectionTiming;
  readonly admission: Pick<Admission, "login" | "mail" | "recipient" | "message">;
  /** Server side of a TLS handshake. It rejects if the handshake fails. */
  readonly secure: (conn: SessionConn) => Promise<{ conn: SessionConn; tls: string }>;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
}

/** Octets read at once while data comes; 2 MiB unused in all, as many as receive data at the same moment on a busy node. */
const dataBuffers = new BufferPool(64 * 1024, 32);

export class Connection {
  /** When the peer must have said the next thing, by the monotonic clock; Infinity while it waits for us. */
  deadline: number;
  readonly #context: ConnectionContext;
  readonly #address: string;
  readonly #input = new InputBuffer();
  readonly #output = new OutputBuffer();
  #conn: SessionConn;
  #session: Session;
  /** Nothing may be said in clear before the handshake. */
  #handshakeFirst: boolean;
  /** How fast it comes. */
  #pace: DataPace | undefined;
  /** A read that was begun before the greeting. */
  #firstRead: Promise<number | null> | undefined;
  /** The message that is being received. */
  #reception: Reception | undefined;
  /** The data has been read to its end and its fate is being decided. */
  #deciding = false;
  /** What to end with when that is done. */
  #farewell: Reply | undefined;
  #ending = false;
  #closed = false;

  /** @param tlsFirst whether TLS begins with the connection (RFC 8314 3.3). */
  constructor(conn: SessionConn, address: string, tlsFirst: boolean, context: ConnectionContext) {
    this.#conn = conn;
    this.#address = address;
    this.#context = context;
    this.#handshakeFirst = tlsFirst;
    this.#session = newSession(null);
    this.deadline = context.monotonic() + context.timing.commandTimeoutMs;
  }

  /** Ends a connection whose deadline has passed. */
  async expire(): Promise<void> {
    await this.end(this.#reception === undefined ? replies.idle : replies.tooSlow);
  }

  /** Whether a sender was accepted and its message has not ended: a drain waits for it. */
  get inTransaction(): boolean {
    const { at } = this.#session.state;
    return at === "Envelope" || at === "Chunks" || at === "Data";
  }

  async run(): Promise<void> {
    try {
      if (this.#handshakeFirst) await this.#beginWithTls();
      else await this.#listenForEarlyTalker();
      if (!this.#closed) await this.#feed({ is: "connected" });
      while (!this.#closed) {
        const line = this.#input.line();
        if (line === undefined) {
          if (!await this.#readMore()) break;
          continue;
        }
        this.#awaitCommand();
        if ("text" in line) await this.#feed({ is: "line", text: line.text });
        else await this.#feed(line.fatal ? { is: "ended", reply: line.bad } : { is: "bad-line", reply: line.bad });
        this.#awaitCommand();
        if (this.#farewell !== undefined) await this.#feed({ is: "ended", reply: this.#farewell });
      }
    } catch (error) {
      if (!isConnectionTrouble(error)) this.#context.onTrouble("", error);
    } finally {
      this.#close();
      if (this.#reception !== undefined) await this.#discardReception();
      // A read that nobody waited for may still put octets into it.
      if (this.#firstRead === undefined) this.#input.release();
    }
  }

  /** Says why and closes, whatever the session is doing; a message that is being decided on has its reply first. */
  async end(reply: Reply): Promise<void> {
    if (this.#closed || this.#ending) return;
    if (this.#deciding) {
      this.#farewell = reply;
      return;
    }
    this.#ending = true;
    if (this.#handshakeFirst) return this.#close();
    const closing = this.#session.state.at === "Closed";
    try {
      await lastWords(closing ? this.#output.flush(this.#conn) : this.#feed({ is: "ended", reply }));
    } catch (error) {
      if (!isConnectionTrouble(error)) this.#context.onTrouble("", error);
    } finally {
      this.#close();
    }
  }

  /**
   * A client that speaks before it is greeted is not one of SMTP (RFC 5321 3.1), or repeats what somebody else made it
   * say. What is read here stays the first read of the session.
   */
  async #listenForEarlyTalker(): Promise<void> {
    const firstRead = this.#firstRead = this.#conn.read(this.#input.room());
    let early: number | null | undefined;
    // What the read rejects with is met where its octets are wanted.
    firstRead.then((octets) => early = octets, () => {});
    await socketsLookedAt();
    if (early === null) this.#close();
    else if (early !== undefined) await this.#feed({ is: "ended", reply: replies.earlyTalker });
  }

  async #beginWithTls(): Promise<void> {
    const secured = await this.#secure();
    this.#handshakeFirst = false;
    if (secured !== undefined) await this.#feed(secured);
  }

  async #feed(input: Input): Promise<void> {
    for (let next: Input | undefined = input; next !== undefined;) {
      const { session, effects }: Step = step(this.#session, next, this.#context.rules);
      this.#session = session;
      const receives = session.state.at === "Chunks" || session.state.at === "Data";
      if (!receives && this.#reception !== undefined) await this.#discardReception();
      next = undefined;
      for (const effect of effects) {
        const performed = this.#perform(effect);
        // A reply is there at once, and most commands are answered by one.
        if (performed !== undefined) next = await performed;
      }
    }
  }

  #perform(effect: Effect): Promise<Input | undefined> | undefined {
    switch (effect.do) {
      case "reply":
        this.#output.add(encodeReply(effect.reply));
        return;
      case "close":
        return this.#flushAndClose();
      case "secure":
        return this.#secure();
      case "login":
        return this.#decision(
          this.#context.admission.login(effect.credentials, this.#address),
          { refusal: replies.authUnavailable },
          (verdict) => ({ is: "login", verdict }),
        );
      case "admit-mail":
        return this.#decision(
          this.#context.admission.mail(effect.mail, effect.login, this.#address),
          { refusal: replies.localTrouble },
          (verdict) => ({ is: "mail", mail: effect.mail, verdict }),
        );
      case "admit-recipient":
        return this.#decision(
          this.#context.admission.recipient(effect.transaction, effect),
          { refusal: replies.localTrouble },
          (verdict) => ({ is: "recipient", address: effect.address, dsn: effect.dsn, verdict }),
        );
      case "receive":
        return this.#receive(effect.transaction);
      case "receive-chunk":
        return this.#receiveChunk(effect.transaction, effect.octets, effect.last);
      case "skip":
        return this.#skip(effect.octets, effect.reply);
    }
  }

  /** What admission decides; trouble that nobody expected is reported, and not the client's fault (invariant 7). */
  async #decision<T>(decided: Promise<T>, inTrouble: T, toInput: (verdict: T) => Input): Promise<Input> {
    try {
      return toInput(await decided);
    } catch (error) {
      this.#context.onTrouble("", error);
      return toInput(inTrouble);
    }
  }

  async #receive(transaction: Transaction): Promise<Input | undefined> {
    const reception = this.#reception = new Reception(transaction, this.#origin(transaction), this.#context);
    using source = this.#dataSource();
    switch (await reception.readData(source)) {
      case "read":
        return this.#finish(reception);
      case "endless":
        return { is: "ended", reply: tooBig(this.#context.maxMessageBytes) };
      case "gone":
        this.#close();
    }
  }

  async #receiveChunk(transaction: Transaction, octets: number, last: boolean): Promise<Input | undefined> {
    const reception = this.#reception ??= new Reception(transaction, this.#origin(transaction), this.#context);
    using source = this.#dataSource();
    if (!await reception.readChunk(source, octets)) return this.#close();
    return last ? this.#finish(reception) : { is: "chunk", octets };
  }

  async #skip(octets: number, reply: Reply): Promise<Input | undefined> {
    using source = this.#dataSource();
    if (!await readExactly(source, octets, () => {})) return this.#close();
    // They were no part of a message: what comes next has its own time.
    this.#pace = undefined;
    return { is: "skipped", reply };
  }

  /** The content is there: from now on the client waits for us. */
  async #finish(reception: Reception): Promise<Input | undefined> {
    // Told to go meanwhile, the client will send the message again.
    if (this.#ending) return;
    this.#reception = this.#pace = undefined;
    this.#deciding = true;
    this.deadline = Infinity;
    const reply = await reception.finish();
    this.#deciding = false;
    return { is: "message", reply };
  }

  /** What was received of a message that will not be finished is forgotten. */
  async #discardReception(): Promise<void> {
    const reception = this.#reception;
    this.#reception = this.#pace = undefined;
    await reception?.discard();
  }

  /** Its buffer is given back at the end of the scope, when nothing is read into it any more. */
  #dataSource(): DataSource & Disposable {
    // One pace for a whole message, in however many chunks it comes.
    const pace = this.#pace ??= new DataPace(this.#context.timing, this.#context.monotonic());
    let buffer: Uint8Array | undefined;
    return {
      read: () => this.#input.isEmpty ? this.#readData(buffer ??= dataBuffers.take(), pace) : this.#takeRest(pace),
      putBack: (octets) => this.#input.putBack(octets),
      [Symbol.dispose]: () => {
        if (buffer !== undefined) dataBuffers.give(buffer);
      },
    };
  }

  #takeRest(pace: DataPace): Promise<Uint8Array> {
    const octets = this.#input.takeRest();
    pace.received(octets.length);
    return Promise.resolve(octets);
  }

  /** Octets of a message's data, or null when no more can come, whatever the reason. */
  async #readData(buffer: Uint8Array, pace: DataPace): Promise<Uint8Array | null> {
    try {
      await this.#output.flush(this.#conn);
      this.deadline = pace.deadline(this.#context.monotonic());
      const octets = await this.#conn.read(buffer);
      // What is done with them is our time, not the client's.
      this.deadline = Infinity;
      pace.received(octets ?? 0);
      return octets === null ? null : buffer.subarray(0, octets);
    } catch (error) {
      if (!isConnectionTrouble(error)) this.#context.onTrouble("", error);
      return null;
    }
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
    await this.#output.flush(this.#conn);
    // RFC 3207 and CVE-2011-0411: what came with STARTTLS was sent in clear, by whomever.
    if (!this.#input.isEmpty) {
      this.#close();
      return;
    }
    const { conn, tls } = await this.#context.secure(this.#conn);
    this.#conn = conn;
    // Ended inside the handshake: what was closed is the connection beneath.
    if (this.#closed) return this.#closeConn();
    return { is: "secured", tls };
  }

  async #readMore(): Promise<boolean> {
    await this.#output.flush(this.#conn);
    const octets = await (this.#firstRead ?? this.#conn.read(this.#input.room()));
    this.#firstRead = undefined;
    if (octets === null) return false;
    this.#input.filled(octets);
    return true;
  }

  #awaitCommand(): void {
    const now = this.#context.monotonic();
    const command = now + this.#context.timing.commandTimeoutMs;
    this.deadline = this.#pace === undefined ? command : Math.min(command, this.#pace.deadline(now));
  }

  async #flushAndClose(): Promise<undefined> {
    await this.#output.flush(this.#conn);
    this.#close();
  }

  #close(): undefined {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeConn();
  }

  #closeConn(): undefined {
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

/**
 * Resolves when what the clients had sent by now has been read, with Deno 2.9.6: a turn of immediates does not look at
 * sockets; where a timer has fired they have been looked at, and where the next one fires, what was found has been
 * told. 2 to 4 ms.
 */
async function socketsLookedAt(): Promise<void> {
  for (let timer = 0; timer < 2; timer++) await new Promise<void>((resolve) => setTimeout(resolve, 0));
}
