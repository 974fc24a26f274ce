/**
 * Whether the account may send as a domain: one that another account has claimed is that account's alone, for the SPF
 * record that lets the service send for it lets every customer pass. What nobody has claimed is free, unless the
 * operator lets accounts use claimed domains only.
 */
import { Ownership } from "./codes.ts";
import { CLAIMED_DOMAINS_ONLY, DOMAIN_OWNERSHIP } from "./layout.ts";
import { Reason } from "./reason.ts";

export function domainOwnership(): Reason {
  const ownership = load<f64>(DOMAIN_OWNERSHIP);
  if (ownership === Ownership.Another) return Reason.DomainOfAnotherAccount;
  const unclaimed = ownership === Ownership.Unclaimed && load<f64>(CLAIMED_DOMAINS_ONLY) === 1;
  return unclaimed ? Reason.DomainUnclaimed : Reason.Accepted;
}
