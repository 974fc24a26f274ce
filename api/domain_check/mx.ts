/** Whether mail of the domain is let in at all: it must be able to take mail itself (the rule at MAIL). */
import type { DomainFacts } from "../../policy/mod.ts";
import type { Check, PublishedRecord, Verdict } from "./verdict.ts";
import type { MailDns } from "./mail_dns.ts";

export async function checkMx(domain: string, facts: DomainFacts, dns: MailDns): Promise<Check> {
  const answer = await dns.mx(domain);
  const records = answer.kind === "found" ? answer.records : [];
  const found = records.map(({ preference, exchange }): PublishedRecord => (
    { name: domain, type: "MX", value: `${preference} ${exchange === "" ? "." : exchange}` }
  ));
  const [verdict, words] = judge(domain, facts);
  return { verdict, words, found, publish: [] };
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
