/**
 * Queries of the hottest path that are built and compiled once, and then only run.
 *
 * To build and compile a query of Kysely takes about 20 µs of CPU, to run it on SQLite 3 to 10; a reservation is nine of
 * them, and a call with one takes 250 µs instead of 430 (tests/bench/control_plane_calls.ts).
 * So a query is built with marks in the places of its arguments, its text and the order of the marks are kept, and what
 * runs is that text with the arguments in their places. The text must not depend on the arguments' values; it does on the
 * length of a list, which therefore is made up to one of a few lengths by repeating its last value: good for "in (…)".
 */
import { type Compilable, CompiledQuery, type Kysely } from "kysely";
import { usesPostgres } from "./dialect.ts";
import type { Database } from "./schema.ts";

type Value = string | number | Uint8Array | null;
/** A list has at least one value. */
type Argument = Value | readonly Value[];

/** Lengths of lists go up by this factor: 1, 4, 16, 64, 256. */
const LENGTH_STEP = 4;

/** Stands for an argument, or for one value of a list, while the query is built. */
class Mark {
  constructor(readonly argument: number, readonly at: number | null) {}
}

/** @param build called for each new shape of the arguments, with marks instead of their values. */
export const remembered = <Arguments extends readonly Argument[], Row>(
  build: (db: Kysely<Database>, ...values: Arguments) => Compilable<Row>,
): (db: Kysely<Database>, ...values: Arguments) => Promise<Row[]> => {
  const known = new Map<string, CompiledQuery>();
  return async (db, ...values) => {
    const whole = values.map((value) => isList(value) ? madeUp(value) : value);
    const shape = `${usesPostgres(db)}${whole.map((value) => isList(value) ? ` ${value.length}` : "")}`;
    let query = known.get(shape);
    if (query === undefined) {
      const marks = whole.map((value, n) => isList(value) ? value.map((_, at) => new Mark(n, at)) : new Mark(n, null));
      query = build(db, ...marks as unknown as Arguments).compile();
      known.set(shape, query);
    }
    const parameters = query.parameters.map((parameter) =>
      parameter instanceof Mark ? valueAt(whole, parameter) : parameter
    );
    return (await db.executeQuery<Row>(CompiledQuery.raw(query.sql, parameters))).rows;
  };
};

const isList = (value: Argument): value is readonly Value[] => Array.isArray(value);

const valueAt = (values: readonly Argument[], { argument, at }: Mark): Value => {
  const value = values[argument]!;
  return at === null ? value as Value : (value as readonly Value[])[at]!;
};

const madeUp = (list: readonly Value[]): readonly Value[] => {
  let length = 1;
  while (length < list.length) length *= LENGTH_STEP;
  return length === list.length ? list : [...list, ...Array(length - list.length).fill(list.at(-1)!)];
};
