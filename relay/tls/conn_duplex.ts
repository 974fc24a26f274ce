/**
 * A connection in the shape that node:tls wants below itself: a Node Duplex stream.
 *
 * It reads one read at a time, and none while it is on hold, so a slow session holds its peer back by TCP; it writes in
 * order; and it closes the connection exactly once, when it is destroyed. While idle it holds one small buffer.
 */
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import type { ByteConn } from "./byte_conn.ts";

/** Octets of a read while little comes: a handshake message or a few commands. Also what an idle session holds. */
const SMALL_READ_OCTETS = 4 * 1024;
/** Octets of a read while the peer fills them: 64 KiB cost 1.4 ms of CPU for a MB, 16 KiB cost 2.0 ms. */
const LARGE_READ_OCTETS = 64 * 1024;

type Done = (error?: Error | null) => void;

export class ConnDuplex extends Duplex {
  readonly #conn: ByteConn;
  #readOctets = SMALL_READ_OCTETS;
  #onHold = false;
  /** A read was asked for meanwhile. */
  #owesRead = false;

  constructor(conn: ByteConn) {
    // The end of what the peer sends must not end our side: the TLS above has its close_notify to send.
    super({ allowHalfOpen: true });
    this.#conn = conn;
  }

  /**
   * From now on, after the read that may be under way, nothing is taken from the connection until `resumeReading`.
   * The TLS of Deno 2.9.6 takes all that it can get, whether or not somebody reads the session: left to itself, a
   * session that nobody read had 1.8 GB in memory after 2.5 s.
   */
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
    const octets = new Uint8Array(this.#readOctets);
    this.#conn.read(octets).then((length) => this.#push(octets, length), (error) => this.destroy(error));
  }

  override _write(chunk: Uint8Array, _encoding: string, done: Done): void {
    this.#writeAll(chunk).then(() => done(), done);
  }

  override _writev(chunks: Array<{ chunk: Uint8Array }>, done: Done): void {
    this.#writeAll(Buffer.concat(chunks.map(({ chunk }) => chunk))).then(() => done(), done);
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#conn.close();
    done(error);
  }

  #push(octets: Uint8Array<ArrayBuffer>, length: number | null): void {
    if (length === null) {
      this.push(null);
      return;
    }
    this.#readOctets = length === octets.length ? LARGE_READ_OCTETS : SMALL_READ_OCTETS;
    this.push(Buffer.from(octets.buffer, 0, length));
  }

  async #writeAll(octets: Uint8Array): Promise<void> {
    for (let at = 0; at < octets.length;) at += await this.#conn.write(octets.subarray(at));
  }
}
