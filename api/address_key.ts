/**
 * One form of an address, by which it is found again: lower case, the domain in A-labels. Pure.
 *
 * A local part may differ by case alone (RFC 5321 2.4); no server in use lets it.
 */
import { domainToASCII } from "node:url";

/** Reads a forward path without its brackets; one without a domain ("postmaster") stays as it is but for its case. */
export const addressKey = (address: string): string => {
  const at = address.lastIndexOf("@") + 1;
  const domain = address.slice(at).toLowerCase().replace(/\.$/, "");
  // "" where it is no domain: an address literal, for example.
  return `${address.slice(0, at).normalize().toLowerCase()}${domainToASCII(domain) || domain}`;
};
