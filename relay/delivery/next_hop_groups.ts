/** The recipients of a message that are due and not skipped, grouped by the next hop that their mail goes to. */
import { domainOf } from "../spool/index_row.ts";
import type { QueuedMessage } from "../spool/types.ts";
import type { Addressee } from "./attempt.ts";
import type { NextHop } from "./next_hop.ts";
import { isSkipped } from "./skipped.ts";

export interface NextHopGroup {
  readonly hop: NextHop;
  readonly addressees: Addressee[];
}

/** Each domain is looked up once, all at the same time; domains with the same hosts become one group. */
export async function groupByNextHop(
  message: QueuedMessage,
  now: number,
  nextHop: (domain: string) => Promise<NextHop>,
): Promise<NextHopGroup[]> {
  const domains = dueByDomain(message, now);
  const [only] = domains;
  // Most messages go to one domain: nothing to group.
  if (only !== undefined && domains.size === 1) return [{ hop: await nextHop(only[0]), addressees: only[1] }];
  const groups = new Map<string, NextHopGroup>();
  await Promise.all(Array.from(domains, async ([domain, addressees]) => {
    const hop = await nextHop(domain);
    const key = hop.kind === "hosts" ? hop.key : `none ${domain}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { hop, addressees });
    else group.addressees.push(...addressees);
  }));
  return [...groups.values()];
}

function dueByDomain({ envelope, recipients }: QueuedMessage, now: number): Map<string, Addressee[]> {
  const domains = new Map<string, Addressee[]>();
  recipients.forEach(({ status, dueAt }, recipient) => {
    const forwardPath = envelope.recipients[recipient];
    if (status !== "queued" || dueAt > now || forwardPath === undefined || isSkipped(envelope, recipient)) return;
    const domain = domainOf(forwardPath);
    const addressees = domains.get(domain);
    if (addressees === undefined) domains.set(domain, [{ recipient, forwardPath }]);
    else addressees.push({ recipient, forwardPath });
  });
  return domains;
}
