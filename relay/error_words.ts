/** An error with its causes, in one line, for the log. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`;
}

/** What the first of its causes says: `fetch` says only that it failed. */
export function rootWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? rootWords(error.cause) : error.message;
}
