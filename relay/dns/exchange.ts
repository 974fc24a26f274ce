/**
 * One question to one name server, over UDP and where needed over TCP.
 *
 * A UDP query has a socket of its own, so that its port is as random as the system makes it (RFC 5452 4.5), and takes
 * octets from the server's own address and port only. Every socket is closed before the function returns.
 */
import { sameAddress } from "./ip_address.ts";
import { EDNS_BUFFER_OCTETS, encodeQuery, type Question, readResponse, type Response } from "./message.ts";
import type { NameServer } from "./types.ts";

/** Somewhat more than we announce: some servers do not keep to it. */
const UDP_BUFFER_OCTETS = Math.max(4096, EDNS_BUFFER_OCTETS);
/** After so many forged or late responses UDP is given up for TCP, which cannot be answered blindly. */
const MAX_MISMATCHES = 8;
const LENGTH_OCTETS = 2;

export type Exchanged =
  | Exclude<Response, { kind: "mismatch" | "truncated" }>
  | { readonly kind: "unreachable"; readonly why: string };

/** Asks over UDP and, if the answer is truncated or someone is guessing ours, again over TCP; ends with the signal. */
export async function ask(
  server: NameServer,
  question: Question,
  edns: boolean,
  signal: AbortSignal,
): Promise<Exchanged> {
  const query = encodeQuery(question, edns);
  try {
    const response = await askOverUdp(server, question, query, signal);
    if (response.kind !== "truncated" && response.kind !== "mismatch") return response;
    const whole = await askOverTcp(server, question, query, signal);
    return whole.kind === "truncated" || whole.kind === "mismatch"
      ? { kind: "malformed", why: "a malformed answer over TCP" }
      : whole;
  } catch (error) {
    // Whatever a socket throws means that this server cannot be asked now.
    return { kind: "unreachable", why: signal.aborted ? "no answer in time" : (error as Error).message };
  }
}

async function askOverUdp(
  server: NameServer,
  question: Question,
  query: Uint8Array,
  signal: AbortSignal,
): Promise<Response> {
  const local = server.hostname.includes(":") ? "::" : "0.0.0.0";
  const socket = Deno.listenDatagram({ transport: "udp", hostname: local, port: 0 });
  using _closing = closeAtEnd(socket, signal);
  await socket.send(query, { transport: "udp", hostname: server.hostname, port: server.port });
  const buffer = new Uint8Array(UDP_BUFFER_OCTETS);
  for (let mismatches = 0; mismatches < MAX_MISMATCHES;) {
    const [octets, from] = await socket.receive(buffer);
    if (from.transport !== "udp" || from.port !== server.port || !sameAddress(from.hostname, server.hostname)) continue;
    const response = readResponse(octets, question);
    if (response.kind !== "mismatch") return response;
    mismatches++;
  }
  return { kind: "mismatch" };
}

async function askOverTcp(
  server: NameServer,
  question: Question,
  query: Uint8Array,
  signal: AbortSignal,
): Promise<Response> {
  const connection = await Deno.connect({ hostname: server.hostname, port: server.port, signal });
  using _closing = closeAtEnd(connection, signal);
  // RFC 1035 4.2.2: a two-octet length before each message.
  const framed = new Uint8Array(LENGTH_OCTETS + query.length);
  new DataView(framed.buffer).setUint16(0, query.length);
  framed.set(query, LENGTH_OCTETS);
  for (let sent = 0; sent < framed.length;) sent += await connection.write(framed.subarray(sent));
  const length = new DataView((await readExactly(connection, LENGTH_OCTETS)).buffer).getUint16(0);
  return readResponse(await readExactly(connection, length), question);
}

async function readExactly(connection: Deno.Conn, count: number): Promise<Uint8Array<ArrayBuffer>> {
  const octets = new Uint8Array(count);
  for (let filled = 0; filled < count;) {
    const read = await connection.read(octets.subarray(filled));
    if (read === null) throw new Error("the name server closed the connection");
    filled += read;
  }
  return octets;
}

/** Closes the socket at the end of the scope or, to wake whoever waits on it, with the signal. */
function closeAtEnd(socket: { close(): void }, signal: AbortSignal): Disposable {
  let open = true;
  const close = () => {
    if (open) socket.close();
    open = false;
  };
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  return {
    [Symbol.dispose]() {
      signal.removeEventListener("abort", close);
      close();
    },
  };
}
