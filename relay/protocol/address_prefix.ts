/** Whose an address is likely to be, for what is counted by client. Pure. */

/** Of 16 bits; those of a /64. */
const IPV6_GROUPS = 8, PREFIX_GROUPS = IPV6_GROUPS / 2;

/** What one customer or one attacker usually has: an IPv4 address, an IPv6 /64 (RFC 6177). */
export function addressPrefix(address: string): string {
  if (!address.includes(":")) return address;
  const [head = [], tail = []] = address.split("::").map((part) => part.split(":").filter((group) => group !== ""));
  // RFC 4291 2.2: "::" stands for as many groups of zeros as are missing.
  const zeros = Array.from({ length: IPV6_GROUPS - head.length - tail.length }, () => "0");
  return [...head, ...zeros, ...tail].slice(0, PREFIX_GROUPS).join(":");
}
