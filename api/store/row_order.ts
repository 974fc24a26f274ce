/** How rows that go into a table together are told apart and put in order. Pure. */

/**
 * Rows in the one order in which they are written, whoever writes them: else two transactions with the same rows could
 * wait for each other.
 *
 * @param keyed each with what names it, such as the entries of a Map.
 */
export const inOneOrder = <Row>(keyed: Iterable<readonly [string, Row]>): Row[] =>
  [...keyed].sort(([one], [other]) => one < other ? -1 : 1).map(([, row]) => row);

/** What names an account's day in a statement, which may name it once only: names that PostgreSQL keeps as one are one. */
export const accountDay = ({ username, day }: { readonly username: string; readonly day: string }): string =>
  `${day} ${username.toWellFormed()}`;
