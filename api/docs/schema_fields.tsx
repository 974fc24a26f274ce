/** The fields of a schema as a table: nested ones by their whole path, named schemas as links. */
import type { JSX } from "hono/jsx/jsx-runtime";
import { referredName, type Schema } from "../openapi/document.ts";
import { Prose } from "./prose.tsx";

interface Field {
  readonly name: string;
  readonly schema: Schema;
  readonly required: boolean;
}

export const SchemaFields = ({ schema }: { readonly schema: Schema }): JSX.Element | null => {
  if (schema.allOf !== undefined) return <>{schema.allOf.map((part) => <Part schema={part} />)}</>;
  const fields = fieldsOf(schema, "");
  if (fields.length === 0) return null;
  return (
    <div class="wide" tabindex={0}>
      <table class="fields">
        <tbody>
          {fields.map(({ name, schema, required }) => (
            <tr>
              <th scope="row">
                <code>{name}</code>
                {required ? null : <small>optional</small>}
              </th>
              <td>
                <TypeOf schema={schema} />
                <Prose text={schema.description} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
};

/** Of a schema that is made of others. */
const Part = ({ schema }: { readonly schema: Schema }): JSX.Element =>
  schema.$ref === undefined ? <SchemaFields schema={schema} /> : <p>All of {<TypeOf schema={schema} />}, and:</p>;

/** What a value of it may be, in words. */
export const TypeOf = ({ schema }: { readonly schema: Schema }): JSX.Element => {
  const referred = referredName(schema);
  if (referred !== undefined) return <a href={`#schema-${referred}`}>{referred}</a>;
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) {
    return <>{choices.map((choice, at) => <>{at === 0 ? "" : " or "}{<TypeOf schema={choice} />}</>)}</>;
  }
  if (schema.items !== undefined && typeName(schema) === "array") {
    return <>list of {<TypeOf schema={schema.items} />}</>;
  }
  return <span class="type">{words(schema)}</span>;
};

function fieldsOf(schema: Schema, prefix: string): Field[] {
  if (schema.items !== undefined) return fieldsOf(schema.items, `${prefix}[]`);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    const required = schema.required?.includes(name) ?? false;
    return [{ name: path, schema: field, required }, ...fieldsOf(field, path)];
  });
}

function typeName({ type }: Schema): string | undefined {
  return typeof type === "object" ? type.find((each) => each !== "null") : type;
}

function words(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const nullable = typeof schema.type === "object" && schema.type.includes("null") ? " or null" : "";
  if (schema.enum !== undefined) return `${schema.enum.map((each) => JSON.stringify(each)).join(" | ")}${nullable}`;
  const format = schema.format === undefined ? "" : ` (${schema.format})`;
  return `${typeName(schema) ?? "anything"}${format}${nullable}${bounds(schema)}${defaultOf(schema)}`;
}

function bounds({ minimum, maximum, minLength, maxLength, minItems, maxItems }: Schema): string {
  const range = (least: number | undefined, most: number | undefined, what: string) => {
    // What zod says of any whole number is no bound that somebody set.
    const from = least === -Number.MAX_SAFE_INTEGER ? undefined : least;
    const to = most === Number.MAX_SAFE_INTEGER ? undefined : most;
    if (from !== undefined && to !== undefined) return `, ${from} to ${to}${what}`;
    if (from !== undefined) return `, at least ${from}${what}`;
    return to === undefined ? "" : `, at most ${to}${what}`;
  };
  return range(minimum, maximum, "") + range(minLength, maxLength, " characters") + range(minItems, maxItems, " items");
}

function defaultOf(schema: Schema): string {
  return schema.default === undefined || schema.default === null ? "" : `, otherwise ${JSON.stringify(schema.default)}`;
}
