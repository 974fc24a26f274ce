/**
 * The SMTP server of a node: listeners, the limits on open connections, deadlines and the drain.
 *
 * Over a limit a client hears why (421) and is closed. One timer looks at all deadlines, so that a connection costs
 * no timer of its own.
 */
import type { Admission } from "../admission/admission.ts";
import { replies } from "../protocol/replies.ts";
import { encodeReply, type Reply } from "../protocol/reply.ts";
import { lastWords } from "./last_words.ts";
import { Connection, type ConnectionContext, type SessionConn } from "./connection.ts";
import type { ConnectionCounts, Counted } from "./connection_counts.ts";

export interface SmtpServerOptions extends ConnectionContext {
  readonly admission: ConnectionContext["admission"] & Pick<Admission, "connection">;
  readonly connections: ConnectionCounts;
}

/** How often deadlines are looked at: they are minutes, so a second more does not matter. */
const SWEEP_MS = 1000;
/** How often a drain looks whether the transactions have ended. */
const DRAIN_POLL_MS = 25;
/** Pause after a failed accept (out of file descriptors, say), so that it does not spin. */
const ACCEPT_RETRY_MS = 100;
const IPV4_MAPPED = "::ffff:";

export class SmtpServer {
  readonly #options: SmtpServerOptions;
  readonly #listeners = new Set<Deno.Listener>();
  readonly #connections = new Set<Connection>();
  readonly #running = new Set<Promise<void>>();
  readonly #sweeper: ReturnType<typeof setInterval>;
  #draining = false;

  constructor(options: SmtpServerOptions) {
    this.#options = options;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
  }

  /** Of this node. */
  get openConnections(): number {
    return this.#connections.size;
  }

  /** Serves a listener until it is closed; `tls` says that its connections are TLS from the start. */
  serve(listener: Deno.Listener, tls: boolean): void {
    this.#listeners.add(listener);
    this.#track(this.#accept(listener, tls));
  }

  /**
   * Stops accepting, ends idle sessions, and lets open transactions end within `graceMs`.
   * Resolves when all connections are closed, or it has been resumed.
   */
  async pause(graceMs: number): Promise<void> {
    this.#draining = true;
    for (const listener of this.#listeners) listener.close();
    this.#listeners.clear();
    const endAt = this.#options.monotonic() + graceMs;
    while (this.#draining && this.#connections.size > 0 && this.#options.monotonic() < endAt) {
      await this.#endAll((connection) => !connection.inTransaction);
      if (this.#connections.size > 0) await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
    if (this.#draining) await this.#endAll(() => true);
  }

  /** Further listeners may be served. */
  resume(): void {
    this.#draining = false;
  }

  /** Pauses for good; resolves when all is closed. */
  async drain(graceMs: number): Promise<void> {
    await this.pause(graceMs);
    clearInterval(this.#sweeper);
    await Promise.all(this.#running);
  }

  async #accept(listener: Deno.Listener, tls: boolean): Promise<void> {
    while (this.#listeners.has(listener)) {
      try {
        const conn = await listener.accept();
        // Replies are whole when they are written: waiting for more (Nagle) would only delay them.
        if (isTcp(conn)) conn.setNoDelay(true);
        this.#track(this.#admit(conn, peerAddress(conn), tls));
      } catch (error) {
        if (!this.#listeners.has(listener)) return;
        if (isClientGone(error)) continue;
        this.#options.onTrouble("", error);
        await new Promise((resolve) => setTimeout(resolve, ACCEPT_RETRY_MS));
      }
    }
  }

  async #admit(conn: Deno.Conn, address: string, tls: boolean): Promise<void> {
    if (this.#draining) return turnAway(conn, tls, replies.shuttingDown);
    const counted = this.#options.connections.add(address);
    try {
      const refusal = this.#refusalOf(conn, counted);
      if (refusal !== null) return await turnAway(conn, tls, refusal);
      await this.#serveClient(new Connection(conn as SessionConn, address, tls, this.#options));
    } finally {
      counted.release();
    }
  }

  /** Trouble that nobody expected leaves no connection open. */
  #refusalOf(conn: Deno.Conn, counted: Counted): Reply | null {
    try {
      return this.#options.admission.connection(counted);
    } catch (error) {
      conn.close();
      throw error;
    }
  }

  async #serveClient(connection: Connection): Promise<void> {
    this.#connections.add(connection);
    try {
      await connection.run();
    } finally {
      this.#connections.delete(connection);
    }
  }

  #sweep(): void {
    const now = this.#options.monotonic();
    for (const connection of this.#connections) {
      if (connection.deadline < now) this.#track(connection.expire());
    }
  }

  async #endAll(which: (connection: Connection) => boolean): Promise<void> {
    await Promise.all([...this.#connections].filter(which).map((connection) => connection.end(replies.shuttingDown)));
  }

  #track(work: Promise<void>): void {
    const tracked = work.catch((error) => this.#options.onTrouble("", error));
    this.#running.add(tracked);
    void tracked.then(() => this.#running.delete(tracked));
  }
}

/** The client's address; one that came by IPv4 to a socket of both families is an IPv4 address (RFC 4291 2.5.5.2). */
function peerAddress(conn: Deno.Conn): string {
  const { hostname } = conn.remoteAddr as Deno.NetAddr;
  return hostname.startsWith(IPV4_MAPPED) ? hostname.slice(IPV4_MAPPED.length) : hostname;
}

/**
 * Best effort: the client that is one too many may have gone already. One that begins with TLS is not told why: a
 * handshake is the very work that is too much.
 */
async function turnAway(conn: Deno.Conn, tls: boolean, reply: Reply): Promise<void> {
  try {
    if (!tls) await lastWords(conn.write(encodeReply(reply)));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  } finally {
    conn.close();
  }
}

function isTcp(conn: Deno.Conn): conn is Deno.TcpConn {
  return "setNoDelay" in conn;
}

/** A client that went before it was accepted: nothing is wrong with the listener. */
function isClientGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotConnected || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted;
}
