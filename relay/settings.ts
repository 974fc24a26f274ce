/**
 * The settings of one process, read once from its environment.
 *
 * `readSettings` is pure: it is given the environment as a record and the machine's name, and answers with frozen
 * settings, or with all mistakes. A variable that is set but empty counts as not set, except the lists of SMTP ports,
 * where it means none. What there is to be set is in settings_parts.ts, how values are written in settings_grammar.ts.
 */
import { type Role, SETTING_NAMES, type SettingName, uselessTo } from "./setting_names.ts";
import type { Parser } from "./settings_grammar.ts";
import { nodeSettings, planeSettings, type Reader, remoteSettings, sharedSettings } from "./settings_parts.ts";
import { type Environment, SettingsReader } from "./settings_reader.ts";
import type { Settings } from "./settings_types.ts";

export type { Destinations, HostPort, Routes } from "./settings_grammar.ts";
export type { Listen, NodeSettings, PlaneSettings, RemoteSettings, Settings } from "./settings_types.ts";

export type ReadSettings =
  | { readonly ok: true; readonly settings: Settings; readonly warnings: readonly string[] }
  /** One line for each mistake. */
  | { readonly ok: false; readonly mistakes: readonly string[] };

/** Read by the account tool and by the tests: often set in the same shell. */
const NAMES_OF_OTHERS = ["MAILHOP_API_TOKEN", "MAILHOP_TEST_REQUIRE"];
const PREFIX = "MAILHOP_";
/** A database's URL bears its password. */
const SECRETS = new Set<string>(
  [
    "MAILHOP_ADMIN_TOKEN",
    "MAILHOP_RELAY_TOKEN",
    "DATABASE_URL",
    "UPSTASH_REDIS_REST_URL",
    "UPSTASH_REDIS_REST_TOKEN",
  ] satisfies SettingName[],
);

/** Below this many characters a token can be guessed. */
const SHORT_TOKEN = 16;

const role: Parser<Role> = {
  expected: "all, api (the control plane alone) or relay (SMTP nodes alone)",
  parse: (text) => text === "all" || text === "api" || text === "relay" ? text : undefined,
};

/**
 * @param machineName what the operating system calls this machine.
 * @param cores how many of them it has.
 */
export function readSettings(environment: Environment, machineName: string, cores: number): ReadSettings {
  const reader: Reader = new SettingsReader(environment, SECRETS);
  const settings = settingsOf(reader, machineName, cores);
  for (const name of uselessTo(settings.role)) {
    if (reader.isSet(name)) {
      reader.mistake(name, `expected not to be set: the role ${settings.role} has no use for it`);
    }
  }
  reader.refuseUnknown(PREFIX, [...SETTING_NAMES, ...NAMES_OF_OTHERS]);
  if (reader.mistakes.length > 0) return { ok: false, mistakes: reader.mistakes };
  return { ok: true, settings, warnings: warningsAbout(settings) };
}

function settingsOf(reader: Reader, machineName: string, cores: number): Settings {
  const chosen = reader.read("MAILHOP_ROLE", role) ?? "all";
  const shared = sharedSettings(reader, machineName);
  const plane = () => Object.freeze({ ...shared, ...planeSettings(reader) });
  const nodes = () => Object.freeze({ ...shared, ...nodeSettings(reader, cores) });
  switch (chosen) {
    case "all":
      return Object.freeze({ role: chosen, plane: plane(), nodes: nodes() });
    case "api":
      return Object.freeze({ role: chosen, plane: plane() });
    case "relay":
      return Object.freeze({ role: chosen, nodes: nodes(), remote: Object.freeze(remoteSettings(reader)) });
  }
}

function warningsAbout(settings: Settings): string[] {
  const warnings: string[] = [];
  // The control plane's name is not seen by other mail servers.
  const hostname = settings.role === "api" ? null : settings.nodes.hostname;
  if (hostname !== null && !hostname.includes(".")) {
    warnings.push(
      `This machine's name, ${hostname}, has no dot: other mail servers may refuse mail from it. ` +
        "Set MAILHOP_HOSTNAME to its full name, such as relay.example.net.",
    );
  }
  const tokens = settings.role === "relay"
    ? { MAILHOP_RELAY_TOKEN: settings.remote.token }
    : { MAILHOP_ADMIN_TOKEN: settings.plane.adminToken, MAILHOP_RELAY_TOKEN: settings.plane.relayToken };
  for (const [name, token] of Object.entries(tokens)) {
    if (token !== null && token.length < SHORT_TOKEN) {
      warnings.push(`${name} has less than ${SHORT_TOKEN} characters: it can be guessed.`);
    }
  }
  return warnings;
}
