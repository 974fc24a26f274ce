/**
 * From which addresses this node's mail leaves, as the world sees them: those that the operator has set, else those of
 * its own name, which should be them (its PTR record leads back to it). Behind a network address translation the
 * machine's own addresses would say nothing.
 */
import type { Resolver } from "./dns/types.ts";
import type { NodeSettings } from "./settings.ts";

export async function outgoingAddresses(
  { hostname, sourceAddresses }: Pick<NodeSettings, "hostname" | "sourceAddresses">,
  resolver: Pick<Resolver, "a" | "aaaa">,
): Promise<readonly string[]> {
  const set = [sourceAddresses.ipv4, sourceAddresses.ipv6].filter((address) => address !== null);
  if (set.length > 0) return set;
  const answers = await Promise.all([resolver.a(hostname), resolver.aaaa(hostname)]);
  return answers.flatMap((answer) => answer.kind === "found" ? answer.records : []);
}
