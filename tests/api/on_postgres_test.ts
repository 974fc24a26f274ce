/**
 * Each test of the API that needs a database, once more on PostgreSQL, each in a database of its own, and by requests
 * that come over HTTP.
 */
import { needingPostgres, startPostgres } from "../support/postgres.ts";
import { useHttp } from "./control_plane.ts";
import { useEngine } from "./database.ts";

/** Whoever has a fixture has a database. */
const FIXTURE = /from "[./]+(cli\/)?(control_plane|harness|database)\.ts"/;
/** It has one of its own. */
const OWN_SERVER = /from "[./]+support\/(postgres|redis)\.ts"/;

const all = needingPostgres("the tests of the API, on PostgreSQL");
if (all.ignore) Deno.test({ ...all, fn: () => {} });
else await registerAll();

async function registerAll(): Promise<void> {
  // Ends with this file's thread.
  const postgres = await startPostgres();
  const newDatabase = () => postgres.newDatabase();
  useEngine({ newDatabase, keptDatabase: newDatabase });
  useHttp();
  const original = Deno.test;
  // A failure says on which engine.
  const named = (first: string | Deno.TestDefinition, fn?: Deno.TestDefinition["fn"]) => {
    const definition = { ...typeof first === "string" ? { name: first } : first, ...fn && { fn } };
    return original({ ...definition, name: `${definition.name} (on PostgreSQL, over HTTP)` } as Deno.TestDefinition);
  };
  const registry = Deno as { test: unknown };
  registry.test = named;
  try {
    for (const path of [...testFiles(new URL("./", import.meta.url))].sort()) await import(path);
  } finally {
    registry.test = original;
  }
}

function* testFiles(folder: URL): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const url = new URL(isDirectory ? `${name}/` : name, folder);
    if (isDirectory) yield* testFiles(url);
    else if (name.endsWith("_test.ts")) {
      const text = Deno.readTextFileSync(url);
      if (FIXTURE.test(text) && !OWN_SERVER.test(text)) yield url.href;
    }
  }
}
