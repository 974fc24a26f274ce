/** Whether the domain's SPF record lets mail through this service pass (RFC 7208), as a recipient's server sees it. */
import { spf } from "mailauth/lib/spf/index.js";
import type { Check } from "./verdict.ts";
import { asNodeResolver, type MailDns } from "./mail_dns.ts";

/** An evaluation is over in this time, whatever the DNS does (RFC 7208 4.6.4 asks for at least 20 s in a receiver). */
const MAX_MS = 10_000;
/** Addresses that are evaluated: a node has one or two. */
const MAX_ADDRESSES = 4;
const SPF = /^v=spf1(?: |$)/i;

interface Service {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** What an evaluation says for one address. */
export interface Evaluation {
  readonly address: string;
  /** RFC 7208 2.6. */
  readonly result: string;
  readonly comment: string;
  /** DNS look-ups that it took, of 10 (RFC 7208 4.6.4). */
  readonly lookUps: number;
}

export async function checkSpf(domain: string, service: Service, dns: MailDns): Promise<Check> {
  const answer = await dns.txt(domain);
  if (answer.kind === "failed") return unknown(`The look-up of ${domain} failed: ${answer.why}`);
  const records = answer.kind === "found" ? answer.records.filter((record) => SPF.test(record)) : [];
  const found = records.map((value) => ({ name: domain, type: "TXT" as const, value }));
  if (!service.name.includes(".")) {
    return { ...unknown("The service has no public name yet, so no record can name it."), found };
  }
  const [record] = records;
  const publish = [{ name: domain, type: "TXT" as const, value: withInclude(record, service.name) }];
  if (record === undefined) {
    return { verdict: "bad", words: `${domain} has no SPF record. Publish one.`, found, publish };
  }
  if (records.length > 1) {
    const words = `${domain} has ${records.length} SPF records, so none counts (RFC 7208 4.5). Make them one.`;
    return { verdict: "bad", words, found, publish };
  }
  const judged = await judge(domain, record, service, dns);
  return { ...judged, found, publish: judged.verdict === "good" ? [] : publish };
}

async function judge(
  domain: string,
  record: string,
  { name, addresses }: Service,
  dns: MailDns,
): Promise<Pick<Check, "verdict" | "words">> {
  if (addresses.length === 0) {
    return record.toLowerCase().split(/\s+/).includes(`include:${name}`)
      ? { verdict: "good", words: `It includes ${name}.` }
      : { verdict: "warning", words: `It does not include ${name}; from where mail leaves is not known here.` };
  }
  const evaluations = await evaluateAll(domain, addresses, name, dns);
  const worst = evaluations.find(({ result }) => result !== "pass");
  if (worst === undefined) {
    const lookUps = Math.max(...evaluations.map((each) => each.lookUps));
    const words = `Mail from ${addresses.join(" and ")} passes; ${lookUps} of 10 DNS look-ups are used.`;
    return { verdict: "good", words };
  }
  return { verdict: worst.result === "temperror" ? "unknown" : "bad", words: wordsFor(worst, name) };
}

/** Which of the addresses does not pass for the domain; null: they all do. */
export async function failingAddress(
  domain: string,
  addresses: readonly string[],
  mta: string,
  dns: MailDns,
): Promise<Evaluation | null> {
  return (await evaluateAll(domain, addresses, mta, dns)).find(({ result }) => result !== "pass") ?? null;
}

function evaluateAll(
  domain: string,
  addresses: readonly string[],
  mta: string,
  dns: MailDns,
): Promise<Evaluation[]> {
  const resolver = asNodeResolver(dns);
  return Promise.all(addresses.slice(0, MAX_ADDRESSES).map((address) => evaluate(domain, address, mta, resolver)));
}

function wordsFor({ address, result, comment }: Evaluation, name: string): string {
  if (result === "temperror") return `The DNS did not answer in time: ${comment}`;
  if (result === "permerror") {
    const limit = /too many dns/i.test(comment)
      ? " It needs more than 10 DNS look-ups (RFC 7208 4.6.4): take out what is not used any more."
      : "";
    return `The record is broken, so recipients ignore or refuse: ${comment}.${limit}`;
  }
  return `Mail from ${address} gets "${result}": add include:${name}.`;
}

async function evaluate(
  domain: string,
  ip: string,
  mta: string,
  resolver: ReturnType<typeof asNodeResolver>,
): Promise<Evaluation> {
  const sender = `postmaster@${domain}`;
  const { status, lookups } = await spf({ sender, ip, helo: mta, mta, resolver, maxElapsedTime: MAX_MS });
  // mailauth's comment begins with the name of the server that asks.
  const comment = String(status.comment ?? "").replace(`${mta}: `, "");
  return { address: ip, result: status.result, comment, lookUps: lookups?.count ?? 0 };
}

/** The record with the service in it: in front of what is said of all the rest. */
export function withInclude(record: string | undefined, name: string): string {
  const include = `include:${name}`;
  if (record === undefined) return `v=spf1 ${include} ~all`;
  const terms = record.trim().split(/\s+/);
  if (terms.some((term) => term.toLowerCase() === include)) return terms.join(" ");
  const last = terms.findIndex((term) => /^[-~?+]?all$|^redirect=/i.test(term));
  return (last < 0 ? [...terms, include] : terms.toSpliced(last, 0, include)).join(" ");
}

const unknown = (words: string): Check => ({ verdict: "unknown", words, found: [], publish: [] });
