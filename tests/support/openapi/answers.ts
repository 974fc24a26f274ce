/**
 * Holds an answer against the OpenAPI document: its status is declared, its content type too, and its body is what the
 * schema says, with no field that the schema does not name. Trouble of the service's own is never right.
 *
 * The schemas are judged by Ajv, which had no part in making them.
 */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import type { z } from "zod";
import {
  type ApiDocument,
  type Operation,
  referredName,
  type Schema,
  type Schemas,
} from "../../../api/openapi/document.ts";
import { PROBLEM_JSON, PROBLEMS, type problemSchema } from "../../../api/problem.ts";

export interface SeenAnswer {
  readonly status: number;
  /** Without its parameters; null: none. */
  readonly type: string | null;
  readonly text: string;
}

/** RFC 3339 in UTC, as the contract has it. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const DAY = /^\d{4}-\d\d-\d\d$/;

/** @returns what is wrong with an answer; undefined: nothing. */
export type Judge = (operation: Operation, answer: SeenAnswer) => string | undefined;

/** @throws Error where a schema of the document is none. */
export function judgeOf(document: ApiDocument): Judge {
  const ajv = new Ajv2020({
    strict: true,
    strictTypes: false,
    allErrors: true,
    allowUnionTypes: true,
    formats: { "date-time": INSTANT, date: DAY },
  });
  for (const format of ["password", "email", "binary"]) ajv.addFormat(format, true);
  ajv.addKeyword("example");
  const compiled = new Map<Schema, ValidateFunction>();
  const validatorOf = (schema: Schema): ValidateFunction => {
    const known = compiled.get(schema);
    if (known !== undefined) return known;
    const validator = ajv.compile(closed(schema, document.components.schemas));
    compiled.set(schema, validator);
    return validator;
  };
  return (operation, { status, type, text }) => {
    if (status >= 500) return `status ${status}`;
    const declared = operation.responses[status];
    if (declared === undefined) return `status ${status} is not declared`;
    if (declared.content === undefined) {
      return type === null && text === "" ? undefined : `a body where none is declared`;
    }
    const media = type === null ? undefined : declared.content[type];
    if (media === undefined) return `content type ${type} is not declared for ${status}`;
    if (!type!.endsWith("json")) return undefined;
    const body = JSON.parse(text) as unknown;
    const validator = validatorOf(media.schema!);
    if (!validator(body)) return ajv.errorsText(validator.errors, { dataVar: "body" });
    return type === PROBLEM_JSON ? wrongProblem(status, body as Problem) : undefined;
  };
}

type Problem = z.infer<typeof problemSchema>;

/** RFC 9457 3.1 */
function wrongProblem(status: number, body: Problem): string | undefined {
  const name = body.type.replace(/^\/problems\//, "");
  const kind = Object.entries(PROBLEMS).find(([each]) => each === name)?.[1];
  if (kind === undefined) return `there is no problem ${body.type}`;
  if (body.status !== status || kind.status !== status) return `the problem ${name} says ${body.status}`;
  return body.title === "" || body.detail === "" ? `the problem ${name} has no words` : undefined;
}

/** The schema with what it refers to, in which no object has fields that are not named. */
function closed(schema: Schema, schemas: Schemas, isPart = false): Schema {
  const referred = referredName(schema);
  if (referred !== undefined) return closed(schemas[referred]!, schemas, isPart);
  const { properties, items, additionalProperties, allOf, anyOf, ...others } = schema;
  const isOpen = isPart || (properties === undefined && allOf === undefined) || additionalProperties !== undefined;
  return {
    ...others,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, closed(each, schemas)])),
    }),
    ...(items && { items: closed(items, schemas) }),
    ...(additionalProperties !== undefined && {
      additionalProperties: typeof additionalProperties === "boolean"
        ? additionalProperties
        : closed(additionalProperties, schemas),
    }),
    ...(allOf && { allOf: allOf.map((each) => closed(each, schemas, true)) }),
    ...(anyOf && { anyOf: anyOf.map((each) => closed(each, schemas, isPart)) }),
    ...(!isOpen && { unevaluatedProperties: false }),
  };
}
