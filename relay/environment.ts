/**
 * The environment of this process, as far as it may be read.
 *
 * Granted all of it (while settings are looked over for variables that do not exist), all of it; else the settings of
 * its role, which is what a running server is granted.
 */
import { SETTING_NAMES } from "./setting_names.ts";
import type { Environment } from "./settings_reader.ts";

const isGranted = (descriptor: Deno.EnvPermissionDescriptor) =>
  Deno.permissions.querySync(descriptor).state === "granted";

export function processEnvironment(): Environment {
  if (isGranted({ name: "env" })) return Deno.env.toObject();
  return Object.fromEntries(SETTING_NAMES.flatMap((variable) => {
    const value = isGranted({ name: "env", variable }) ? Deno.env.get(variable) : undefined;
    return value === undefined ? [] : [[variable, value]];
  }));
}
