/** A node's listeners: closed when the operator has the node drain, and opened again afterwards. */
import type { SmtpServer } from "./smtp/server.ts";

/** Opens a listener. @throws what the system says against it. */
export type OpenListener = () => Deno.Listener;

/** Transactions have so long to end when the operator closes the doors; the queue goes on. */
const GRACE_MS = 30_000;

export class Doors {
  readonly #server: Pick<SmtpServer, "serve" | "pause" | "resume">;
  readonly #all: { readonly open: OpenListener; readonly tls: boolean }[] = [];
  #closed = false;

  constructor(server: Pick<SmtpServer, "serve" | "pause" | "resume">) {
    this.#server = server;
  }

  /** Lets clients in by one more listener, at once or when the doors are opened. `tls`: it begins with the connection. */
  add(open: OpenListener, tls: boolean): void {
    this.#all.push({ open, tls });
    if (!this.#closed) this.#server.serve(open(), tls);
  }

  /** Resolves when the last client has left; a client may stay until the grace is over. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#server.pause(GRACE_MS);
  }

  open(): void {
    this.#closed = false;
    this.#server.resume();
    for (const { open, tls } of this.#all) this.#server.serve(open(), tls);
  }
}
