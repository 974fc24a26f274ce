/**
 * Whether the clock is right, by asking a time server (SNTP, RFC 4330): activation of blocks, midnight, and the Date and
 * Received fields go by it.
 */
import { createSocket } from "node:dgram";
import type { Finding } from "../../api/client.ts";

/** A server to ask, by its literal address. */
export interface TimeServer {
  readonly address: string;
  readonly port: number;
}

const WAIT_MS = 3000;
/** Less does not matter to mail. */
const RIGHT_MS = 2000;
/** RFC 4330 4: seconds since 1900 in NTP, since 1970 here. */
const EPOCH_SECONDS = 2_208_988_800;
const PACKET_OCTETS = 48;
const TRANSMIT_AT = 40;
/** Leap indicator 0, version 4, mode 3 (client). */
const CLIENT = 0x23;

/** @param server null: no time server could be found. @param now epoch ms. */
export async function clockFinding(server: TimeServer | null, now: () => number): Promise<Finding> {
  const offset = server === null ? null : await clockOffset(server, now);
  if (offset === null) return { what: "clock", verdict: "unknown", words: "No time server answered." };
  const seconds = (Math.abs(offset) / 1000).toFixed(1);
  return Math.abs(offset) <= RIGHT_MS
    ? { what: "clock", verdict: "good", words: `It is right within ${seconds} s.` }
    : {
      what: "clock",
      verdict: "bad",
      words: `It is ${seconds} s ${offset > 0 ? "behind" : "ahead"}: run a time service (chrony, systemd-timesyncd).`,
    };
}

/** By how many ms the server's clock is ahead of ours; null: it did not answer. */
function clockOffset({ address, port }: TimeServer, now: () => number): Promise<number | null> {
  const { promise, resolve } = Promise.withResolvers<number | null>();
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  const timer = setTimeout(() => resolve(null), WAIT_MS);
  const sentAt = now();
  socket.on("error", () => resolve(null));
  socket.on("message", (packet) => {
    if (packet.length < PACKET_OCTETS) return;
    const seconds = packet.readUInt32BE(TRANSMIT_AT), fraction = packet.readUInt32BE(TRANSMIT_AT + 4);
    if (seconds === 0) return resolve(null); // RFC 4330 8: it is not to be believed
    const theirs = (seconds - EPOCH_SECONDS) * 1000 + fraction / 2 ** 32 * 1000;
    // Half of the way there and back lies behind it.
    resolve(theirs - (sentAt + now()) / 2);
  });
  const question = new Uint8Array(PACKET_OCTETS);
  question[0] = CLIENT;
  socket.send(question, port, address);
  return promise.finally(() => {
    clearTimeout(timer);
    socket.close();
  });
}
