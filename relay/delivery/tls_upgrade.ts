/**
 * TLS over a connection that has begun in plain (STARTTLS, RFC 3207), as a client that takes any certificate and says
 * what it is worth.
 *
 * Opportunistic: a certificate that nobody can verify still keeps the message from those who only listen, and the
 * alternative is plain text. `Deno.startTls` always verifies, hence node:tls over the connection. What a policy makes
 * of the certificate is its own matter.
 */
import type { Duplex } from "node:stream";
import { connect, type TLSSocket } from "node:tls";
import { ConnDuplex } from "../tls/conn_duplex.ts";
import { TlsConn } from "../tls/tls_conn.ts";
import type { DeadlineWatch } from "./deadlines.ts";
import type { OctetStream } from "./reply_channel.ts";

export interface TlsConnection {
  readonly stream: OctetStream;
  /** "TLSv1.3 TLS_AES_256_GCM_SHA384", for the history. */
  readonly session: string;
  /** What is wrong with the certificate, to be read behind "its certificate"; null: it is the server's. */
  readonly certificateTrouble: string | null;
}

export interface TlsClient {
  /** For SNI and the certificate, or null where the server is known by its address only. */
  readonly serverName: string | null;
  /** Certificates of the authorities to trust, in PEM; undefined: those that Deno comes with. */
  readonly authorities: readonly string[] | undefined;
  /** For the whole handshake. */
  readonly seconds: number;
}

/**
 * Does the handshake. When it fails `plain` has been closed, as nobody knows what is left in it; when it succeeds the
 * new stream closes both.
 *
 * @throws {Error} whatever node:tls says of the handshake.
 */
export async function upgradeToTls(
  plain: OctetStream,
  client: TlsClient,
  watch: DeadlineWatch,
): Promise<TlsConnection> {
  const { serverName, authorities, seconds } = client;
  const below = new ConnDuplex(plain);
  const socket = connect({
    // The types ask for a net.Socket; node's documentation allows any Duplex.
    socket: below as Duplex as never,
    rejectUnauthorized: false,
    ...(authorities === undefined ? {} : { ca: [...authorities] }),
    ...(serverName === null ? {} : { servername: serverName }),
  });
  const expire = () => void socket.destroy(new Error("the TLS handshake took too long"));
  try {
    await watch.within(seconds, expire, () =>
      new Promise<void>((resolve, reject) => {
        socket.once("secureConnect", resolve);
        // Stays for the socket's life: later errors come out of the read or write that they end.
        socket.on("error", reject);
        socket.once("close", () => reject(new Error("closed during the TLS handshake")));
      }));
  } catch (error) {
    socket.destroy();
    below.destroy();
    throw error;
  }
  return {
    stream: new TlsConn(socket, below),
    session: `${socket.getProtocol()} ${socket.getCipher().standardName}`,
    certificateTrouble: certificateTrouble(socket),
  };
}

/** node:tls has looked at the chain, its dates, and the name that was asked for. */
function certificateTrouble(socket: TLSSocket): string | null {
  const certificate = socket.getPeerCertificate();
  // RFC 8461 4.1 wants the name among the alternative ones; node:tls would take the common name, too.
  if (!/(?:^|, )DNS:/.test(certificate.subjectaltname ?? "")) return "names no host";
  if (socket.authorized) return null;
  const code = String(socket.authorizationError);
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return "is for other names";
  return `cannot be verified (${code}, valid to ${certificate.valid_to})`;
}
