/** Whose domains are, seen from the account that would send as them: the facts on which the policy decides. */
import type { DomainOwnership } from "../../policy/mod.ts";
import type { ControlPlane } from "../control_plane.ts";
import { asciiDomain } from "../dns/names.ts";

/**
 * The ownership of each of `domains` (U-labels or A-labels), in their order.
 *
 * @param fresh look up now, whatever is remembered.
 * @throws {ControlPlaneUnavailable}
 */
export async function domainOwnership(
  domains: readonly string[],
  username: string,
  controlPlane: Pick<ControlPlane, "owners">,
  fresh: boolean,
): Promise<DomainOwnership[]> {
  // What cannot be in the DNS cannot be claimed either; an address literal is asked for and is nobody's.
  const names = domains.map((domain) => asciiDomain(domain));
  const owners = await controlPlane.owners(names.filter((name) => name !== null), fresh);
  const remaining = owners.values();
  return names.map((name) => {
    const owner = name === null ? null : remaining.next().value ?? null;
    if (owner === null) return "unclaimed";
    return owner === username ? "own" : "another's";
  });
}
