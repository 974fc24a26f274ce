/** One route: what it does, who may call it, what it takes, and each answer with an example. */
import type { JSX } from "hono/jsx/jsx-runtime";
import type { Answer, Content, MediaType, NamedExample, Operation, Parameter } from "../openapi/document.ts";
import { PROBLEM_JSON } from "../problem.ts";
import { Prose } from "./prose.tsx";
import { SchemaFields, TypeOf } from "./schema_fields.tsx";

export interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const CALLERS: Readonly<Record<string, string>> = {
  "anyone": "anyone, without a token.",
  "operator": "the operator.",
  "read": "the operator, and the account's own keys that may read.",
  "manage": "the operator, and the account's own keys that may manage.",
  "read own": "the operator, and keys that may read: they see their account's own only.",
};

export const RouteSection = ({ method, path, operation }: Route): JSX.Element => {
  const answers = Object.entries(operation.responses);
  const parameters = operation.parameters ?? [];
  return (
    <section class="route" id={operation.operationId}>
      <h3>
        <a href={`#${operation.operationId}`}>
          <span class={`method ${method}`}>{method.toUpperCase()}</span> <code>{path}</code>
        </a>
      </h3>
      <p>{operation.summary}.</p>
      <p class="quiet">For: {callersOf(operation)}</p>
      {parameters.length > 0 && <Parameters parameters={parameters} />}
      {operation.requestBody !== undefined && (
        <>
          <h4>Body</h4>
          <Body content={operation.requestBody.content} />
        </>
      )}
      <h4>Answers</h4>
      {answers.map(([status, answer]) => {
        const problems = Object.entries(answer.content?.[PROBLEM_JSON]?.examples ?? {});
        return problems.length > 0
          ? problems.map(([name, problem]) => <Problem status={status} name={name} problem={problem} />)
          : <Success status={status} answer={answer} />;
      })}
    </section>
  );
};

export function callersOf(operation: Operation): string {
  const declared = operation["x-access"] ?? (operation.security?.length === 0 ? "anyone" : "operator");
  return CALLERS[declared] ?? declared;
}

const Parameters = ({ parameters }: { readonly parameters: readonly Parameter[] }): JSX.Element => (
  <>
    <h4>Parameters</h4>
    <div class="wide" tabindex={0}>
      <table class="fields">
        <tbody>
          {parameters.map((parameter) => (
            <tr>
              <th scope="row">
                <code>{parameter.name}</code>
                <small>{parameter.in}{parameter.required ? "" : ", optional"}</small>
              </th>
              <td>
                <TypeOf schema={parameter.schema} />
                <Prose text={parameter.description ?? parameter.schema.description} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  </>
);

const Success = ({ status, answer }: { readonly status: string; readonly answer: Answer }): JSX.Element => (
  <>
    <p>
      <b class={status.startsWith("2") ? "good" : "bad"}>{status}</b> {answer.description}
    </p>
    <Body content={answer.content ?? {}} />
  </>
);

interface ProblemProps {
  readonly status: string;
  readonly name: string;
  readonly problem: NamedExample;
}

const Problem = ({ status, name, problem }: ProblemProps): JSX.Element => (
  <details>
    <summary>
      <b class="bad">{status}</b> {name}: {problem.summary}
    </summary>
    <Json value={problem.value} />
  </details>
);

const Body = ({ content }: { readonly content: Content }): JSX.Element => (
  <>
    {Object.entries(content).map(([type, media]) => (
      <>
        {type === "application/json" ? null : <p class="quiet">{type}</p>}
        {media.schema !== undefined && <SchemaFields schema={media.schema} />}
        <Reference media={media} />
        {media.example === undefined ? null : (
          <details>
            <summary>Example</summary>
            <Json value={media.example} />
          </details>
        )}
      </>
    ))}
  </>
);

/** A named schema is described once, at the end of the page. */
const Reference = ({ media: { schema } }: { readonly media: MediaType }): JSX.Element | null =>
  schema?.$ref === undefined ? null : <p class="quiet">See {<TypeOf schema={schema} />}.</p>;

const Json = ({ value }: { readonly value: unknown }): JSX.Element => (
  <pre tabindex={0}><code>{JSON.stringify(value, null, 2)}</code></pre>
);
