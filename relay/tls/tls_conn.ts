/**
 * A TLS session as a ByteConn, over a TLSSocket of either side whose handshake is done.
 *
 * Reading pulls: the peer is read from only while somebody waits for what it says; beyond that at most two reads of the
 * connection below are in memory.
 * However the peer ends (close_notify, a bare FIN, a reset, a damaged record), `read` answers null: SMTP has end marks
 * of its own, so a cut is never mistaken for a whole message (RFC 8446 6.1 leaves truncation to such protocols).
 */
import { Buffer } from "node:buffer";
import type { TLSSocket } from "node:tls";
import type { ByteConn } from "./byte_conn.ts";
import type { ConnDuplex } from "./conn_duplex.ts";

/** How long `close` waits for what was written, and close_notify, to leave before it lets go. */
const CLOSE_GRACE_MS = 5_000;

export class TlsConn implements ByteConn {
  readonly #socket: TLSSocket;
  readonly #below: ConnDuplex;
  #ended = false;
  /** Wakes the read that waits, if one does. */
  #wake: (() => void) | null = null;
  /** Octets that did not fit the last read. */
  #rest: Uint8Array | null = null;

  /** @param below what `socket` reads from and writes to. */
  constructor(socket: TLSSocket, below: ConnDuplex) {
    this.#socket = socket;
    this.#below = below;
    below.holdReading();
    socket.on("readable", () => this.#stir());
    // Deno 2.9.6 says so, and no more, when a record cannot be decrypted: the session goes on waiting.
    socket.on("_tlsError", () => socket.destroy());
    // "error" is always followed by "close"; without a listener it would end the process.
    for (const event of ["end", "error", "close"]) socket.on(event, () => this.#end());
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      const chunk = this.#rest ?? this.#socket.read() as Uint8Array | null;
      if (chunk !== null) return this.#hand(chunk, into);
      if (this.#ended) return null;
      this.#below.resumeReading();
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#below.holdReading();
    }
  }

  /** Writes all. @throws {Deno.errors.BrokenPipe} if the session has ended. */
  write(octets: Uint8Array): Promise<number> {
    const view = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
    return new Promise((resolve, reject) => {
      this.#socket.write(view, (error) => {
        // Deno 2.9.6 reports success for a write that waited when the connection below it broke.
        if (error || this.#below.errored) reject(new Deno.errors.BrokenPipe("the TLS session has ended"));
        else resolve(octets.length);
      });
    });
  }

  close(): void {
    const socket = this.#socket;
    this.#rest = null;
    this.#end();
    if (socket.destroyed) return;
    const timer = setTimeout(() => socket.destroy(), CLOSE_GRACE_MS);
    socket.once("close", () => clearTimeout(timer));
    socket.end(() => socket.destroy());
  }

  #hand(chunk: Uint8Array, into: Uint8Array): number {
    const length = Math.min(chunk.length, into.length);
    into.set(chunk.subarray(0, length));
    this.#rest = length === chunk.length ? null : chunk.subarray(length);
    return length;
  }

  #end(): void {
    this.#ended = true;
    this.#stir();
  }

  #stir(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
