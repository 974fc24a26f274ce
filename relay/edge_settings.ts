/** The settings of the SMTP edge, and the policy's parameters that a session needs to know, as its rooms want them. */
import type { Parameters } from "../policy/mod.ts";
import type { NodeSettings } from "./settings.ts";
import type { ConnectionContext } from "./smtp/connection.ts";
import type { SessionRules } from "./smtp/session_types.ts";

export type EdgeSettings = Pick<
  NodeSettings,
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

type Edge = Pick<ConnectionContext, "rules" | "timing" | "hostname" | "hideClient" | "maxMessageBytes">;

/** @param parameters as they are now: sessions go by them from their next command on. */
export function edgeOf(settings: EdgeSettings, parameters: () => Parameters): Edge {
  const { hostname, commandTimeoutMs, dataTimeoutMs, minDataRate } = settings;
  let made: { readonly from: Parameters; readonly rules: SessionRules } | undefined;
  return {
    get rules() {
      const from = parameters();
      if (made?.from !== from) made = { from, rules: sessionRules(settings, from) };
      return made.rules;
    },
    get maxMessageBytes() {
      return parameters().maxSizeBytes;
    },
    timing: { commandTimeoutMs, dataTimeoutMs, minDataRate },
    hostname,
    hideClient: settings.hideClientAddress,
  };
}

function sessionRules(settings: EdgeSettings, { maxSizeBytes, maxRecipients }: Parameters): SessionRules {
  const { hostname, serviceName, allowPlaintextAuth, maxErrors, maxJunkCommands } = settings;
  return {
    hostname,
    serviceName,
    maxMessageBytes: maxSizeBytes,
    maxRecipients,
    allowPlaintextAuth,
    maxErrors,
    maxJunkCommands,
    maxMessages: settings.maxMessagesPerConnection,
  };
}
