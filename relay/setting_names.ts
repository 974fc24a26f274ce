/**
 * The names of all settings, and what each role has a use for.
 *
 * A variable that a role has no use for is a mistake, as one that does not exist is: it does nothing where it stands,
 * and the control plane's secrets are none of an edge machine's business.
 */

/**
 * `all`: control plane and relay nodes in one process; `api`: the control plane alone; `relay`: relay nodes alone, whose
 * control plane is elsewhere.
 */
export type Role = "all" | "api" | "relay";

/** What a setting is about; a role has a use for those of its parts. */
type Part = "every role" | "control plane" | "nodes" | "remote control plane";

const SETTINGS = {
  MAILHOP_ROLE: "every role",
  MAILHOP_HOSTNAME: "every role",
  MAILHOP_SERVICE_NAME: "every role",
  MAILHOP_REGION: "every role",
  MAILHOP_DATA_DIR: "every role",
  MAILHOP_SMTP_LISTEN: "every role",
  MAILHOP_SMTPS_LISTEN: "every role",
  MAILHOP_HTTP_LISTEN: "every role",
  MAILHOP_PUBLIC_URL: "every role",
  MAILHOP_TLS_CERT: "nodes",
  MAILHOP_TLS_KEY: "nodes",
  MAILHOP_ALLOW_PLAINTEXT_AUTH: "nodes",
  MAILHOP_ADMIN_TOKEN: "control plane",
  MAILHOP_API_URL: "remote control plane",
  MAILHOP_RELAY_TOKEN: "every role",
  DATABASE_URL: "control plane",
  UPSTASH_REDIS_REST_URL: "control plane",
  UPSTASH_REDIS_REST_TOKEN: "control plane",
  MAILHOP_DNS: "every role",
  MAILHOP_ROUTES: "every role",
  MAILHOP_SOURCE_ADDRESS: "nodes",
  MAILHOP_DESTINATIONS: "nodes",
  MAILHOP_DELAY_WARNING: "every role",
  MAILHOP_EXPIRY: "every role",
  MAILHOP_MX_PORT: "nodes",
  MAILHOP_ALLOW_PRIVATE_NEXT_HOPS: "nodes",
  MAILHOP_DKIM_SERVICE: "nodes",
  MAILHOP_MAX_CONNECTIONS: "nodes",
  MAILHOP_MAX_CONNECTIONS_PER_ADDRESS: "nodes",
  MAILHOP_COMMAND_TIMEOUT: "nodes",
  MAILHOP_DATA_TIMEOUT: "nodes",
  MAILHOP_MIN_DATA_RATE: "nodes",
  MAILHOP_MAX_MESSAGES_PER_CONNECTION: "nodes",
  MAILHOP_MAX_ERRORS: "nodes",
  MAILHOP_MAX_JUNK_COMMANDS: "nodes",
  MAILHOP_HIDE_CLIENT_ADDRESS: "nodes",
  MAILHOP_MAX_AUTH_FAILURES: "nodes",
  MAILHOP_ACTIVATION_DELAY: "control plane",
  MAILHOP_BLOCK_RELAYS: "control plane",
  MAILHOP_DECISION_SAMPLE: "nodes",
  MAILHOP_DECISION_KEEP: "control plane",
  MAILHOP_HISTORY_KEEP: "control plane",
  MAILHOP_WORKERS: "nodes",
} as const satisfies Record<string, Part>;

export type SettingName = keyof typeof SETTINGS;

/** Every variable that a process of some role reads. */
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

const PARTS: Readonly<Record<Role, readonly Part[]>> = {
  all: ["every role", "control plane", "nodes"],
  api: ["every role", "control plane"],
  relay: ["every role", "nodes", "remote control plane"],
};

/** The account tool reads it, too: it is often set in the same shell, and passed over where the role has no use for it. */
const ALSO_OF_THE_TOOL: SettingName = "MAILHOP_API_URL";

/** Names that a process of this role reads. */
export function readBy(role: Role): readonly SettingName[] {
  return SETTING_NAMES.filter((name) => PARTS[role].includes(SETTINGS[name]));
}

/** Names that it would be a mistake to set. */
export function uselessTo(role: Role): readonly SettingName[] {
  const read = new Set(readBy(role));
  return SETTING_NAMES.filter((name) => !read.has(name) && name !== ALSO_OF_THE_TOOL);
}
