/**
 * How long a remote server may take, and the watch over all connections that sees to it.
 *
 * The watch is one timer that ticks every second for all connections, instead of one for each command: thousands of
 * commands a second then cost no timers, and a deadline is up to a second late. It counts ticks, not clock time, so a
 * step of the clock or a stalled process makes nobody late.
 */

/** Seconds for each stage. */
export interface StageSeconds {
  readonly connect: number;
  readonly handshake: number;
  readonly greeting: number;
  readonly command: number;
  readonly mail: number;
  readonly rcpt: number;
  readonly data: number;
  readonly block: number;
  readonly end: number;
  readonly quit: number;
}

/** RFC 5321 4.5.3.2 where a clause is named. */
export const STAGE_SECONDS: StageSeconds = {
  // Shorter than a system's own two minutes: the next address may answer.
  connect: 30,
  handshake: 60,
  greeting: 300, // 4.5.3.2.1
  // EHLO, HELO, STARTTLS, RSET: the RFC names none; as for MAIL.
  command: 300,
  mail: 300, // 4.5.3.2.2
  rcpt: 300, // 4.5.3.2.3
  data: 120, // 4.5.3.2.4
  block: 180, // 4.5.3.2.5
  end: 600, // 4.5.3.2.6
  // Nothing depends on the answer to QUIT.
  quit: 5,
};

const TICK_MS = 1000;

/** Something that has to end in time. */
export interface Watched {
  /** The tick at which it expires, from `DeadlineWatch.after`; `NEVER` while nothing is awaited. */
  readonly deadline: number;
  /** Called once or more when the deadline has passed, and by `expireAll`. */
  expire(): void;
}

export const NEVER = Infinity;

/** Calls `tick` every second until the returned function is called. */
export type Ticker = (tick: () => void) => () => void;

const everySecond: Ticker = (tick) => {
  const timer = setInterval(tick, TICK_MS);
  return () => clearInterval(timer);
};

export class DeadlineWatch {
  readonly #ticker: Ticker;
  readonly #watched = new Set<Watched>();
  #ticks = 0;
  #stop: (() => void) | undefined;

  constructor(ticker: Ticker = everySecond) {
    this.#ticker = ticker;
  }

  /** The deadline that is `seconds` away, and never less than that. */
  after(seconds: number): number {
    return this.#ticks + seconds + 1;
  }

  add(watched: Watched): void {
    this.#watched.add(watched);
    this.#stop ??= this.#ticker(() => this.#tick());
  }

  remove(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }

  /** Waits for `work`; when it takes longer than `seconds`, `expire` has to make it fail. */
  async within<T>(seconds: number, expire: () => void, work: () => Promise<T>): Promise<T> {
    const watched = { deadline: this.after(seconds), expire };
    this.add(watched);
    try {
      return await work();
    } finally {
      this.remove(watched);
    }
  }

  /** Ends at once whatever is awaited anywhere. */
  expireAll(): void {
    for (const watched of [...this.#watched]) watched.expire();
  }

  #tick(): void {
    this.#ticks++;
    for (const watched of [...this.#watched]) if (watched.deadline <= this.#ticks) watched.expire();
  }
}
