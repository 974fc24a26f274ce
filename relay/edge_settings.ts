/** The settings of the SMTP edge, as its rooms want them. */
import type { Parameters } from "../policy/mod.ts";
import type { Settings } from "./settings.ts";
import type { ConnectionContext } from "./smtp/connection.ts";

export type EdgeSettings = Pick<
  Settings,
  | "hostname"
  | "serviceName"
  | "allowPlaintextAuth"
  | "commandTimeoutMs"
  | "dataTimeoutMs"
  | "minDataRate"
  | "maxMessagesPerConnection"
  | "maxErrors"
  | "maxJunkCommands"
  | "hideClientAddress"
>;

export function edgeRules(
  settings: EdgeSettings,
  { maxSizeBytes, maxRecipients }: Parameters,
): Pick<ConnectionContext, "rules" | "timing" | "hostname" | "hideClient" | "maxMessageBytes"> {
  const { hostname, serviceName, allowPlaintextAuth, maxErrors, maxJunkCommands } = settings;
  const { commandTimeoutMs, dataTimeoutMs, minDataRate } = settings;
  return {
    rules: {
      hostname,
      serviceName,
      maxMessageBytes: maxSizeBytes,
      maxRecipients,
      allowPlaintextAuth,
      maxErrors,
      maxJunkCommands,
      maxMessages: settings.maxMessagesPerConnection,
    },
    timing: { commandTimeoutMs, dataTimeoutMs, minDataRate },
    hostname,
    hideClient: settings.hideClientAddress,
    maxMessageBytes: maxSizeBytes,
  };
}
