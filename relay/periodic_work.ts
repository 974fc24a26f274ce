/** Has a piece of work done again from time to time, as long as the process runs; one run at a time. */

export interface PeriodicWork {
  /** One run; ends early when `closing` aborts. */
  readonly work: (closing: AbortSignal) => Promise<void>;
  /** Milliseconds between the beginnings of two runs. */
  readonly everyMs: number;
  readonly onTrouble: (error: unknown) => void;
}

/** Begins at once, since the process may have been down for long. Disposing waits for a run to end. */
export function startPeriodicWork({ work, everyMs, onTrouble }: PeriodicWork): AsyncDisposable {
  const closing = new AbortController();
  let running: Promise<void> | undefined;
  const run = () => {
    running ??= work(closing.signal).catch(onTrouble).finally(() => running = undefined);
  };
  run();
  const timer = setInterval(run, everyMs);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      closing.abort();
      await running;
    },
  };
}
