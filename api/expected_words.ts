/**
 * What is wrong with a field, in plain words: for the schemas that have none of their own. zod asks for them in place of
 * its English, which speaks of input, keys and `<=`.
 */
import type { z } from "zod";

type Issue = Parameters<NonNullable<ReturnType<typeof z.config>["localeError"]>>[0];

/** By the names that zod has for kinds of values; its others are shown as they are. */
const KINDS: Readonly<Record<string, string>> = {
  ...{ string: "text", number: "a number", int: "a whole number", boolean: "true or false" },
  ...{ array: "a list", object: "an object", record: "an object" },
};
/** What is counted, by what it is counted in. */
const UNITS: Readonly<Record<string, string>> = { string: "character", array: "item" };

/** "672", "500 characters": a bound of a value of the kind `origin`. */
const bound = (n: number | bigint, origin: string): string => {
  const unit = UNITS[origin];
  return unit === undefined ? `${n}` : `${n} ${unit}${n === 1 ? "" : "s"}`;
};

/** Words that go with the field's name in front: "hours: expected at most 672". */
export const expectedWords = (issue: Issue): string => {
  // What is not there at all fits nothing, whatever it is to be.
  if (issue.input === undefined) return "is missing";
  switch (issue.code) {
    case "invalid_type":
      return `expected ${KINDS[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `expected ${issue.values.map(String).join(" or ")}`;
    case "too_big":
      return `expected at most ${bound(issue.maximum, issue.origin)}`;
    case "too_small":
      return `expected at least ${bound(issue.minimum, issue.origin)}`;
    case "invalid_format":
      return issue.format === "email" ? "expected an e-mail address" : `expected ${issue.format}`;
    case "unrecognized_keys":
      return "is not known here";
    default:
      return "is not valid";
  }
};
