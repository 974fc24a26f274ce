/** What is asked of the DNS for a domain's checks, and the same in the shape that mailauth wants. */
import type { TxtAnswer } from "../domain_proof.ts";

export type DnsAnswer<T> =
  | { readonly kind: "found"; readonly records: readonly T[] }
  | Exclude<TxtAnswer, { readonly kind: "found" }>;

/** Look-ups that follow CNAMEs, but for the one that tells them, and do not throw for what the network or a server does. */
export interface MailDns {
  mx(name: string): Promise<DnsAnswer<{ readonly preference: number; readonly exchange: string }>>;
  a(name: string): Promise<DnsAnswer<string>>;
  aaaa(name: string): Promise<DnsAnswer<string>>;
  txt(name: string): Promise<TxtAnswer>;
  cname(name: string): Promise<DnsAnswer<string>>;
}

/** As Node's `dns.promises.resolve`, which throws with a code where there is nothing. */
export const asNodeResolver = (dns: MailDns) => (name: string, type: string): Promise<string[]> =>
  // mailauth's type leaves out that an MX record is an object.
  resolve(dns, name, type) as Promise<string[]>;

const resolve = async (dns: MailDns, name: string, type: string): Promise<unknown[]> => {
  switch (type) {
    case "TXT":
      return recordsOf(await dns.txt(name)).map((record) => [record]);
    case "MX":
      return recordsOf(await dns.mx(name)).map(({ preference: priority, exchange }) => ({ priority, exchange }));
    case "A":
      return [...recordsOf(await dns.a(name))];
    case "AAAA":
      return [...recordsOf(await dns.aaaa(name))];
    default:
      // PTR (RFC 7208 5.5: should not be used) and CNAME: as if there were none.
      throw coded("ENODATA", `${type} is not looked up`);
  }
};

function recordsOf<T>(answer: DnsAnswer<T>): readonly T[] {
  switch (answer.kind) {
    case "found":
      return answer.records;
    case "no-data":
      throw coded("ENODATA", "there is no such record");
    case "no-domain":
      throw coded("ENOTFOUND", "there is no such name");
    case "failed":
      throw coded("ESERVFAIL", answer.why);
  }
}

const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code });
