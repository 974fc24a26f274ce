/** How rows that go into a table together are told apart and put in order. Pure. */

/**
 * Rows in the one order in which they are written, whoever writes them: else two transactions with the same rows could
 * wait for each other.
 */
export const inOneOrder = <Row>(rows: Iterable<Row>, keyOf: (row: Row) => string): Row[] =>
  Array.from(rows, (row) => [keyOf(row), row] as const).sort(([one], [other]) => one < other ? -1 : 1)
    .map(([, row]) => row);

/** What names an account's day in a statement, which may name it once only: names that PostgreSQL keeps as one are one. */
export const accountDay = ({ username, day }: { readonly username: string; readonly day: string }): string =>
  `${day} ${username.toWellFormed()}`;
