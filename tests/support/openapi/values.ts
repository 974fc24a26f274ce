/**
 * Arbitrary JSON values for a schema of the OpenAPI document: such as fit it, and such as nearly do.
 *
 * A text may be a stand-in for one that the service is known to have by then (see known.ts): its place says which.
 */
import fc from "fast-check";
import { referredName, type Schema, type Schemas } from "../../../api/openapi/document.ts";
import { type KnownText, knownText } from "./known.ts";

export type Json = string | number | boolean | null | KnownText | readonly Json[] | { readonly [name: string]: Json };

/** What programs stumble over: nothing, controls, half a character, quotes, names of fields that all objects have, length. */
export const ODD_TEXTS: readonly string[] = [
  ...["", " ", "\0", "a\0b", "\ud800", "a\udfffb", "\r\n", "\u{1f4ef}", "\u0130", "ſ", "a\u0308", "\u202e", "%", "%00"],
  ...["'; drop table account; --", "%_\\", "../..", "__proto__", "constructor", "x@y@z", "<>", "@", ".", "..", "[::1]"],
  ...["x".repeat(300), "1e999", "NaN", "-0", "0x10", "null", "2026-02-30T00:00:00Z", "0000-01-01T00:00:00Z"],
  ...["9999-12-31T23:59:60Z", "2026-11-23T12:00:00+14:00", "+275760-09-13T00:00:00Z"],
];
/** Limits of integers: of 16, 32, 53 and 64 bits, and beyond. */
const ODD_NUMBERS = [
  -1,
  0,
  0.5,
  -0.5,
  32_768,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 63,
  1e21,
  1e308,
];
const TIMES = ["2026-11-23T12:00:00Z", "2026-11-23T12:00:00.5+02:00", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z"];
const DAY_MS = 86_400_000;
const ADDRESSES = ["a@example.com", "x@canary.example", "ä@example.net", '"a b"@example.org'];
/** As many as a test can do with, whatever the schema allows. */
const MAX_ITEMS = 5;

export const oddText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...ODD_TEXTS),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
);

/** @param name of the field or parameter. */
export function fitting(schema: Schema, schemas: Schemas, name = ""): fc.Arbitrary<Json> {
  const referred = referredName(schema);
  if (referred !== undefined) return fitting(schemas[referred]!, schemas, name);
  const parts = schema.anyOf ?? schema.oneOf;
  if (parts !== undefined) return fc.oneof(...parts.map((part) => fitting(part, schemas, name)));
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum as Json[]);
  if (schema.const !== undefined) return fc.constant(schema.const as Json);
  const own = [schema.type].flat().map((type) => ofType(type, schema, schemas, name));
  const examples = [schema.example, schema.default].filter((value) => value !== undefined) as Json[];
  return examples.length === 0 ? fc.oneof(...own) : fc.oneof({ weight: 4, arbitrary: fc.oneof(...own) }, {
    weight: 1,
    arbitrary: fc.constantFrom(...examples),
  });
}

function ofType(type: string | undefined, schema: Schema, schemas: Schemas, name: string): fc.Arbitrary<Json> {
  switch (type) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "integer":
    case "number": {
      const { minimum = -(2 ** 53) + 1, maximum = 2 ** 53 - 1 } = schema;
      return fc.oneof(
        fc.integer({ min: minimum, max: Math.min(maximum, minimum + 10) }),
        fc.maxSafeInteger().map((n) => Math.max(minimum, Math.min(maximum, n))),
      );
    }
    case "array":
      return fc.array(fitting(schema.items ?? {}, schemas, name), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? MAX_ITEMS, MAX_ITEMS),
      });
    case "object":
      return objectOf(schema, schemas);
    default:
      return type === "string" ? textOf(schema, name) : fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>;
  }
}

function objectOf({ properties = {}, required = [] }: Schema, schemas: Schemas): fc.Arbitrary<Json> {
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, field]) => [name, fitting(field, schemas, name)]),
  );
  return fc.record(fields, { requiredKeys: required.filter((name) => name in fields), noNullPrototype: true });
}

function textOf({ format, pattern, minLength = 0, maxLength = 100 }: Schema & { pattern?: string }, name: string) {
  if (format === "date-time") {
    const instant = fc.integer({ min: -400, max: 400 }).map((days) =>
      new Date(Date.parse(TIMES[0]!) + days * DAY_MS).toISOString()
    );
    return fc.oneof(fc.constantFrom(...TIMES), instant);
  }
  if (format === "email") return fc.constantFrom(...ADDRESSES.slice(0, 2));
  const plain = format === "password"
    ? fc.string({ minLength: 8, maxLength: 64 })
    : name === "cidr"
    ? network
    : matching(pattern);
  const text = plain.filter(({ length }) => length >= minLength && length <= maxLength);
  return fc.oneof({ weight: 2, arbitrary: text }, { weight: 3, arbitrary: knownText(name) });
}

const NAMES = ["alice", "new.name", "example.com", "a-b.example.org", "192.0.2.0/24", "2001:db8::/48", ...ADDRESSES];

const network = fc.oneof(
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 33 })).map(([address, bits]) => `${address}/${bits}`),
  fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 129 })).map(([address, bits]) => `${address}/${bits}`),
  fc.ipV4().map((address) => `${address}/32`),
);

function matching(pattern: string | undefined): fc.Arbitrary<string> {
  const words = fc.oneof(fc.constantFrom(...NAMES), fc.domain(), fc.string({ unit: "grapheme", maxLength: 40 }));
  if (pattern === undefined) return words;
  const expression = new RegExp(pattern, "u");
  // What fast-check cannot generate (classes of characters) is found by trying.
  return pattern.includes("\\P") ? words.filter((text) => expression.test(text)) : fc.stringMatching(expression);
}

/** A value that fits but for one place. */
export function nearlyFitting(schema: Schema, schemas: Schemas): fc.Arbitrary<Json> {
  return fc.tuple(fitting(schema, schemas), fc.nat(), oddValue, fc.constantFrom("replace", "leave out", "add"))
    .map(([value, place, odd, how]) => spoilt(value, place, odd, how));
}

export const oddValue: fc.Arbitrary<Json> = fc.oneof(
  oddText,
  fc.constantFrom<Json[]>(null, true, [], {}, [[]], { a: {} }, [null], ...ODD_NUMBERS),
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
);

const isObject = (value: Json): value is Exclude<Json, string | number | boolean | null> =>
  typeof value === "object" && value !== null;

/** Changes one of the fields or items of a value, or of one of those. */
function spoilt(value: Json, place: number, odd: Json, how: string): Json {
  if (!isObject(value) || "known" in value) return odd;
  const names = Object.keys(value);
  if (names.length === 0 || how === "add") {
    return Array.isArray(value) ? [...value, odd] : { ...value as object, [ODD_TEXTS[place % ODD_TEXTS.length]!]: odd };
  }
  const at = names[place % names.length]!, deeper = Math.floor(place / names.length);
  const inner = Reflect.get(value, at) as Json;
  const changed = isObject(inner) && deeper % 2 === 1 ? spoilt(inner, Math.floor(deeper / 2), odd, how) : odd;
  const entries = Object.entries(value).flatMap(([name, each]): [string, Json][] =>
    name !== at ? [[name, each as Json]] : how === "leave out" && changed === odd ? [] : [[name, changed]]
  );
  return Array.isArray(value) ? entries.map(([, each]) => each) : Object.fromEntries(entries);
}
