/**
 * A node's listeners: closed when the operator has the node drain, opened again afterwards, and closed for good at its
 * end. One that cannot be opened again is tried again, and until then the doors count as closed.
 */
import type { SmtpServer } from "./smtp/server.ts";

/**
 * Opens a listener. `closed` aborts when clients are let in by it no longer.
 *
 * @throws what the system says against it.
 */
export type OpenListener = (closed: AbortSignal) => Deno.Listener;

interface Door {
  readonly open: OpenListener;
  readonly tls: boolean;
  /** undefined: it is closed. */
  closing: AbortController | undefined;
}

/** Transactions have so long to end when the operator closes the doors; the queue goes on. */
const GRACE_MS = 30_000;
/** Whoever has a port for a moment has let go of it by then. */
const TRY_AGAIN_MS = 1000;

export class Doors {
  readonly #server: Pick<SmtpServer, "serve" | "pause" | "resume" | "drain">;
  readonly #onTrouble: (error: unknown) => void;
  readonly #all: Door[] = [];
  #state: "open" | "closed" | "ended" = "open";
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(server: Pick<SmtpServer, "serve" | "pause" | "resume" | "drain">, onTrouble: (error: unknown) => void) {
    this.#server = server;
    this.#onTrouble = onTrouble;
  }

  /** Whether clients are let in by all of them. */
  get areOpen(): boolean {
    return this.#state === "open" && this.#all.every(({ closing }) => closing !== undefined);
  }

  /**
   * Lets clients in by one more listener, at once or when the doors are opened. `tls`: it begins with the connection.
   *
   * @throws what the system says against the listener.
   */
  add(open: OpenListener, tls: boolean): void {
    const door: Door = { open, tls, closing: undefined };
    if (this.#state === "open") this.#open(door);
    this.#all.push(door);
  }

  /** A client may stay until the grace is over. */
  close(): void {
    if (this.#state !== "open") return;
    this.#shut("closed");
    this.#server.pause(GRACE_MS).catch(this.#onTrouble);
  }

  open(): void {
    if (this.#state !== "closed") return;
    this.#state = "open";
    this.#server.resume();
    this.#openAll();
  }

  /** Closes for good; resolves when the last client has left, within the grace. */
  async end(graceMs: number): Promise<void> {
    this.#shut("ended");
    await this.#server.drain(graceMs);
  }

  #shut(state: "closed" | "ended"): void {
    this.#state = state;
    clearTimeout(this.#again);
    for (const door of this.#all) {
      door.closing?.abort();
      door.closing = undefined;
    }
  }

  #openAll(): void {
    for (const door of this.#all) {
      try {
        if (door.closing === undefined) this.#open(door);
      } catch (error) {
        this.#onTrouble(error);
      }
    }
    if (!this.areOpen) this.#again = setTimeout(() => this.#openAll(), TRY_AGAIN_MS);
  }

  #open(door: Door): void {
    const closing = new AbortController();
    this.#server.serve(door.open(closing.signal), door.tls);
    door.closing = closing;
  }
}
