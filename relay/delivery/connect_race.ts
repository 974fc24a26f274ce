/**
 * Happy eyeballs (RFC 8305): the addresses of one host are dialled one after another, each with a short head start,
 * and the first that connects is used. One that does not answer, such as those of a broken IPv6, then costs its head
 * start and no more.
 *
 * Bounded by the number of addresses. The clock comes in as a parameter.
 */
import type { Verdict } from "./outcome.ts";

/** RFC 8305 5, the Connection Attempt Delay: recommended are 250 ms. */
export const HEAD_START_MS = 250;

export interface ConnectRace<T> {
  /** null: no address connected. */
  readonly winner: { readonly address: string; readonly connection: T } | null;
  /** The addresses that failed before it was decided, in the order in which they did. */
  readonly failures: readonly { readonly address: string; readonly verdict: Verdict }[];
}

/**
 * @param dial resolves to a verdict when it fails, and soon when `signal` aborts; it does not reject.
 * @param sleep resolves after so many ms, or when `signal` aborts.
 */
export async function connectRace<T extends { close(): void }>(
  addresses: readonly string[],
  dial: (address: string, signal: AbortSignal) => Promise<T | { readonly verdict: Verdict }>,
  sleep: (ms: number, signal: AbortSignal) => Promise<void>,
): Promise<ConnectRace<T>> {
  const decided = new AbortController();
  const won = new Promise<void>((resolve) => decided.signal.addEventListener("abort", () => resolve()));
  const failures: { address: string; verdict: Verdict }[] = [];
  const running: Promise<void>[] = [];
  let winner: ConnectRace<T>["winner"] = null;

  const run = async (address: string): Promise<void> => {
    const result = await dial(address, decided.signal);
    if ("verdict" in result) {
      if (!decided.signal.aborted) failures.push({ address, verdict: result.verdict });
    } else if (winner === null) {
      winner = { address, connection: result };
      decided.abort();
    } else result.close();
  };

  for (const [at, address] of addresses.entries()) {
    const attempt = run(address);
    running.push(attempt);
    if (at === addresses.length - 1) break;
    const waiting = new AbortController();
    await Promise.race([attempt, won, sleep(HEAD_START_MS, waiting.signal)]);
    waiting.abort();
    if (decided.signal.aborted) break;
  }
  await Promise.race([won, Promise.all(running)]);
  decided.abort();
  await Promise.all(running);
  return { winner, failures };
}
