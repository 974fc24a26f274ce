/**
 * Whether the account may send as a domain: one that another account has claimed is that account's alone, for the SPF
 * record that lets the service send for it lets every customer pass. What nobody has claimed is free.
 */
import { Ownership } from "./codes.ts";
import { DOMAIN_OWNERSHIP } from "./layout.ts";
import { Reason } from "./reason.ts";

export function ownership(): Reason {
  return load<f64>(DOMAIN_OWNERSHIP) === Ownership.Another ? Reason.DomainOfAnotherAccount : Reason.Accepted;
}
