/** Whether mail of the domain is let in at all: it must be able to take mail itself (the rule at MAIL). */
import type { DomainFacts } from "../../policy/mod.ts";
import type { Check, PublishedRecord, Verdict } from "./verdict.ts";
import type { MailDns } from "./mail_dns.ts";

type MxRecord = Extract<Awaited<ReturnType<MailDns["mx"]>>, { readonly kind: "found" }>["records"][number];

export async function checkMx(domain: string, facts: DomainFacts, dns: MailDns): Promise<Check> {
  const answer = await dns.mx(domain);
  const records = answer.kind === "found" ? answer.records : [];
  const found = records.map(({ preference, exchange }): PublishedRecord => (
    { name: domain, type: "MX", value: `${preference} ${exchange === "" ? "." : exchange}` }
  ));
  const [verdict, words] = judge(domain, facts);
  if (verdict !== "good") return { verdict, words, found, publish: [] };
  const aliases = await findAliases(records, dns);
  if (aliases.size === 0) return { verdict, words, found, publish: [] };
  const publish = records.flatMap(({ preference, exchange }): PublishedRecord[] => {
    const target = aliases.get(exchange);
    return target === undefined ? [] : [{ name: domain, type: "MX", value: `${preference} ${target}` }];
  });
  return { verdict: "warning", words: aliasWords(domain, aliases), found, publish };
}

/** Hosts that are looked at: domains with more have them all of one kind. */
const MAX_HOSTS = 10;

/** What those hosts are aliases of that are aliases. What cannot be asked is none: the check is of the MX. */
async function findAliases(records: readonly MxRecord[], dns: MailDns): Promise<Map<string, string>> {
  const hosts = [...new Set(records.map(({ exchange }) => exchange))].slice(0, MAX_HOSTS);
  const answers = await Promise.all(hosts.map(async (host) => [host, await dns.cname(host)] as const));
  return new Map(answers.flatMap(([host, answer]) => {
    const target = answer.kind === "found" ? answer.records[0] : undefined;
    return target === undefined ? [] : [[host, target]];
  }));
}

/** RFC 5321 5.1, RFC 2181 10.3: the name in an MX record must have addresses of its own. It is followed all the same. */
function aliasWords(domain: string, aliases: ReadonlyMap<string, string>): string {
  const named = [...aliases].map(([host, target]) => `${host}, which is an alias (CNAME) of ${target}`).join("; ");
  return `The MX of ${domain} names ${named}. It is followed here, but others may refuse it (RFC 2181 10.3): ` +
    "name the host itself.";
}

function judge(domain: string, { existence, mx, address }: DomainFacts): [Verdict, string] {
  if (existence === "missing") return ["bad", `${domain} does not exist: mail from it is refused.`];
  if (existence === "failed" || mx === "failed") {
    return ["unknown", `The DNS of ${domain} could not be asked: mail from it is put off until it can.`];
  }
  switch (mx) {
    case "usable":
      return ["good", `${domain} can take answers and bounces.`];
    case "null":
      return ["bad", `The null MX of ${domain} says that it takes no mail: mail from it is refused (RFC 7505).`];
    case "names-address":
      return ["bad", `The MX of ${domain} names an IP address: it must name a host. Mail from it is refused.`];
    case "unresolvable":
      return ["bad", `No host in the MX of ${domain} has an address: mail from it is refused.`];
    case "none":
      return address === "absent"
        ? ["bad", `${domain} has neither MX nor address: mail from it is refused.`]
        : ["warning", `${domain} has no MX; its own address is used (RFC 5321 5.1). Better publish one.`];
  }
}
