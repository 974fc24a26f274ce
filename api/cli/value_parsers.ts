/** Values of the command line that the library does not know: names that stand in a URL, and points in time. */
import { argument, message, type ValueParser } from "@optique/core";
import { type Instant, parseInstant } from "./when.ts";

/** A name that stands as one segment of a URL; whether there is such a thing the API knows. */
export function name(
  metavar: "USERNAME" | "ID" | "CIDR" | "DOMAIN" | "SELECTOR" | "ADDRESS",
): ValueParser<"sync", string> {
  return {
    mode: "sync",
    metavar,
    placeholder: "name",
    parse(input) {
      // The URL standard takes "." and ".." out of a path, percent-encoded or not.
      if (input === "" || input === "." || input === "..") {
        return { success: false, error: message`Expected a name, but got ${input}.` };
      }
      return { success: true, value: input };
    },
    format: (value) => value,
  };
}

export const username = () => argument(name("USERNAME"), { description: message`The account's username.` });

/** "24h", "7d", "2026-11-23T12:00:00Z", "2026-11-23". */
export function instant(): ValueParser<"sync", Instant> {
  return {
    mode: "sync",
    metavar: "TIME",
    placeholder: { kind: "ago", ms: 0 },
    parse(input) {
      const value = parseInstant(input);
      if (value !== null) return { success: true, value };
      return {
        success: false,
        error:
          message`Expected an age such as ${"24h"} or ${"7d"}, or a time such as ${"2026-11-23T12:00:00Z"} (UTC), but got ${input}.`,
      };
    },
    format: (value) => value.kind === "ago" ? `${value.ms / 1000}s` : new Date(value.at).toISOString(),
  };
}
