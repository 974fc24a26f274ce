/** Progress for people: on a terminal one line that moves on, elsewhere a line for each step. */
import type { Progress } from "./progress.ts";

/** A line on a terminal is written anew so often. */
const SHOW_EVERY_MS = 200;
const MIB = 1 << 20;
/** ECMA-48 EL: what an earlier, longer line left behind goes. */
const CLEAR_TO_END = "\x1b[K";

export class ShownProgress implements Progress, Disposable {
  readonly #isTerminal = Deno.stderr.isTerminal();
  #step = "";
  #shownAt = 0;

  step(name: string): void {
    this.#step = name;
    this.#shownAt = 0;
    if (!this.#isTerminal) console.error(`${name} …`);
  }

  octets(done: number, total: number): void {
    if (!this.#isTerminal || performance.now() - this.#shownAt < SHOW_EVERY_MS) return;
    this.#shownAt = performance.now();
    this.#show(`${this.#step}: ${(done / MIB).toFixed(0)} of ${(total / MIB).toFixed(0)} MiB`);
  }

  [Symbol.dispose](): void {
    if (this.#isTerminal) this.#show("");
  }

  #show(text: string): void {
    Deno.stderr.writeSync(new TextEncoder().encode(`\r${text}${CLEAR_TO_END}`));
  }
}
