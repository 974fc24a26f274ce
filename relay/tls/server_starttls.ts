/**
 * The server's side of TLS, after STARTTLS and on ports where TLS begins with the connection: a connection in clear
 * goes in, one with the same calls comes out, with what was agreed on.
 *
 * It is node:tls over the Deno.Conn (measured on Deno 2.9.6, P-256, two cores). Left aside were `Deno.startTls`, which
 * is for clients only, and `Deno.listenTls`, on its port or as a hairpin over loopback: it tells neither version nor
 * cipher, needs a new listener for a new certificate, and leaves Nagle's algorithm on with no way to turn it off, so
 * that each connection waits 44 to 88 ms for delayed ACKs; here it is 1.4 ms. The price: a handshake takes 0.8 ms of
 * CPU against 0.4 (hairpin 0.6 to 0.9), a MB 1.4 ms against 0.5 (hairpin 1.0).
 *
 * The connection given in should have `setNoDelay(true)`.
 */
import type { Duplex } from "node:stream";
import { createSecureContext, type SecureContext, TLSSocket, type TLSSocketOptions } from "node:tls";
import type { ByteConn } from "./byte_conn.ts";
import type { Certificate } from "./certificate.ts";
import { ConnDuplex } from "./conn_duplex.ts";
import { TlsConn } from "./tls_conn.ts";

/** For the whole handshake: two round trips of the slowest link, with room. */
const HANDSHAKE_MS = 30_000;
/** A client that offers protocols, but not this one, means another server (ALPACA: cross-protocol TLS). */
const ALPN_PROTOCOLS = ["smtp"];

export interface SecuredConn {
  readonly conn: ByteConn;
  /** For example "TLSv1.3" and "TLS_AES_256_GCM_SHA384": the cipher by its registered name (RFC 8314 4.3). */
  readonly tls: { readonly version: string; readonly cipher: string };
}

export interface StartTls {
  /**
   * Makes the handshake. If it fails, `conn` has been closed.
   * @throws {Deno.errors.InvalidData} what the peer sent is not acceptable TLS
   * @throws {Deno.errors.ConnectionReset} the peer went in the middle of it
   * @throws {Deno.errors.TimedOut}
   */
  upgrade(conn: ByteConn): Promise<SecuredConn>;
  /** Handshakes from now on use this certificate; sessions go on with theirs. */
  reload(certificate: Certificate): void;
}

export function createStartTls(certificate: Certificate, handshakeMs = HANDSHAKE_MS): StartTls {
  let secureContext = contextOf(certificate);
  return {
    upgrade: (conn) => shakeHands(conn, secureContext, handshakeMs),
    reload: (changed) => secureContext = contextOf(changed),
  };
}

function contextOf({ cert, key }: Certificate): SecureContext {
  return createSecureContext({ cert, key });
}

function shakeHands(conn: ByteConn, secureContext: SecureContext, handshakeMs: number): Promise<SecuredConn> {
  const options: TLSSocketOptions = { isServer: true, secureContext, ALPNProtocols: ALPN_PROTOCOLS };
  // The types ask for a net.Socket; node's documentation allows any Duplex.
  const below = new ConnDuplex(conn);
  const socket = new TLSSocket(below as Duplex as never, options);
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      clearTimeout(timer);
      // What is still to come of a socket that has been given up is of no interest; unheard it would end the process.
      socket.on("error", () => {});
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(new Deno.errors.TimedOut("TLS handshake: too slow")), handshakeMs);
    const onError = (error: Error) => fail(new Deno.errors.InvalidData(`TLS handshake: ${error.message}`));
    const onGone = () => fail(new Deno.errors.ConnectionReset("TLS handshake: the peer has gone"));
    socket.once("error", onError).once("end", onGone).once("close", onGone);
    socket.once("secure", () => {
      clearTimeout(timer);
      const secured = new TlsConn(socket, below);
      socket.off("error", onError).off("end", onGone).off("close", onGone);
      const version = socket.getProtocol() ?? "";
      resolve({ conn: secured, tls: { version, cipher: socket.getCipher().standardName } });
    });
  });
}
