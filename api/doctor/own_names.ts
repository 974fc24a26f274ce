/**
 * Whether the world believes the service's names: they have addresses, those lead back to them (PTR), and its SPF record
 * covers from where its mail leaves.
 */
import { failingAddress } from "../domain_check/spf.ts";
import type { MailDns } from "../domain_check/mail_dns.ts";
import type { ServiceFacts } from "../domain_check/verdict.ts";
import type { Finding } from "./finding.ts";

export interface OwnNames extends ServiceFacts {
  /** The node's own, in greeting and EHLO. */
  readonly hostname: string;
  /** The names that an address leads back to (PTR); null: the DNS could not be asked. */
  readonly namesOf: (address: string) => Promise<readonly string[] | null>;
}

export async function ownNames(names: OwnNames, dns: MailDns): Promise<Finding[]> {
  const { name, hostname } = names;
  const addresses = await names.addresses();
  return await Promise.all([
    nameFinding("service name", name, "MAILHOP_SERVICE_NAME", dns),
    nameFinding("host name", hostname, "MAILHOP_HOSTNAME", dns),
    ptrFinding(addresses, names),
    spfFinding(addresses, name, dns),
  ]);
}

async function nameFinding(what: string, name: string, setting: string, dns: MailDns): Promise<Finding> {
  if (!name.includes(".")) {
    return { what, verdict: "bad", words: `${name} is no public name: set ${setting} to one that the DNS has.` };
  }
  const answers = await Promise.all([dns.a(name), dns.aaaa(name)]);
  const addresses = answers.flatMap((answer) => answer.kind === "found" ? answer.records : []);
  if (addresses.length > 0) return { what, verdict: "good", words: `${name} is ${addresses.join(", ")}.` };
  return answers.some(({ kind }) => kind === "failed")
    ? { what, verdict: "unknown", words: `The DNS could not be asked for ${name}.` }
    : { what, verdict: "bad", words: `${name} has no address in the DNS. Publish one, or set ${setting}.` };
}

async function ptrFinding(addresses: readonly string[], { hostname, namesOf }: OwnNames): Promise<Finding> {
  const what = "PTR";
  if (addresses.length === 0) return { what, verdict: "unknown", words: FROM_WHERE };
  const names = await Promise.all(addresses.map(namesOf));
  const wrong = addresses.findIndex((_, at) => !names[at]?.includes(hostname.toLowerCase()));
  if (wrong < 0) return { what, verdict: "good", words: `${addresses.join(" and ")} leads back to ${hostname}.` };
  const found = names[wrong];
  if (found === null || found === undefined) {
    return { what, verdict: "unknown", words: `The DNS could not be asked for the name of ${addresses[wrong]}.` };
  }
  const leads = found.length === 0 ? "has no name in the DNS" : `leads to ${found.join(", ")}, not to ${hostname}`;
  const words = `${addresses[wrong]} ${leads}: many servers refuse mail from it. Whoever gave you the address can ` +
    `set its PTR record to ${hostname}.`;
  return { what, verdict: "bad", words };
}

async function spfFinding(addresses: readonly string[], name: string, dns: MailDns): Promise<Finding> {
  const what = "SPF";
  if (addresses.length === 0 || !name.includes(".")) return { what, verdict: "unknown", words: FROM_WHERE };
  const failing = await failingAddress(name, addresses, name, dns);
  if (failing === null) {
    return { what, verdict: "good", words: `The record of ${name} covers ${addresses.join(" and ")}.` };
  }
  const terms = addresses.map((address) => `${address.includes(":") ? "ip6" : "ip4"}:${address}`);
  const words = failing.result === "temperror"
    ? `The DNS did not answer in time: ${failing.comment}`
    : `Mail from ${failing.address} does not pass as ${name}, so it passes for no customer that includes it.`;
  return {
    what,
    verdict: failing.result === "temperror" ? "unknown" : "bad",
    words,
    publish: [{ name, type: "TXT", value: `v=spf1 ${terms.join(" ")} -all` }],
  };
}

const FROM_WHERE = "From which addresses mail leaves is not known: set MAILHOP_HOSTNAME to a name that has them, or " +
  "MAILHOP_SOURCE_ADDRESS.";
