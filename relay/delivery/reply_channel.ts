/**
 * One connection to a remote server as commands go out on it and replies come back: writes, reads and their deadlines.
 *
 * Every trouble on the way (closed, reset, silent, nonsense) ends in one `ConnectionLost` that says which it was. It
 * knows nothing of what the commands mean.
 */
import { type DeadlineWatch, NEVER, type Watched } from "./deadlines.ts";
import { MalformedReply, type RemoteReply, ReplyReader } from "./reply_reader.ts";

/** What is needed of a `Deno.Conn`; TLS comes in the same shape. */
export type OctetStream = Pick<Deno.Conn, "read" | "write" | "close">;

/** The connection is of no further use; the message says why, to be read behind "the server". */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
  /** The server was there but did not answer before its deadline. */
  readonly timedOut: boolean;

  constructor(message: string, options: ErrorOptions & { timedOut?: boolean } = {}) {
    super(message, options);
    this.timedOut = options.timedOut ?? false;
  }
}

/** Replies to a group of a hundred commands fit. */
const READ_BUFFER_OCTETS = 8 * 1024;
/** The commands of a transaction fit, and most messages. */
const WRITE_BUFFER_OCTETS = 8 * 1024;
const encoder = new TextEncoder();

export class ReplyChannel implements Watched {
  deadline = NEVER;
  readonly #stream: OctetStream;
  readonly #watch: DeadlineWatch;
  readonly #reader = new ReplyReader();
  readonly #buffer = new Uint8Array(READ_BUFFER_OCTETS);
  readonly #out = new Uint8Array(WRITE_BUFFER_OCTETS);
  /** A read that was started and not yet taken up. */
  #read: Promise<number | null> | undefined;
  #onExpiry: (() => void) | undefined;
  #lost: ConnectionLost | undefined;
  #hasHeard = false;
  #closed = false;

  constructor(stream: OctetStream, watch: DeadlineWatch) {
    this.#stream = stream;
    this.#watch = watch;
    watch.add(this);
  }

  /** Sends commands, each with its CRLF. @throws {ConnectionLost} */
  sendText(commands: string, seconds: number): Promise<void> {
    const { read, written } = encoder.encodeInto(commands, this.#out);
    return this.send(read === commands.length ? this.#out.subarray(0, written) : encoder.encode(commands), seconds);
  }

  /**
   * So many octets of memory for what is sent next; not to be touched behind that. For what is small it is always the
   * same: to make some anew costs more than to fill it.
   */
  outgoing(octets: number): Uint8Array {
    return octets <= this.#out.length ? this.#out.subarray(0, octets) : new Uint8Array(octets);
  }

  /** Sends octets; resolves when the system has taken them all, so a slow reader slows us. @throws {ConnectionLost} */
  async send(octets: Uint8Array, seconds: number): Promise<void> {
    this.deadline = this.#watch.after(seconds);
    try {
      this.checkStep();
      let sent = await this.#stream.write(octets);
      while (sent < octets.length) sent += await this.#stream.write(octets.subarray(sent));
    } catch (error) {
      throw this.#connectionLost(error);
    } finally {
      this.deadline = NEVER;
    }
  }

  /** The next reply, if all of it has been read; undefined: it has to be waited for. */
  received(): RemoteReply | undefined {
    return this.#reader.next();
  }

  /** The next reply, for which the server has `seconds` in all, however it drips. @throws {ConnectionLost} */
  async receive(seconds: number): Promise<RemoteReply> {
    let reply = this.#reader.next();
    if (reply !== undefined) return reply;
    this.deadline = this.#watch.after(seconds);
    try {
      while (reply === undefined) {
        const read = this.#read ?? this.#stream.read(this.#buffer);
        this.#read = undefined;
        const octets = await read;
        if (octets === null) throw new ConnectionLost("closed the connection");
        this.#hasHeard = true;
        this.#reader.push(this.#buffer.subarray(0, octets));
        reply = this.#reader.next();
      }
      return reply;
    } catch (error) {
      throw this.#connectionLost(error);
    } finally {
      this.deadline = NEVER;
    }
  }

  /**
   * A server that has said more than it was asked is out of step: what it has said would be taken for the answer to
   * what comes next. @throws {ConnectionLost}
   */
  checkStep(): void {
    if (this.hasUnread) throw new ConnectionLost("gave more replies than it was asked for");
  }

  /** Whether the server has said anything here. */
  get hasHeard(): boolean {
    return this.#hasHeard;
  }

  /** Whether anything arrived that nobody asked for yet. */
  get hasUnread(): boolean {
    return this.#reader.hasUnread;
  }

  /**
   * Nothing is going on for now: `onGone` is called once when the server says or closes something, or after `seconds`.
   * The next `send` or `receive` ends this state.
   */
  rest(seconds: number, onGone: () => void): void {
    const gone = () => {
      if (this.#onExpiry !== gone) return;
      this.#onExpiry = undefined;
      onGone();
    };
    this.#onExpiry = gone;
    this.deadline = this.#watch.after(seconds);
    this.#read ??= this.#stream.read(this.#buffer);
    // Whichever way it ends while at rest, the connection is over: a server speaks unasked only to say 421.
    this.#read.then(gone, gone);
  }

  /** Ends `rest`. */
  wake(): void {
    this.#onExpiry = undefined;
    this.deadline = NEVER;
  }

  /** The stream goes to another channel, and is that one's to watch and to close. */
  handOver(): void {
    this.#closed = true;
    this.#watch.remove(this);
  }

  expire(): void {
    if (this.#onExpiry !== undefined) return this.#onExpiry();
    this.#lost ??= new ConnectionLost("did not answer in time", { timedOut: true });
    this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.remove(this);
    this.#stream.close();
  }

  /** What the stream throws is the network's or the peer's doing; the reader throws for what the peer sent. */
  #connectionLost(error: unknown): ConnectionLost {
    // What ended because we closed the connection has our reason, whatever it says itself.
    if (this.#lost === undefined) {
      if (error instanceof ConnectionLost) this.#lost = error;
      else {
        const why = error instanceof MalformedReply ? error.message : "broke the connection";
        this.#lost = new ConnectionLost(why, { cause: error });
      }
    }
    return this.#lost;
  }
}
