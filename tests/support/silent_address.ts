/**
 * A port that does not answer, as behind a firewall that drops packets: its system's queue of connections that nobody
 * accepts is full, so SYNs are passed over in silence. Linux.
 */

/** The queue has some hundred places (net.core.somaxconn, and what Deno asks for). */
const MOST_CONNECTIONS = 5000;
/** On loopback a connection takes far less than that, or never comes. */
const FULL_AFTER_MS = 300;

export class SilentAddress implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #filling: Deno.TcpConn[] = [];

  private constructor(hostname: string) {
    this.#listener = Deno.listen({ hostname, port: 0 });
  }

  static async listen(hostname: string): Promise<SilentAddress> {
    const silent = new SilentAddress(hostname);
    while (await silent.#fill(hostname));
    return silent;
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const conn of this.#filling) conn.close();
    this.#listener.close();
    return Promise.resolve();
  }

  /** @returns whether there was still room. */
  async #fill(hostname: string): Promise<boolean> {
    if (this.#filling.length === MOST_CONNECTIONS) throw new Error("the queue of connections does not fill");
    const full = new AbortController();
    const timer = setTimeout(() => full.abort(), FULL_AFTER_MS);
    try {
      this.#filling.push(await Deno.connect({ hostname, port: this.port, signal: full.signal }));
      return true;
    } catch (error) {
      if (!full.signal.aborted) throw error;
      return false;
    } finally {
      clearTimeout(timer);
    }
  }
}
