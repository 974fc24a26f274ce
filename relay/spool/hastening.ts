/**
 * Makes messages due that were to wait longer: their destination is back.
 *
 * In small steps, between which the thread is the others'. It is no promise: what a crash interrupts is due at the time
 * that it had.
 */
import type { RecipientState } from "../envelope.ts";
import type { IndexStore } from "./index_store.ts";
import type { Turns } from "./turns.ts";

export interface HasteningParts {
  readonly index: Pick<IndexStore, "dueBehind" | "put" | "transaction">;
  /** Shared with those who pull rows from under each other. */
  readonly turns: Turns;
  readonly now: () => number;
  /** Hears that there may be something due. */
  readonly onProgress: () => void;
}

/** Of a row. */
interface Place {
  readonly dueAt: number;
  readonly id: string;
}

/** Rows of one step: some 10 ms of the thread. */
const STEP_ROWS = 256;
const PAUSE_MS = 20;

export class Hastening {
  #wanted = new Set<string>();
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(private readonly parts: HasteningParts) {}

  /** Recipients of these domains are due now; what is asked for during a pass has the next one. @throws what SQLite throws. */
  run(domains: ReadonlySet<string>): Promise<void> {
    for (const domain of domains) this.#wanted.add(domain);
    return this.#running ??= this.#run().finally(() => this.#running = undefined);
  }

  async #run(): Promise<void> {
    while (this.#wanted.size > 0 && !this.#closed) {
      const domains = this.#wanted;
      this.#wanted = new Set();
      await this.#pass(domains);
    }
  }

  async #pass(domains: ReadonlySet<string>): Promise<void> {
    let from: Place | undefined = { dueAt: this.parts.now(), id: "" };
    while (from !== undefined && !this.#closed) {
      const behind: Place = from;
      from = await this.parts.turns.take(() => Promise.resolve(this.#step(domains, behind)));
      this.parts.onProgress();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  /** Ends behind the present step. */
  close(): void {
    this.#closed = true;
  }

  /** Gives the place of the last row that it has looked at. */
  #step(domains: ReadonlySet<string>, behind: Place): Place | undefined {
    if (this.#closed) return undefined;
    const { index, now } = this.parts;
    const rows = index.dueBehind(behind.dueAt, behind.id, STEP_ROWS), at = now();
    const isMeant = (state: RecipientState, domain: string | undefined) =>
      state.status === "queued" && domain !== undefined && domains.has(domain);
    index.transaction(() => {
      for (const row of rows) {
        if (row.damaged || !row.recipients.some((state, n) => isMeant(state, row.domains[n]))) continue;
        const recipients = row.recipients.map((state, n) =>
          isMeant(state, row.domains[n]) ? { ...state, dueAt: Math.min(state.dueAt, at) } : state
        );
        index.put({ ...row, dueAt: at, recipients });
      }
    });
    const last = rows.at(-1);
    return last && { dueAt: last.dueAt!, id: last.id };
  }
}
