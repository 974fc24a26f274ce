/**
 * The OpenAPI document as readers and generators of clients want it: what zod-openapi makes of the routes, with a group
 * and a stable name for each, and an example of every JSON body.
 */
import type { Answer, ApiDocument, Content, Operation } from "./document.ts";
import { type ExampleOf, examplesOf } from "./examples.ts";
import { groupOf, READING_ORDER } from "./groups.ts";

export function describedApi(made: ApiDocument): ApiDocument {
  const exampleOf = examplesOf(made.components.schemas);
  const used = new Map<string, string>();
  const paths = mapValues(made.paths, (methods, path) => {
    const { name, description } = groupOf(path);
    used.set(name, description);
    return mapValues(methods, (operation, method) => described(operation, `${method} ${path}`, name, exampleOf));
  });
  const tags = READING_ORDER.flatMap((name) => {
    const description = used.get(name);
    return description === undefined ? [] : [{ name, description }];
  });
  return { ...made, tags, paths };
}

function described(operation: Operation, route: string, tag: string, exampleOf: ExampleOf): Operation {
  const { requestBody, responses } = operation;
  return {
    ...operation,
    operationId: route.replaceAll(/[^a-z0-9]+/gi, "-").replace(/-$/, ""),
    tags: [tag],
    ...(requestBody !== undefined && {
      requestBody: { ...requestBody, content: withExamples(requestBody.content, exampleOf) },
    }),
    responses: mapValues(
      responses,
      (answer): Answer =>
        answer.content === undefined ? answer : { ...answer, content: withExamples(answer.content, exampleOf) },
    ),
  };
}

function withExamples(content: Content, exampleOf: ExampleOf): Content {
  return mapValues(content, (media, type) => {
    const has = media.example !== undefined || media.examples !== undefined;
    if (has || media.schema === undefined || !type.endsWith("json")) return media;
    return { ...media, example: exampleOf(media.schema) };
  });
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  change: (value: From, key: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]));
}
