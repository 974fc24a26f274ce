/**
 * Runs at most so many jobs at a time, lets so many wait, and turns the rest away: costly work that strangers can ask
 * for never piles up.
 */

/** There is no room to wait. Answered with 503. */
export class QueueFull extends Error {
  constructor() {
    super("too many jobs are waiting");
    this.name = "QueueFull";
  }
}

export interface BoundedQueue {
  /** @throws QueueFull, or what the job throws. */
  run<Result>(job: () => Promise<Result>): Promise<Result>;
}

export const createBoundedQueue = (maxRunning: number, maxWaiting: number): BoundedQueue => {
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    async run(job) {
      if (running >= maxRunning) {
        if (waiting.length >= maxWaiting) throw new QueueFull();
        // Whoever ends hands its place over, so `running` already counts us when we go on.
        await new Promise<void>((resolve) => waiting.push(resolve));
      } else {
        running++;
      }
      try {
        return await job();
      } finally {
        const next = waiting.shift();
        if (next === undefined) running--;
        else next();
      }
    },
  };
};
