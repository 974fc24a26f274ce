/** The policy's parameters, as the settings have them; those that the operator sets through the API go before them. */
import { defaultParameters, type Parameters } from "../../policy/mod.ts";
import type { NodeSettings, PlaneSettings } from "../settings.ts";

/** Of the nodes of a process; what a block has is the control plane's to say, and it tells them. */
export function nodeParameters(
  settings: Pick<NodeSettings, "maxConnections" | "maxConnectionsPerAddress" | "maxAuthFailures">,
): Parameters {
  return {
    ...defaultParameters,
    maxConnections: settings.maxConnections,
    maxConnectionsPerAddress: settings.maxConnectionsPerAddress,
    maxLoginFailures: settings.maxAuthFailures,
  };
}

/** @param nodes those of the nodes in the same process; where they are elsewhere, it does not know theirs. */
export function planeParameters(
  { blockRelays }: Pick<PlaneSettings, "blockRelays">,
  nodes: Parameters = defaultParameters,
): Parameters {
  return { ...nodes, relaysPerBlock: blockRelays };
}
