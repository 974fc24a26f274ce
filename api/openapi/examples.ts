/** Makes an example of what a schema describes: of the examples that it has, and of the names of its fields. */
import { referredName, type Schema, type Schemas } from "./document.ts";

const ID = "01KAR3J9S0R5Z6W4T2Q8M1N7XC";
const HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const NOON = "2026-11-23T12:00:00Z";
const NOON_MS = 1_795_435_200_000;

/** What stands in a field of this name wherever it comes without an example of its own. */
const BY_NAME: Readonly<Record<string, unknown>> = {
  ...{ username: "alice", account: "alice", password: "correct horse battery", email: "alice@example.com" },
  ...{ sender: "alice@example.com", recipient: "bob@example.net" },
  ...{ accepted: "bob@example.net", address: "bob@example.net", messageId: "<20261123.1@example.com>" },
  ...{
    id: ID,
    dsnId: ID,
    cursor: "eyJ2IjoxfQ",
    next: null,
    node: "mx1",
    selector: "mh20261123r",
    host: "mx.example.net",
  },
  ...{ helo: "laptop.example.com", protocol: "ESMTPSA", tls: "TLSv1.3 TLS_AES_256_GCM_SHA384", tlsVerdict: "verified" },
  ...{ policy: "mta-sts", reply: "250 2.0.0 OK: queued", attempt: 1, sizeBytes: 18_204, relays: 1, price: 1 },
  ...{ limit: 300, used: 17, remaining: 283, ndr: 3, ndrLimit: null, quantity: 2, missedChecks: 0, cleared: 1 },
  ...{ version: 4, own: true, upToDate: true, compared: 1200, left: 0, count: 3, dropped: 0, total: 1200, format: 1 },
  ...{ value: 100, default: 100, isSet: false, least: 1, most: 1000, from: NOON_MS, until: NOON_MS, module: HASH },
  ...{ octets: "AQIDBA==", parameters: 100, label: "backup script", key: "mh_example" },
};
/** Of times, where the name stands for a count elsewhere. */
const BY_FORMAT: Readonly<Record<string, unknown>> = { "date-time": NOON, binary: "(octets)" };

/** Where nothing else says what a field has. */
const BY_TYPE: Readonly<Record<string, unknown>> = { boolean: true, integer: 1, number: 1, string: "…" };

export type ExampleOf = (schema: Schema, name?: string) => unknown;

export function examplesOf(schemas: Schemas): ExampleOf {
  const exampleOf: ExampleOf = (schema, name = "") => {
    const referred = referredName(schema);
    if (referred !== undefined) return exampleOf(schemas[referred]!, name);
    if (schema.example !== undefined) return schema.example;
    if (schema.const !== undefined) return schema.const;
    const choice = [...schema.anyOf ?? [], ...schema.oneOf ?? []].find(({ type }) => type !== "null");
    if (choice !== undefined) return exampleOf(choice, name);
    if (schema.allOf !== undefined) {
      return Object.assign({}, ...schema.allOf.map((part) => exampleOf(part, name)));
    }
    if (schema.enum !== undefined) return schema.enum[0];
    const type = typeof schema.type === "object" ? schema.type.find((each) => each !== "null") : schema.type;
    if (type === "object") return ofObject(schema, exampleOf, name);
    if (type === "array") return schema.items === undefined ? [] : [exampleOf(schema.items, name)];
    if (schema.format !== undefined && schema.format in BY_FORMAT) return BY_FORMAT[schema.format];
    // Of a list, its items have the list's name.
    const named = [name, name.replace(/s$/, "")].find((each) => each in BY_NAME);
    const known = named === undefined ? schema.default ?? BY_TYPE[type ?? ""] : BY_NAME[named];
    return typeof known === "number" ? within(known, schema) : known;
  };
  return exampleOf;
}

function within(value: number, { minimum = -Infinity, maximum = Infinity }: Schema): number {
  return Math.min(Math.max(value, minimum), maximum);
}

function ofObject({ properties, additionalProperties }: Schema, exampleOf: ExampleOf, name: string): unknown {
  if (properties !== undefined) {
    return Object.fromEntries(
      Object.entries(properties).map(([field, schema]) => [field, exampleOf(schema, field)]),
    );
  }
  return typeof additionalProperties === "object" ? { maxRecipients: exampleOf(additionalProperties, name) } : {};
}
