/**
 * The domain that someone who mistyped may have meant: one edit away.
 *
 * Pure. An edit is a character put in, left out, replaced, or two neighbours swapped (Damerau's four).
 */

/** The first of `candidates` that one edit makes of `domain`; undefined if there is none, or if it is one of them. */
export function closestDomain(domain: string, candidates: Iterable<string>): string | undefined {
  let closest: string | undefined;
  for (const candidate of candidates) {
    if (candidate === domain) return undefined;
    if (closest === undefined && isOneEdit(domain, candidate)) closest = candidate;
  }
  return closest;
}

function isOneEdit(one: string, other: string): boolean {
  if (one.length > other.length) return isOneEdit(other, one);
  if (other.length - one.length > 1) return false;
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  if (one.length < other.length) return one.slice(at) === other.slice(at + 1);
  if (one.slice(at + 1) === other.slice(at + 1)) return true;
  return one[at] === other[at + 1] && one[at + 1] === other[at] && one.slice(at + 2) === other.slice(at + 2);
}
