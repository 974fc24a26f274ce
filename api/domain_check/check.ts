/**
 * Whether mail of a domain through this service will be taken for what it is: its MX, SPF, DKIM and DMARC records, each
 * with a verdict, what was found, and the record to publish.
 */
import type { DomainFacts } from "../../policy/mod.ts";
import type { PublicKeyRow } from "../store/dkim_keys.ts";
import { checkDkim } from "./dkim.ts";
import { checkDmarc } from "./dmarc.ts";
import type { MailDns } from "./mail_dns.ts";
import { checkMx } from "./mx.ts";
import { checkSpf } from "./spf.ts";
import type { Check, ServiceFacts } from "./verdict.ts";

export interface DomainChecks {
  readonly mx: Check;
  readonly spf: Check;
  readonly dkim: Check;
  readonly dmarc: Check;
}

export interface CheckedDomain {
  /** Lower-case A-labels. */
  readonly domain: string;
  readonly keys: readonly PublicKeyRow[];
  /** What is made of it at MAIL. */
  readonly facts: DomainFacts;
}

export async function checkDomain(
  { domain, keys, facts }: CheckedDomain,
  service: ServiceFacts,
  dns: MailDns,
): Promise<DomainChecks> {
  const [mx, spf, dkim] = await Promise.all([
    checkMx(domain, facts, dns),
    service.addresses().then((addresses) => checkSpf(domain, { name: service.name, addresses }, dns)),
    checkDkim(keys, (name) => dns.txt(name)),
  ]);
  const dmarc = await checkDmarc(domain, { spf: spf.verdict === "good", dkim: dkim.verdict === "good" }, dns);
  return { mx, spf, dkim, dmarc };
}
