/**
 * A recipient's mail server for tests: a real TCP server that behaves well unless a test's script says otherwise.
 *
 * It keeps what it received and a transcript of each connection in `C:` and `S:` lines. Its reading of the data is a
 * naive one on purpose, so that it can serve as an oracle.
 */
import { createServer, type Server, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { KeyPair } from "./self_signed.ts";

/** What the script may do instead of the normal answer. Replies are given without the last CRLF. */
export type Action =
  | string
  /** Sends the reply, if any, and closes the connection. */
  | { readonly close: string | null }
  /** Never answers. */
  | "silence"
  | undefined;

/** "greeting", "content" (after the final dot), else a command line such as "RCPT TO:<a@example.net>". */
export type Script = (input: string, connection: Connection) => Action | Promise<Action>;

export interface NextHopOptions {
  readonly hostname?: string;
  /** The loopback address it listens on; 127.0.0.1 unless told. */
  readonly address?: string;
  /** EHLO keywords beside STARTTLS; by default PIPELINING, SIZE, 8BITMIME and ENHANCEDSTATUSCODES. */
  readonly extensions?: readonly string[];
  /** With a key pair it offers STARTTLS. */
  readonly tls?: KeyPair;
  readonly script?: Script;
}

export interface Received {
  readonly mailFrom: string;
  readonly recipients: readonly string[];
  /** Octets as a binary string, dots unstuffed, with the CRLF of the last line. */
  readonly content: string;
  readonly tls: boolean;
  /** Which connection it came on, from 0. */
  readonly connection: number;
}

/** State of one connection, for scripts too. */
export class Connection {
  readonly transcript: string[] = [];
  /** Writes or TLS records that arrived, for counting round trips. */
  arrivals = 0;
  mailFrom: string | null = null;
  recipients: string[] = [];
  tls = false;
  /** @param peer the address that it came from. */
  constructor(readonly number: number, readonly peer: string) {}
}

export class NextHopServer implements AsyncDisposable {
  readonly received: Received[] = [];
  readonly connections: Connection[] = [];
  script: Script;
  readonly #options: NextHopOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** The most connections that were open at the same time. */
  mostOpen = 0;
  #changed = Promise.withResolvers<void>();

  private constructor(options: NextHopOptions) {
    this.#options = options;
    this.script = options.script ?? (() => undefined);
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(options: NextHopOptions = {}, port = 0): Promise<NextHopServer> {
    const server = new NextHopServer(options);
    await new Promise<void>((resolve, reject) => {
      server.#server.once("error", reject);
      server.#server.listen(port, options.address ?? "127.0.0.1", resolve);
    });
    return server;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the server does not listen");
    return address.port;
  }

  /** Everything that was said, all connections one after another. */
  get transcript(): string[] {
    return this.connections.flatMap(({ transcript }) => transcript);
  }

  /** Resolves when `condition` holds; it is looked at after each step of a dialogue. */
  async until(condition: (server: this) => boolean): Promise<void> {
    while (!condition(this)) await this.#changed.promise;
  }

  /** Closes the open connections without a word, as a server that restarts. */
  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dropConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    const connection = new Connection(this.connections.length, socket.remoteAddress ?? "");
    this.connections.push(connection);
    this.#sockets.add(socket);
    this.mostOpen = Math.max(this.mostOpen, this.#sockets.size);
    socket.setNoDelay(true);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      connection.transcript.push("(closed)");
      this.#notify();
    });
    this.#converse(socket, connection, "greeting").catch(() => socket.destroy());
  }

  async #converse(socket: Socket, connection: Connection, first: string | null): Promise<void> {
    // A client that goes away is part of many tests.
    socket.on("error", () => {});
    if (first !== null) await this.#answer(socket, connection, first, `220 ${this.#hostname} ESMTP`);
    let buffer = "";
    let inData = false;
    // Left early for STARTTLS, the socket has to stay open.
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      connection.arrivals++;
      buffer += (chunk as Uint8Array & { toString(encoding: string): string }).toString("latin1");
      while (true) {
        if (inData) {
          const end = buffer.startsWith(".\r\n") ? -2 : buffer.indexOf("\r\n.\r\n");
          if (end === -1) break;
          const content = buffer.slice(0, end + 2).replace(/(^|\r\n)\./g, "$1");
          buffer = buffer.slice(end + 5);
          inData = false;
          await this.#endOfData(socket, connection, content);
        } else {
          const end = buffer.indexOf("\r\n");
          if (end < 0) break;
          const line = buffer.slice(0, end);
          buffer = buffer.slice(end + 2);
          connection.transcript.push(`C: ${line}`);
          const reply = await this.#answer(socket, connection, line, this.#normalReply(line, connection));
          if (/^STARTTLS/i.test(line) && reply?.startsWith("220")) return this.#startTls(socket, connection);
          if (/^QUIT/i.test(line)) socket.end();
          inData = /^DATA/i.test(line) && reply !== undefined && reply.startsWith("354");
        }
      }
    }
  }

  get #hostname(): string {
    return this.#options.hostname ?? "mx.example.net";
  }

  #normalReply(line: string, connection: Connection): string {
    const verb = line.split(" ")[0]!.toUpperCase();
    const path = /<(.*?)>/.exec(line)?.[1] ?? "";
    switch (verb) {
      case "EHLO":
        return this.#ehlo(connection);
      case "HELO":
        return `250 ${this.#hostname}`;
      case "STARTTLS":
        return this.#options.tls === undefined ? "502 5.5.1 No TLS here" : "220 2.0.0 Go ahead";
      case "MAIL":
        connection.mailFrom = path;
        connection.recipients = [];
        return "250 2.1.0 Sender ok";
      case "RCPT":
        if (connection.mailFrom === null) return "503 5.5.1 MAIL first";
        connection.recipients.push(path);
        return "250 2.1.5 Recipient ok";
      case "DATA":
        return connection.recipients.length === 0 ? "503 5.5.1 RCPT first" : "354 Go ahead";
      case "RSET":
        connection.mailFrom = null;
        connection.recipients = [];
        return "250 2.0.0 Reset";
      case "QUIT":
        return "221 2.0.0 Bye";
      default:
        return "500 5.5.1 Unknown command";
    }
  }

  #ehlo(connection: Connection): string {
    const extensions = this.#options.extensions ?? ["PIPELINING", "SIZE 52428800", "8BITMIME", "ENHANCEDSTATUSCODES"];
    const offered = this.#options.tls === undefined || connection.tls ? extensions : [...extensions, "STARTTLS"];
    const lines = [this.#hostname, ...offered];
    return lines.map((line, at) => `250${at === lines.length - 1 ? " " : "-"}${line}`).join("\r\n");
  }

  /** Lets the script speak first. A recipient that it refused is taken off the list again. */
  async #answer(socket: Socket, connection: Connection, input: string, normal: string): Promise<string | undefined> {
    this.#notify();
    const action = await this.script(input, connection);
    if (action === "silence") return undefined;
    const reply = typeof action === "object" ? action.close : action ?? normal;
    if (/^RCPT/i.test(input) && reply !== null && !reply.startsWith("2")) connection.recipients.pop();
    if (/^MAIL/i.test(input) && reply !== null && !reply.startsWith("2")) connection.mailFrom = null;
    if (reply !== null) {
      connection.transcript.push(...reply.split("\r\n").map((line) => `S: ${line}`));
      await new Promise<void>((resolve) => socket.write(`${reply}\r\n`, () => resolve()));
    }
    this.#notify();
    if (typeof action === "object") {
      socket.destroy();
      return undefined;
    }
    return reply ?? undefined;
  }

  async #endOfData(socket: Socket, connection: Connection, content: string): Promise<void> {
    connection.transcript.push(`C: (${content.length} octets)`);
    const { mailFrom, recipients, tls, number } = connection;
    const reply = await this.#answer(socket, connection, "content", "250 2.0.0 Queued");
    if (reply?.startsWith("2") && recipients.length > 0) {
      this.received.push({ mailFrom: mailFrom ?? "", recipients, content, tls, connection: number });
    }
    connection.mailFrom = null;
    connection.recipients = [];
    this.#notify();
  }

  async #startTls(plain: Socket, connection: Connection): Promise<void> {
    const secured = new TLSSocket(plain, { isServer: true, ...this.#options.tls });
    connection.tls = true;
    await this.#converse(secured, connection, null);
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
