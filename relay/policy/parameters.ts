/** The policy's parameters, as the settings have them; those that the operator sets through the API go before them. */
import { defaultParameters, type Parameters } from "../../policy/mod.ts";
import type { Settings } from "../settings.ts";

export function parametersOf(
  settings: Pick<Settings, "blockRelays" | "maxConnections" | "maxConnectionsPerAddress" | "maxAuthFailures">,
): Parameters {
  return {
    ...defaultParameters,
    relaysPerBlock: settings.blockRelays,
    maxConnections: settings.maxConnections,
    maxConnectionsPerAddress: settings.maxConnectionsPerAddress,
    maxLoginFailures: settings.maxAuthFailures,
  };
}
