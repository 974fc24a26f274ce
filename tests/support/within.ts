/** Waits that end: what hangs shall fail a test by its name, and not hold up all others. */

/** Nothing that a test waits for takes that long, but what hangs. */
const DEADLINE_MS = 10_000;

/** @throws {Error} it took longer */
export async function within<T>(awaited: Promise<T>, what: string, deadlineMs = DEADLINE_MS): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took more than ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    return await Promise.race([awaited, over]);
  } finally {
    clearTimeout(timer);
  }
}
