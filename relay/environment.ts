/**
 * The environment of this process, as far as it may be read.
 *
 * Granted all of it (while settings are looked over for variables that do not exist), all of it; else the settings
 * alone, which is what a running server is granted.
 */
import { SETTING_NAMES } from "./settings.ts";
import type { Environment } from "./settings_reader.ts";

export function processEnvironment(): Environment {
  if (Deno.permissions.querySync({ name: "env" }).state === "granted") return Deno.env.toObject();
  return Object.fromEntries(SETTING_NAMES.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
