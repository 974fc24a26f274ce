/**
 * A listener on a loopback socket whose connections tell when the server has read all that its client sent and waits
 * for more. So a test decides in which pieces octets arrive, over a real socket and without a clock.
 *
 *     const watched = new WatchedListener();
 *     server.serve(watched.listener, false); // the server closes it
 *     using client = await watched.connect();
 *     await client.greeted();
 *     await client.send("EHLO c\r\n"); // resolves when the server waits again, or has closed
 */
import { fromLatin1, latin1 } from "./octets.ts";
import { within } from "./within.ts";

const HOST = "127.0.0.1";

export class WatchedListener {
  readonly #inner = Deno.listen({ hostname: HOST, port: 0 });
  /** By the client's port. */
  readonly #connections = new Map<number, PromiseWithResolvers<WatchedConn>>();

  /** As a server takes it. */
  get listener(): Deno.Listener {
    const accept = async () => {
      const conn = await this.#inner.accept();
      const watched = new WatchedConn(conn);
      this.#connection(conn.remoteAddr.port).resolve(watched);
      return watched;
    };
    return { accept, close: () => this.#inner.close(), addr: this.#inner.addr } as unknown as Deno.Listener;
  }

  async connect(): Promise<WatchedClient> {
    const conn = await Deno.connect({ hostname: HOST, port: this.#inner.addr.port });
    conn.setNoDelay(true);
    const { port } = conn.localAddr;
    const watched = await within(this.#connection(port).promise, "accepting a connection");
    this.#connections.delete(port);
    return new WatchedClient(conn, watched);
  }

  #connection(port: number): PromiseWithResolvers<WatchedConn> {
    let found = this.#connections.get(port);
    if (found === undefined) this.#connections.set(port, found = Promise.withResolvers());
    return found;
  }
}

/** The server's end. */
class WatchedConn {
  readonly remoteAddr: Deno.NetAddr;
  readonly #conn: Deno.TcpConn;
  #received = 0;
  #reading = false;
  #closed = false;
  #changed = Promise.withResolvers<void>();

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    this.remoteAddr = conn.remoteAddr;
    conn.setNoDelay(true);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves when so many octets were read and more are waited for, or when the server has closed. */
  async waits(octets: number): Promise<void> {
    while (!this.#closed && !(this.#reading && this.#received === octets)) await this.#changed.promise;
  }

  async read(target: Uint8Array): Promise<number | null> {
    this.#reading = true;
    this.#notify();
    try {
      const octets = await this.#conn.read(target);
      this.#received += octets ?? 0;
      return octets;
    } finally {
      this.#reading = false;
    }
  }

  write(octets: Uint8Array): Promise<number> {
    return this.#conn.write(octets);
  }

  close(): void {
    this.#closed = true;
    this.#notify();
    this.#conn.close();
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

export class WatchedClient implements Disposable {
  readonly #conn: Deno.TcpConn;
  readonly #server: WatchedConn;
  readonly #reading: Promise<void>;
  #sent = 0;
  #heard = "";
  #greeting = Promise.withResolvers<void>();
  #isOpen = true;

  constructor(conn: Deno.TcpConn, server: WatchedConn) {
    this.#conn = conn;
    this.#server = server;
    this.#reading = this.#readAll();
  }

  /** All that the server said so far; a character is an octet. */
  get heard(): string {
    return this.#heard;
  }

  /** Resolves when a line of the server has come, or its end. */
  greeted(): Promise<void> {
    return within(this.#greeting.promise, "the greeting");
  }

  /** Sends octets (each a character), and waits until the server has read them all and waits for more, or is gone. */
  async send(octets: string): Promise<void> {
    await this.throwIn(octets);
    await within(this.#server.waits(this.#sent), `reading ${this.#sent} octets`);
  }

  /** Sends octets and does not care what becomes of them. */
  async throwIn(octets: string): Promise<void> {
    try {
      for (let rest = latin1(octets); rest.length > 0 && !this.#server.closed;) {
        const sent = await within(this.#conn.write(rest), "writing");
        this.#sent += sent;
        rest = rest.subarray(sent);
      }
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  /** Says that no more will come, and resolves with all that was heard when the server has closed. */
  async finish(): Promise<string> {
    try {
      await this.#conn.closeWrite();
    } catch (error) {
      if (!isGone(error)) throw error;
    }
    await within(this.#reading, "the server's end");
    return this.#heard;
  }

  /** Closes without a word, and resolves when the server has noticed. */
  async vanish(): Promise<void> {
    this[Symbol.dispose]();
    await within(this.#server.waits(Infinity), "the server's notice");
  }

  [Symbol.dispose](): void {
    if (this.#isOpen) this.#conn.close();
    this.#isOpen = false;
  }

  async #readAll(): Promise<void> {
    const buffer = new Uint8Array(16 * 1024);
    try {
      for (let octets = await this.#conn.read(buffer); octets !== null; octets = await this.#conn.read(buffer)) {
        this.#heard += fromLatin1(buffer.subarray(0, octets));
        if (this.#heard.includes("\r\n")) this.#greeting.resolve();
      }
    } catch (error) {
      if (!isGone(error)) throw error;
    } finally {
      this.#greeting.resolve();
    }
  }
}

/** What a peer that has closed looks like, and one's own end that has. */
function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.NotConnected || error instanceof Deno.errors.ConnectionAborted;
}
