/** Whether mail of the domain through this service passes DMARC: SPF or DKIM passes for the domain in From. */
import { dmarc } from "mailauth/lib/dmarc/index.js";
import type { Check, PublishedRecord } from "./verdict.ts";
import { asNodeResolver, type MailDns } from "./mail_dns.ts";

/** What was found to pass. */
export interface Passing {
  readonly spf: boolean;
  readonly dkim: boolean;
}

export async function checkDmarc(domain: string, { spf, dkim }: Passing, dns: MailDns): Promise<Check> {
  const evaluation = await dmarc({
    headerFrom: [domain],
    spfDomains: spf ? [domain] : [],
    dkimDomains: dkim ? [{ domain }] : [],
    resolver: asNodeResolver(dns),
  });
  if (evaluation === false) throw new TypeError(`${domain} is no domain of an address`);
  const { status: { result }, rr, p, policyDomain } = evaluation;
  const found: PublishedRecord[] = rr === undefined
    ? []
    : [{ name: `_dmarc.${policyDomain ?? domain}`, type: "TXT", value: rr }];
  switch (result) {
    case "pass": {
      const by = [...(spf ? ["SPF"] : []), ...(dkim ? ["DKIM"] : [])].join(" and ");
      return {
        verdict: "good",
        words: `Mail through this service passes, by ${by}; the policy is ${p}.`,
        found,
        publish: [],
      };
    }
    case "fail": {
      const harm = p === "none" ? "it is reported, but delivered" : `recipients are asked to ${p} it`;
      const words = `Mail through this service fails, for neither SPF nor DKIM passes: ${harm}. Mend one of them.`;
      return { verdict: p === "none" ? "warning" : "bad", words, found, publish: [] };
    }
    case "none": {
      const value = `v=DMARC1; p=none; rua=mailto:postmaster@${domain}`;
      const words = "There is no DMARC record; large providers want one. Begin with one that only asks for reports.";
      return { verdict: "warning", words, found, publish: [{ name: `_dmarc.${domain}`, type: "TXT", value }] };
    }
    default:
      return { verdict: "unknown", words: "The DNS could not be asked for the DMARC record.", found, publish: [] };
  }
}
