/**
 * TLS over a connection that has begun in plain (STARTTLS, RFC 3207), as a client that takes any certificate.
 *
 * Opportunistic: a certificate that nobody can verify still keeps the message from those who only listen, and the
 * alternative is plain text. `Deno.startTls` always verifies, hence node:tls over the connection.
 */
import { Duplex } from "node:stream";
import { connect, type TLSSocket } from "node:tls";
import type { DeadlineWatch } from "./deadlines.ts";
import type { OctetStream } from "./reply_channel.ts";
import { SocketStream } from "./socket_stream.ts";

/** One TLS record's worth. */
const READ_OCTETS = 16 * 1024 + 512;

export interface TlsConnection {
  readonly stream: OctetStream;
  /** "TLSv1.3 TLS_AES_256_GCM_SHA384", for the history. */
  readonly session: string;
}

/**
 * Does the handshake. When it fails `plain` is for the caller to close, as nobody knows what is left in it; when it
 * succeeds the new stream closes both.
 *
 * @param serverName for SNI, or null where the server is known by its address only.
 * @throws {Error} whatever node:tls says of the handshake.
 */
export async function upgradeToTls(
  plain: OctetStream,
  serverName: string | null,
  watch: DeadlineWatch,
  seconds: number,
): Promise<TlsConnection> {
  const below = new OctetDuplex(plain);
  const socket = connect({
    socket: below,
    rejectUnauthorized: false,
    ...(serverName === null ? {} : { servername: serverName }),
  });
  const expire = () => void socket.destroy(new Error("the TLS handshake took too long"));
  await watch.within(seconds, expire, () =>
    new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve);
      // Stays for the socket's life: later errors come out of the read or write that they end.
      socket.on("error", reject);
      socket.once("close", () => reject(new Error("closed during the TLS handshake")));
    }));
  return {
    stream: new TlsStream(socket, plain, below),
    session: `${socket.getProtocol()} ${socket.getCipher().standardName}`,
  };
}

/** A connection as the Duplex that node:tls wants. */
class OctetDuplex extends Duplex {
  readonly #plain: OctetStream;
  readonly #buffer = new Uint8Array(READ_OCTETS);
  #onHold = false;
  /** A read was asked for meanwhile. */
  #owesRead = false;

  constructor(plain: OctetStream) {
    super();
    this.#plain = plain;
  }

  /** Deno's TLS takes all that it can get, read or not: on hold, TCP holds a flooding next hop back. */
  holdReading(): void {
    this.#onHold = true;
  }

  resumeReading(): void {
    this.#onHold = false;
    if (!this.#owesRead) return;
    this.#owesRead = false;
    this._read();
  }

  override _read(): void {
    if (this.#onHold) {
      this.#owesRead = true;
      return;
    }
    this.#plain.read(this.#buffer).then(
      (octets) => this.push(octets === null ? null : this.#buffer.slice(0, octets)),
      (error) => this.destroy(error),
    );
  }

  override _write(chunk: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#writeAll(chunk).then(() => done(), done);
  }

  async #writeAll(chunk: Uint8Array): Promise<void> {
    for (let sent = 0; sent < chunk.length;) sent += await this.#plain.write(chunk.subarray(sent));
  }
}

/** Reads from below only while somebody waits for what comes out. */
class TlsStream extends SocketStream {
  readonly #plain: OctetStream;
  readonly #below: OctetDuplex;

  constructor(socket: TLSSocket, plain: OctetStream, below: OctetDuplex) {
    super(socket);
    below.holdReading();
    this.#below = below;
    this.#plain = plain;
  }

  protected override async nextChunk(): Promise<IteratorResult<Uint8Array>> {
    this.#below.resumeReading();
    const chunk = await super.nextChunk();
    this.#below.holdReading();
    return chunk;
  }

  override close(): void {
    super.close();
    this.#plain.close();
  }
}
