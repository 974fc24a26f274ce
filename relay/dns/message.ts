/**
 * DNS messages on the wire (RFC 1035 4, RFC 6891): a query's octets, and which octets are the response to it.
 *
 * Pure. A response that does not repeat our id and our question is not ours, whoever sent it. What a matching response
 * says is for `answer.ts`.
 */
import { Buffer } from "node:buffer";
// @ts-types="npm:@types/dns-packet@5.6.5"
import { type Answer, decode, type DecodedPacket, encode, RECURSION_DESIRED } from "dns-packet";
import type { RecordType } from "./types.ts";

export interface Question {
  /** 16 random bits. */
  readonly id: number;
  readonly name: string;
  readonly type: RecordType;
}

/** What is announced to be received over UDP: it crosses every path unfragmented (DNS flag day 2020). */
export const EDNS_BUFFER_OCTETS = 1232;
/** More records than this in all sections are not read: decoding is bounded, whatever a server sends over TCP. */
const MAX_RECORDS_IN_MESSAGE = 400;
const HEADER_OCTETS = 12;
/** Errors to which some servers do not repeat the question. */
const RCODES_WITHOUT_QUESTION: ReadonlySet<string> = new Set(["FORMERR", "SERVFAIL", "NOTIMP", "REFUSED"]);

export type Response =
  /** Not the response to this question: a late or forged one. */
  | { readonly kind: "mismatch" }
  | { readonly kind: "malformed"; readonly why: string }
  /** The TC bit: the whole answer is to be had over TCP. */
  | { readonly kind: "truncated" }
  | { readonly kind: "response"; readonly packet: DecodedPacket; readonly rcode: string; readonly octets: number };

/** The octets of a recursive query, with an EDNS(0) record if asked for. */
export function encodeQuery({ id, name, type }: Question, edns: boolean): Uint8Array {
  return encode({
    type: "query",
    id,
    flags: RECURSION_DESIRED,
    questions: [{ type, name }],
    additionals: edns ? [EDNS_RECORD] : [],
  });
}

const EDNS_RECORD: Answer = {
  type: "OPT",
  name: ".",
  udpPayloadSize: EDNS_BUFFER_OCTETS,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};

/** Judges octets that came from the server's address. */
export function readResponse(octets: Uint8Array, question: Question): Response {
  if (octets.length < HEADER_OCTETS) return { kind: "mismatch" };
  const header = new DataView(octets.buffer, octets.byteOffset, HEADER_OCTETS);
  const flags = header.getUint16(2);
  if (header.getUint16(0) !== question.id || (flags & 0x8000) === 0) return { kind: "mismatch" };
  if (header.getUint16(6) + header.getUint16(8) + header.getUint16(10) > MAX_RECORDS_IN_MESSAGE) {
    return { kind: "malformed", why: "an oversized answer" };
  }
  const truncated = (flags & 0x0200) !== 0;
  let packet: DecodedPacket;
  try {
    packet = decode(Buffer.from(octets.buffer, octets.byteOffset, octets.length));
  } catch {
    // dns-packet throws plain errors for octets that break off or point astray; a truncated answer may well do so.
    return truncated ? { kind: "truncated" } : { kind: "malformed", why: "a malformed answer" };
  }
  const rcode = responseCode(packet);
  if (!repeats(packet, question, rcode)) return { kind: "mismatch" };
  return truncated ? { kind: "truncated" } : { kind: "response", packet, rcode, octets: octets.length };
}

/** RFC 6891 6.1.3: the upper bits of the response code are in the OPT record. */
function responseCode(packet: DecodedPacket): string {
  const extended = packet.additionals?.some((record) => record.type === "OPT" && record.extendedRcode !== 0);
  // The type declarations lack what the decoder sets.
  return extended ? "an extended error" : (packet as DecodedPacket & { readonly rcode: string }).rcode;
}

function repeats(packet: DecodedPacket, question: Question, rcode: string): boolean {
  const asked = packet.questions ?? [];
  if (asked.length === 0) return RCODES_WITHOUT_QUESTION.has(rcode);
  const [first] = asked;
  return asked.length === 1 && first!.type === question.type && (first!.class ?? "IN") === "IN" &&
    first!.name.toLowerCase() === question.name;
}
