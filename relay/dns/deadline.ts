/**
 * A time limit as an AbortSignal that ends with its scope, leaves no timer behind and also ends with its parent.
 */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #parent: AbortSignal;
  readonly #end = () => this.#controller.abort();

  /** The signal is aborted after `milliseconds`, or when `parent` is. */
  constructor(milliseconds: number, parent: AbortSignal) {
    this.#parent = parent;
    this.#timer = setTimeout(this.#end, milliseconds);
    if (parent.aborted) this.#end();
    else parent.addEventListener("abort", this.#end, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#parent.removeEventListener("abort", this.#end);
  }
}
