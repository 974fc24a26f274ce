/**
 * IP addresses as octets, so that prefixes can be compared whatever the spelling ("::1", "0:0:0:0:0:0:0:1").
 *
 * Pure. Zone indices ("fe80::1%eth0") are not addresses here.
 */
import { isIP } from "node:net";

/** Four octets for IPv4, sixteen for IPv6, null for anything else. */
export function parseAddress(text: string): Uint8Array | null {
  const family = isIP(text);
  if (family === 4) return Uint8Array.from(text.split("."), Number);
  if (family !== 6 || text.includes("%")) return null;
  const gap = text.indexOf("::");
  const head = octets(gap < 0 ? text : text.slice(0, gap));
  const tail = octets(gap < 0 ? "" : text.slice(gap + 2));
  const address = new Uint8Array(16);
  address.set(head);
  address.set(tail, 16 - tail.length);
  return address;
}

/** Whether two texts are the same address. */
export function sameAddress(one: string, other: string): boolean {
  if (one === other) return true;
  const left = parseAddress(one);
  const right = parseAddress(other);
  return left !== null && right !== null && left.length === right.length &&
    left.every((octet, i) => octet === right[i]);
}

/** The octets of a run of IPv6 groups, of which the last may be a dotted quad (RFC 4291 2.2). */
function octets(groups: string): number[] {
  if (groups === "") return [];
  return groups.split(":").flatMap((group) => {
    if (group.includes(".")) return group.split(".").map(Number);
    const value = parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
