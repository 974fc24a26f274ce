/**
 * Finds out whether TLS can be served with a certificate, by a handshake in memory between the server's side as the
 * nodes have it and a client that takes any certificate. What node:tls refuses, at once or in each handshake, is known
 * so before a node or a client meets it.
 */
import type { Duplex } from "node:stream";
import { connect } from "node:tls";
import type { ByteConn } from "./byte_conn.ts";
import type { Certificate } from "./certificate.ts";
import { ConnDuplex } from "./conn_duplex.ts";
import { createStartTls } from "./server_starttls.ts";

/** Some milliseconds. @returns what is wrong, in node:tls's words; null: the handshake was made. */
export async function handshakeTrouble(certificate: Certificate): Promise<string | null> {
  const [server, client] = connectedPair();
  try {
    const startTls = createStartTls(certificate);
    // The types ask for a net.Socket; node's documentation allows any Duplex.
    const peer = connect({ socket: new ConnDuplex(client) as Duplex as never, rejectUnauthorized: false });
    peer.on("error", () => {}); // The server's side says what was wrong; unheard it would end the process.
    try {
      (await startTls.upgrade(server)).conn.close();
    } finally {
      peer.destroy();
    }
    return null;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.message;
  }
}

function connectedPair(): [ByteConn, ByteConn] {
  const there = new Pipe(), back = new Pipe();
  const end = (from: Pipe, to: Pipe): ByteConn => ({
    read: (into) => from.read(into),
    write: (octets) => Promise.resolve(to.write(octets)),
    close() {
      from.end();
      to.end();
    },
  });
  return [end(there, back), end(back, there)];
}

/** One direction of a connection in memory. Writing never waits: a handshake is some KiB. */
class Pipe {
  #octets = new Uint8Array(0);
  #ended = false;
  /** Wakes the read that waits, if one does. */
  #wake = () => {};

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#octets.length === 0) {
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const taken = this.#octets.subarray(0, into.length);
    into.set(taken);
    this.#octets = this.#octets.subarray(taken.length);
    return taken.length;
  }

  write(octets: Uint8Array): number {
    this.#octets = new Uint8Array([...this.#octets, ...octets]);
    this.#wake();
    return octets.length;
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }
}
