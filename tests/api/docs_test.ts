import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  type ApiDocument,
  type Operation,
  referredName,
  type Schema,
  type Schemas,
} from "../../api/openapi/document.ts";
import { PROBLEMS } from "../../api/problem.ts";
import { attributes, texts } from "../support/html.ts";
import { startControlPlane, type TestControlPlane } from "./control_plane.ts";

interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const documentOf = async (api: TestControlPlane): Promise<ApiDocument> =>
  (await api.request("GET", "/v1/openapi.json", undefined, "")).body;

const routesOf = ({ paths }: ApiDocument): Route[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation }))
  );

const pageOf = async ({ app }: TestControlPlane): Promise<string> => await (await app.request("/docs")).text();

Deno.test("OpenAPI: each route has one group, a name of its own, and an example of every JSON body", async () => {
  await using api = await startControlPlane();
  const document = await documentOf(api);
  const groups = document.tags!.map(({ name }) => name);
  const names = new Set<string>();
  for (const { method, path, operation } of routesOf(document)) {
    const route = `${method} ${path}`;
    assert(!operation.tags!.includes("Others"), `${route} is in no group of api/openapi/groups.ts`);
    assertEquals(operation.tags?.filter((tag) => groups.includes(tag)).length, 1, route);
    assert(!names.has(operation.operationId!), route);
    names.add(operation.operationId!);
    const contents = [
      operation.requestBody?.content,
      ...Object.values(operation.responses).map((each) => each.content),
    ];
    for (const content of contents) {
      for (const [type, { schema, example, examples }] of Object.entries(content ?? {})) {
        if (!type.endsWith("json")) continue;
        const all = example === undefined ? Object.values(examples ?? {}).map(({ value }) => value) : [example];
        assert(all.length > 0, `${route}: ${type} has no example`);
        const holes = all.flatMap((each) => leftOut(schema!, each, document.components.schemas));
        assertEquals(holes, [], `${route}: the example of ${type} lacks them`);
      }
    }
  }
});

Deno.test("OpenAPI: each list has its items, and the cursor of the next page or null", async () => {
  await using api = await startControlPlane();
  const { paths, components: { schemas } } = await documentOf(api);
  const lists = routesOf({ paths } as ApiDocument).flatMap(({ method, path, operation }) =>
    Object.entries(operation.responses).flatMap(([status, { content }]) => {
      const schema = content?.["application/json"]?.schema ?? {};
      const { properties = {}, required = [] } = schemas[referredName(schema) ?? ""] ?? schema;
      return "items" in properties ? [{ list: `${method} ${path} ${status}`, required }] : [];
    })
  );
  assert(lists.length > 10);
  assertEquals(lists.filter(({ required }) => !required.includes("next")).map(({ list }) => list), []);
});

/** Paths to the required fields of a schema that an example of it has not. */
const leftOut = (schema: Schema, example: unknown, schemas: Schemas, path = ""): string[] => {
  const referred = referredName(schema);
  if (referred !== undefined) return leftOut(schemas[referred]!, example, schemas, path);
  const parts = (schema.allOf ?? []).flatMap((part) => leftOut(part, example, schemas, path));
  if (Array.isArray(example)) return example.flatMap((each) => leftOut(schema.items ?? {}, each, schemas, `${path}[]`));
  if (typeof example !== "object" || example === null) return parts;
  const missing = (schema.required ?? []).filter((name) => !(name in example)).map((name) => `${path}.${name}`);
  return [
    ...parts,
    ...missing,
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
      leftOut(field, Reflect.get(example, name), schemas, `${path}.${name}`)
    ),
  ];
};

Deno.test("OpenAPI: the example of a request is one that the route takes", async (t) => {
  await using api = await startControlPlane();
  await api.account("alice");
  for (const { method, path, operation } of routesOf(await documentOf(api))) {
    const body = operation.requestBody?.content["application/json"];
    if (body === undefined) continue;
    await t.step(`${method} ${path}`, async () => {
      const url = path.replace("{username}", "alice").replaceAll(/\{\w+\}/g, "x");
      const answer = await api.request(method.toUpperCase(), url, body.example);
      assert(answer.status !== 400, JSON.stringify(answer.body));
    });
  }
});

Deno.test("OpenAPI: problems of the same status are all named", async () => {
  await using api = await startControlPlane();
  const { paths } = await documentOf(api);
  const verify = paths["/v1/accounts/{username}/domains/{domain}/verify"]!.post!;
  const examples = (status: string) =>
    Object.keys(verify.responses[status]!.content!["application/problem+json"]!.examples!);
  assertEquals([examples("409"), examples("422")], [["domain-taken"], ["proof-missing"]]);
  const evaluate = paths["/v1/policy/evaluate"]!.post!.responses["500"]!;
  assertEquals(Object.keys(evaluate.content!["application/problem+json"]!.examples!).length > 0, true);
});

Deno.test("docs: each route, problem and schema of the document can be linked to, and says who may call it", async () => {
  await using api = await startControlPlane();
  const document = await documentOf(api), page = await pageOf(api);
  const ids = attributes(page, "id");
  assertEquals(ids.length, new Set(ids).size);
  for (const { method, path, operation } of routesOf(document)) {
    const section = page.slice(page.indexOf(`id="${operation.operationId}"`)).split("</section>")[0]!;
    assertStringIncludes(section, `<code>${path}</code>`, `${method} ${path}`);
    assertStringIncludes(section, "For: ");
    for (const status of Object.keys(operation.responses)) assertStringIncludes(section, `>${status}</b>`);
  }
  for (const name of Object.keys(PROBLEMS)) assert(ids.includes(`problem-${name}`), name);
  for (const name of Object.keys(document.components.schemas)) assert(ids.includes(`schema-${name}`), name);
});

Deno.test("docs: has a title and one heading, and every link in it leads somewhere", async () => {
  await using api = await startControlPlane();
  const page = await pageOf(api);
  assertEquals([texts(page, "title"), texts(page, "h1")], [["HTTP API – smtp.mailhop.test"], ["HTTP API"]]);
  const ids = attributes(page, "id");
  for (const href of attributes(page, "href")) {
    if (href.startsWith("#")) assert(ids.includes(href.slice(1)), href);
    else assertEquals((await api.app.request(href)).status, 200, href);
  }
});

Deno.test("docs: code in a description is shown as such, and examples name no machine", async () => {
  await using api = await startControlPlane();
  const page = await pageOf(api);
  assertStringIncludes(page, "as <code>RateLimit-Policy</code> says");
  const words = [...texts(page, "p"), ...texts(page, "td"), ...texts(page, "li")];
  assertEquals(words.filter((text) => text.includes("`")), []);
  const [call] = texts(page, "pre");
  assertStringIncludes(call!, " $MAILHOP_API_URL/v1/accounts\n");
  assert(!/https?:/.test(call!), call);
});
