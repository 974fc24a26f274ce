/**
 * The relay's view of the DNS: typed answers in which "there is nothing" and "it could not be found out" differ.
 *
 * Types only. Names are given and returned in lower case without the final dot; what is not printable ASCII in a
 * returned name is escaped (`\DDD`, RFC 1035 5.1), so that it can be logged and shown as it is.
 */

/** An answer; `failed` covers SERVFAIL, REFUSED, time-outs, malformed and oversized answers: a deferral, never a refusal. */
export type DnsAnswer<T> =
  | { readonly kind: "found"; readonly records: readonly T[] }
  /** The name exists but has no record of this type. */
  | { readonly kind: "no-data" }
  /** NXDOMAIN (RFC 2308), of the name itself or of the one its CNAMEs lead to: it does not exist. */
  | { readonly kind: "no-domain" }
  | { readonly kind: "failed"; readonly why: string };

export interface MxRecord {
  readonly preference: number;
  /** "" for the root, which alone is a null MX (RFC 7505). */
  readonly exchange: string;
}

/** The record types that are looked up, each with the shape of one record. */
export interface RecordData {
  MX: MxRecord;
  A: string;
  AAAA: string;
  /** One record's strings joined (RFC 7208 3.3). */
  TXT: string;
  /** The name that it is an alias of. */
  CNAME: string;
}

export type RecordType = keyof RecordData;

/** A caching resolver. It follows CNAMEs within bounds and never throws for what the network or a server does. */
export interface Resolver {
  mx(name: string): Promise<DnsAnswer<MxRecord>>;
  a(name: string): Promise<DnsAnswer<string>>;
  aaaa(name: string): Promise<DnsAnswer<string>>;
  txt(name: string): Promise<DnsAnswer<string>>;
  /** The alias itself, which all others follow. */
  cname(name: string): Promise<DnsAnswer<string>>;
  /**
   * The same resolver without the past: it gives only answers that arrived after this call, and looks up the rest (the
   * cache is updated). Taken before a cached look-up, it asks again for exactly what that one had from the cache.
   */
  fresh(): Resolver;
}

/** A recursive name server, by its literal address. */
export interface NameServer {
  readonly hostname: string;
  readonly port: number;
}
