/** The API's own page, made from its OpenAPI document: nothing is said here that the document does not say. */
import type { JSX } from "hono/jsx/jsx-runtime";
import type { ApiDocument } from "../openapi/document.ts";
import { PROBLEMS } from "../problem.ts";
import { type Route, RouteSection } from "./operation.tsx";
import { Prose } from "./prose.tsx";
import { SchemaFields } from "./schema_fields.tsx";

export const DocsPage = ({ document }: { readonly document: ApiDocument }): JSX.Element => {
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Route => ({ method, path, operation }))
  );
  const groups = (document.tags ?? []).map((tag) => ({
    ...tag,
    id: tag.name.toLowerCase().replaceAll(" ", "-"),
    routes: routes.filter(({ operation }) => operation.tags?.includes(tag.name)),
  }));
  return (
    <>
      <h1>HTTP API</h1>
      <Prose text={document.info.description} />
      <p>
        For programs: <a href="/v1/openapi.json">the OpenAPI 3.1 document</a>.
      </p>
      <h2 id="calling">Calling it</h2>
      <pre tabindex={0}><code>{CALL}</code></pre>
      <p>
        <code>MAILHOP_API_URL</code> is the address of this page without{" "}
        <code>/docs</code>. The operator's token is kept in the service's data directory. Lists come in pages:{" "}
        <code>next</code> of one is <code>cursor</code> of the following one, and null on the last.
      </p>
      <nav aria-label="Routes">
        <h2 id="routes">Routes</h2>
        {groups.map(({ name, id, routes }) => (
          <>
            <h3>
              <a href={`#${id}`}>{name}</a>
            </h3>
            <ul class="routes">
              {routes.map(({ method, path, operation }) => (
                <li>
                  <a href={`#${operation.operationId}`}>
                    <span class={`method ${method}`}>{method.toUpperCase()}</span> <code>{path}</code>
                  </a>
                  <small>{operation.summary}</small>
                </li>
              ))}
            </ul>
          </>
        ))}
      </nav>
      <h2 id="problems">Problems</h2>
      <p>
        A request that is not done is answered with <code>application/problem+json</code>, and <code>type</code>{" "}
        names the problem. Any route may answer body-too-large and internal.
      </p>
      <Problems routes={routes} />
      {groups.map(({ name, id, description, routes }) => (
        <>
          <h2 id={id}>{name}</h2>
          <Prose text={description} />
          {routes.map((route) => <RouteSection {...route} />)}
        </>
      ))}
      <h2 id="schemas">Schemas</h2>
      {Object.entries(document.components.schemas).map(([name, schema]) => (
        <>
          <h3 id={`schema-${name}`}>{name}</h3>
          <Prose text={schema.description} />
          <SchemaFields schema={schema} />
        </>
      ))}
    </>
  );
};

const CALL = `curl -H "Authorization: Bearer $MAILHOP_API_TOKEN" $MAILHOP_API_URL/v1/accounts
curl -H "Authorization: Bearer $MAILHOP_API_TOKEN" -H "Content-Type: application/json" \\
  -d '{"quantity":2}' $MAILHOP_API_URL/v1/accounts/alice/blocks`;

const Problems = ({ routes }: { readonly routes: readonly Route[] }): JSX.Element => {
  const answering = (problem: string) =>
    routes.filter(({ operation }) =>
      Object.values(operation.responses).some(({ content = {} }) =>
        Object.values(content).some(({ examples = {} }) => problem in examples)
      )
    );
  return (
    <div class="wide" tabindex={0}>
      <table class="fields">
        <tbody>
          {Object.entries(PROBLEMS).map(([name, { status, title }]) => (
            <tr>
              <th scope="row">
                <code id={`problem-${name}`}>/problems/{name}</code>
              </th>
              <td>
                <b class="bad">{status}</b> {title}
                <Who count={answering(name).length} of={routes.length} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
};

const Who = ({ count, of }: { readonly count: number; readonly of: number }): JSX.Element | null =>
  count === 0 ? null : <small>{count === 1 ? "one route" : `${count} of ${of} routes`}</small>;
