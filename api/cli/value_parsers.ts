/** Values of the command line that the library does not know: names that stand in a URL, and points in time. */
import { argument, message, string, type ValueParser } from "@optique/core";
import { type Instant, parseInstant } from "./when.ts";

/** A name that stands as one segment of a URL; whether there is such a thing the API knows. */
export function name(
  metavar: "USERNAME" | "ID" | "CIDR" | "DOMAIN" | "HASH" | "NAME" | "SELECTOR" | "ADDRESS",
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

/** What people call it; what may stand there the API knows. */
export const label = () =>
  argument(string({ metavar: "LABEL" }), { description: message`What you call it: the program that has it.` });

/** A file's path. */
export function file(): ValueParser<"sync", string> {
  return string({ metavar: "FILE" });
}

/** A parameter that is to have a value. */
export interface Assignment {
  readonly name: string;
  readonly value: number;
}

/** "maxRecipients=50". */
export function assignment(): ValueParser<"sync", Assignment> {
  return {
    mode: "sync",
    metavar: "NAME=VALUE",
    placeholder: { name: "", value: 0 },
    parse(input) {
      const [, name, value] = /^([A-Za-z][\w-]*)=(\d{1,16})$/.exec(input) ?? [];
      if (name !== undefined && value !== undefined) return { success: true, value: { name, value: Number(value) } };
      return {
        success: false,
        error: message`Expected a name and a whole number such as ${"maxRecipients=50"}, but got ${input}.`,
      };
    },
    format: ({ name, value }) => `${name}=${value}`,
  };
}

/** Octets in a unit (service: 1 MB is 1,048,576 octets). */
const UNIT_BYTES: Readonly<Record<string, number>> = { "": 1, KB: 1024, MB: 1_048_576 };

/** "10485760", "10MB". */
export function size(): ValueParser<"sync", number> {
  return {
    mode: "sync",
    metavar: "BYTES",
    placeholder: 0,
    parse(input) {
      const [, digits, unit = ""] = /^(\d{1,12})(KB|MB)?$/i.exec(input) ?? [];
      if (digits !== undefined) return { success: true, value: Number(digits) * UNIT_BYTES[unit.toUpperCase()]! };
      return { success: false, error: message`Expected a size such as ${"10485760"} or ${"10MB"}, but got ${input}.` };
    },
    format: String,
  };
}

/** "2026-12-31", "2026-12-31T12:00:00Z", as the API takes it: a time to come, of which an age would be the wrong way. */
export function time(): ValueParser<"sync", string> {
  return {
    mode: "sync",
    metavar: "TIME",
    placeholder: "",
    parse(input) {
      const value = parseInstant(input);
      if (value?.kind === "at") return { success: true, value: new Date(value.at).toISOString() };
      return {
        success: false,
        error: message`Expected a time such as ${"2026-12-31"} or ${"2026-12-31T12:00:00Z"} (UTC), but got ${input}.`,
      };
    },
    format: (value) => value,
  };
}

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
