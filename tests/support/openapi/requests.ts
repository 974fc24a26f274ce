/** Arbitrary requests for the operations of the OpenAPI document: valid ones, nearly valid ones, and nonsense. */
import fc from "fast-check";
import type { ApiDocument, Operation, Parameter, Schemas } from "../../../api/openapi/document.ts";
import { type Known, type KnownText, knownText } from "./known.ts";
import { fitting, type Json, nearlyFitting, oddText, oddValue } from "./values.ts";

export type Caller = "operator" | "manager" | "reader" | "other" | "nobody" | "nonsense";

export interface NamedOperation {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

type Text = string | KnownText;

/** As JSON, so that a counterexample can be read. */
export interface PlannedRequest {
  /** Position in `operationsOf`. */
  readonly operation: number;
  readonly caller: Caller;
  readonly path: Readonly<Record<string, Text>>;
  readonly query: readonly (readonly [name: string, value: Text])[];
  readonly headers: Readonly<Record<string, Text>>;
  /** null: none. */
  readonly body:
    | { readonly type: string; readonly json?: Json; readonly text?: string; readonly octets?: number[] }
    | null;
  /** What passes before it. */
  readonly waitMs: number;
}

export const operationsOf = ({ paths }: ApiDocument): NamedOperation[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation }))
  );

const WAIT_MS = 120_000;
/** More than any request but a module's may have. */
const TOO_LONG = 66_000;

/** Mostly of those who may, for the others do not get far. */
const caller: fc.Arbitrary<Caller> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Caller>("operator") },
  { weight: 4, arbitrary: fc.constantFrom<Caller[]>("manager", "reader", "other") },
  { weight: 1, arbitrary: fc.constantFrom<Caller[]>("nobody", "nonsense") },
);

/** @param modules octets for a body that is no JSON. */
export function arbitraryRequest(document: ApiDocument, modules: readonly Uint8Array[]): fc.Arbitrary<PlannedRequest> {
  const { schemas } = document.components;
  const all = operationsOf(document).map(({ operation: { parameters = [], requestBody } }, n) => {
    const at = (place: string) => parameters.filter((each) => each.in === place);
    return fc.record<PlannedRequest>({
      operation: fc.constant(n),
      caller,
      path: recordOf(at("path"), schemas, 1),
      query: queryOf(at("query"), schemas),
      headers: recordOf(at("header"), schemas, 3),
      body: requestBody === undefined
        ? fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, fc.constant({ type: "text/plain", text: "x" }))
        : bodyOf(requestBody.content, schemas, modules),
      waitMs: fc.nat(WAIT_MS),
    });
  });
  return fc.oneof(...all);
}

/** Texts that are no path of their own: a URL has no place for them. */
const isSegment = (text: Text): boolean => typeof text !== "string" || !/^(\.|%2e|)*$/i.test(text);

/** @param odd in so many cases of ten. */
function parameterOf({ name, schema }: Parameter, schemas: Schemas, odd: number): fc.Arbitrary<Text> {
  const own = fitting(schema, schemas, name).map((value) =>
    typeof value === "object" ? value as KnownText : `${value}`
  );
  return fc.oneof(
    { weight: 10 - odd, arbitrary: schema.type === "string" && schema.enum === undefined ? knownText(name) : own },
    { weight: 3, arbitrary: own },
    { weight: odd, arbitrary: oddText },
  );
}

function recordOf(parameters: readonly Parameter[], schemas: Schemas, odd: number) {
  const fields = Object.fromEntries(
    parameters.map((each) => [
      each.name,
      each.in === "path" ? parameterOf(each, schemas, odd).filter(isSegment) : parameterOf(each, schemas, odd),
    ]),
  );
  const requiredKeys = parameters.filter((each) => each.required === true).map(({ name }) => name);
  return fc.record<Record<string, Text>>(fields, { requiredKeys, noNullPrototype: true }) as fc.Arbitrary<
    Record<string, Text>
  >;
}

const mostly = fc.integer({ min: 0, max: 9 }).map((n) => n > 0);

/** Some of them, now and then twice, now and then one that nobody knows. */
function queryOf(parameters: readonly Parameter[], schemas: Schemas): fc.Arbitrary<[string, Text][]> {
  if (parameters.length === 0) return fc.constant([]);
  const pairs = parameters.map((each) =>
    fc.tuple(fc.constant(each.name), parameterOf(each, schemas, 2)) as fc.Arbitrary<[string, Text]>
  );
  const required = parameters.flatMap((each, n) => each.required === true ? [pairs[n]!] : []);
  const some = fc.array(fc.oneof(...pairs, fc.tuple(fc.constant("nobody-knows"), oddText)), { maxLength: 3 });
  return fc.tuple(fc.tuple(...required), mostly, some)
    .map(([needed, has, more]) => [...(has ? needed : []), ...more] as [string, Text][]);
}

function bodyOf(
  content: NonNullable<Operation["requestBody"]>["content"],
  schemas: Schemas,
  modules: readonly Uint8Array[],
): fc.Arbitrary<PlannedRequest["body"]> {
  const schema = content["application/json"]?.schema;
  const type = "application/json";
  const nonsense = fc.oneof(
    fc.constantFrom("", "{", "[1,", '{"a":1}x', "\0", "null", "\ud800", '{"a":1,"a":2}', '{"__proto__":{"a":1}}')
      .map((text) => ({ type, text })),
    oddText.map((text) => ({ type: "text/plain", text })),
    fc.constant({ type, text: `{"x":"${"y".repeat(TOO_LONG)}"}` }),
    fc.constant(null),
  );
  if (schema === undefined) {
    const octets = fc.oneof(fc.constantFrom(...modules).map((each) => [...each]), fc.array(fc.nat(255)));
    return fc.oneof({ weight: 4, arbitrary: octets.map((octets) => ({ type: Object.keys(content)[0]!, octets })) }, {
      weight: 1,
      arbitrary: nonsense,
    });
  }
  return fc.oneof(
    { weight: 10, arbitrary: fitting(schema, schemas).map((json) => ({ type, json })) },
    { weight: 5, arbitrary: nearlyFitting(schema, schemas).map((json) => ({ type, json })) },
    { weight: 1, arbitrary: oddValue.map((json) => ({ type, json })) },
    { weight: 2, arbitrary: nonsense },
  );
}

/** What is to be sent. A text that no URL or header can hold is left out of it, or has a sign in the place of what cannot. */
export function toRequest(planned: PlannedRequest, { method, path }: NamedOperation, known: Known): Request {
  const resolve = (text: Text, path?: string) => typeof text === "string" ? text : known.find(text, path);
  let resolved = "";
  for (const word of path.split("/").slice(1)) {
    const name = /^\{(\w+)\}$/.exec(word)?.[1];
    const text = name === undefined ? word : resolve(planned.path[name]!, resolved).toWellFormed();
    // As nothing is called: there is none yet.
    resolved += `/${encodeURIComponent(text === "" ? "none" : text)}`;
  }
  const url = new URL(resolved, "http://api.test");
  for (const [name, value] of planned.query) url.searchParams.append(name, resolve(value, resolved));
  const headers = new Headers();
  for (const [name, value] of Object.entries(planned.headers)) {
    const text = resolve(value);
    if (isHeaderValue(text)) headers.set(name, text);
  }
  const { body } = planned;
  if (body === null || method === "GET") return new Request(url, { method, headers });
  headers.set("content-type", body.type);
  const content = body.octets !== undefined
    ? new Uint8Array(body.octets)
    : body.text ?? JSON.stringify(known.resolve(body.json));
  return new Request(url, { method, headers, body: content });
}

const isHeaderValue = (text: string): boolean => /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
