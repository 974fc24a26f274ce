/** SQLite takes at most 32,766 parameters in one statement, PostgreSQL 65,535: longer lists of rows go in several. */

/** Rows of a statement: with the widest row of all (11 columns), far below the limit of any engine. */
export const MAX_ROWS = 1000;

export const chunks = <Row>(rows: readonly Row[]): Row[][] =>
  Array.from({ length: Math.ceil(rows.length / MAX_ROWS) }, (_, n) => rows.slice(n * MAX_ROWS, (n + 1) * MAX_ROWS));
