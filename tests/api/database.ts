/**
 * The database of a test of the API: of SQLite, unless the tests run on another engine.
 *
 * Tests do not know on which they run; on_postgres_test.ts runs them all once more.
 */
import { join } from "@std/path";
import { type DatabaseLocation, IN_MEMORY } from "../../api/store/database.ts";

/** Empty but for the newest schema. */
export interface TestDatabase extends AsyncDisposable {
  readonly location: DatabaseLocation;
}

export interface Engine {
  /** For one opening. */
  newDatabase(): Promise<TestDatabase>;
  /** What was written is there when it is opened again, until it is disposed of. */
  keptDatabase(): Promise<TestDatabase>;
}

const onSqlite: Engine = {
  newDatabase: () => Promise.resolve({ location: IN_MEMORY, [Symbol.asyncDispose]: () => Promise.resolve() }),
  async keptDatabase() {
    const directory = await Deno.makeTempDir({ prefix: "mailhop-control-" });
    const remove = () => Deno.remove(directory, { recursive: true });
    return { location: join(directory, "control.db"), [Symbol.asyncDispose]: remove };
  },
};

let engine = onSqlite;

/** A database costs next to nothing there. */
export const isOnSqlite = (): boolean => engine === onSqlite;

/** For all tests that this module's importers define. */
export const useEngine = (other: Engine): void => {
  engine = other;
};

export const newDatabase = (): Promise<TestDatabase> => engine.newDatabase();
export const keptDatabase = (): Promise<TestDatabase> => engine.keptDatabase();
