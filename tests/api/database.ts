/**
 * The database of a test of the API: in memory, unless the tests run on another engine.
 *
 * Tests do not know on which they run; on_postgres_test.ts runs them all once more.
 */
import { type DatabaseLocation, IN_MEMORY } from "../../api/store/database.ts";

/** Empty but for the newest schema. */
export interface TestDatabase extends AsyncDisposable {
  readonly location: DatabaseLocation;
}

type Engine = () => Promise<TestDatabase>;

let engine: Engine = () => Promise.resolve({ location: IN_MEMORY, [Symbol.asyncDispose]: () => Promise.resolve() });

/** For all tests that this module's importers define. */
export const useEngine = (other: Engine): void => {
  engine = other;
};

export const newDatabase = (): Promise<TestDatabase> => engine();
