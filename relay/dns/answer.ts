/**
 * What a DNS response says about a name: its records behind any CNAMEs, that there are none, or where to ask on.
 *
 * Pure. It bounds what a hostile zone can make us keep: records in an answer, CNAMEs in a chain.
 */
import { isIPv4, isIPv6 } from "node:net";
// @ts-types="npm:@types/dns-packet@5.6.5"
import type { Answer, DecodedPacket } from "dns-packet";
import type { DnsAnswer, RecordData, RecordType } from "./types.ts";

/** CNAMEs in a chain; real chains have one to three. */
export const MAX_ALIASES = 8;
/** Records in one answer; the largest MX and A sets of real domains have about twenty. */
const MAX_RECORDS = 64;
/** RFC 2181 8: a TTL with the highest bit set is zero. */
const MAX_TTL_SECONDS = 0x7fffffff;

export type Reading<T> =
  | { readonly kind: "answer"; readonly answer: DnsAnswer<T>; readonly ttlSeconds: number }
  /** A CNAME whose target the server said nothing about: the look-up goes on there. */
  | { readonly kind: "alias"; readonly target: string; readonly ttlSeconds: number }
  /** This server is of no help; another may be. */
  | { readonly kind: "trouble"; readonly why: string }
  /** The server does not know EDNS(0) (RFC 6891 7). */
  | { readonly kind: "no-edns" };

/** Reads the response to a question for `name` and `type`. A TTL of 0 means that the answer must not be cached. */
export function readAnswer<K extends RecordType>(
  packet: DecodedPacket,
  rcode: string,
  name: string,
  type: K,
): Reading<RecordData[K]> {
  if (rcode === "FORMERR" || rcode === "NOTIMP") return { kind: "no-edns" };
  if (rcode !== "NOERROR" && rcode !== "NXDOMAIN") return { kind: "trouble", why: rcode };

  const chain = followAliases(type === "CNAME" ? [] : packet.answers ?? [], name);
  if (chain === null) return failed("a chain of too many CNAMEs");
  if (rcode === "NXDOMAIN") {
    // RFC 6604 3: behind a CNAME the code is about the end of the chain.
    return negative({ kind: "no-domain" }, packet, chain.ttlSeconds);
  }
  const matching = (packet.answers ?? []).filter((record) => record.type === type && isOf(record, chain.owner));
  if (matching.length > MAX_RECORDS) return failed("an oversized answer");
  if (matching.length > 0) {
    const records = matching.map((record) => decoders[type](record));
    if (!records.every((record) => record !== null)) return { kind: "trouble", why: "a malformed answer" };
    const ttlSeconds = Math.min(chain.ttlSeconds, ...matching.map(ttlOf));
    return { kind: "answer", answer: { kind: "found", records }, ttlSeconds };
  }
  const authorities = packet.authorities ?? [];
  if (authorities.some((record) => record.type === "SOA")) {
    return negative({ kind: "no-data" }, packet, chain.ttlSeconds);
  }
  if (chain.owner !== name) return { kind: "alias", target: chain.owner, ttlSeconds: chain.ttlSeconds };
  // RFC 2308 2.2: name servers without an SOA refer us elsewhere; a recursive server has no business doing so.
  if (!packet.flag_aa && authorities.some((record) => record.type === "NS")) {
    return { kind: "trouble", why: "a referral" };
  }
  return negative({ kind: "no-data" }, packet, chain.ttlSeconds);
}

/** The name at which the CNAMEs of this answer end, with the least TTL on the way; null where there are too many. */
function followAliases(answers: readonly Answer[], name: string): { owner: string; ttlSeconds: number } | null {
  let owner = name;
  let ttlSeconds = MAX_TTL_SECONDS;
  for (let aliases = 0;; aliases++) {
    const alias = answers.find((record) => record.type === "CNAME" && isOf(record, owner));
    if (alias?.type !== "CNAME") return { owner, ttlSeconds };
    if (aliases === MAX_ALIASES) return null;
    owner = shownName(alias.data);
    ttlSeconds = Math.min(ttlSeconds, ttlOf(alias));
  }
}

const decoders: { readonly [K in RecordType]: (record: Answer) => RecordData[K] | null } = {
  MX: (record) =>
    record.type === "MX"
      ? { preference: record.data.preference ?? 0, exchange: shownName(record.data.exchange) }
      : null,
  A: (record) => record.type === "A" && isIPv4(record.data) ? record.data : null,
  AAAA: (record) => record.type === "AAAA" && isIPv6(record.data) ? record.data : null,
  CNAME: (record) => record.type === "CNAME" ? shownName(record.data) : null,
  TXT: (record) => record.type === "TXT" ? joinStrings(record.data) : null,
};

function joinStrings(data: string | Uint8Array | readonly (string | Uint8Array)[]): string {
  const strings = typeof data === "string" || data instanceof Uint8Array ? [data] : data;
  const decoder = new TextDecoder();
  return strings.map((part) => typeof part === "string" ? part : decoder.decode(part, { stream: true })).join("");
}

function isOf(record: Answer, owner: string): boolean {
  return "class" in record && (record.class ?? "IN") === "IN" && shownName(record.name) === owner;
}

function ttlOf(record: Answer): number {
  const ttl = "ttl" in record ? record.ttl ?? 0 : 0;
  return ttl > MAX_TTL_SECONDS ? 0 : ttl;
}

/** RFC 2308 5: for as long as the SOA allows, and not at all without one. */
function negative<T>(answer: DnsAnswer<T>, packet: DecodedPacket, chainTtlSeconds: number): Reading<T> {
  const soa = packet.authorities?.find((record) => record.type === "SOA");
  const ttlSeconds = soa?.type === "SOA" ? Math.min(ttlOf(soa), soa.data.minimum ?? 0, chainTtlSeconds) : 0;
  return { kind: "answer", answer, ttlSeconds };
}

function failed<T>(why: string): Reading<T> {
  return { kind: "answer", answer: { kind: "failed", why }, ttlSeconds: 0 };
}

/** A decoded name in lower case; what could confuse a log or a reply is escaped (RFC 1035 5.1). */
function shownName(name: string): string {
  if (name === ".") return "";
  return name.toLowerCase().replace(
    /[^!-[\]-~]+/gu,
    (odd) => Array.from(new TextEncoder().encode(odd), (octet) => `\\${String(octet).padStart(3, "0")}`).join(""),
  );
}
