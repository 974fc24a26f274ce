/**
 * A way to a server on loopback that can come to a halt: connections stay open and new ones are taken, but nothing gets
 * through any more, as when a cable is cut.
 */
const HOST = "127.0.0.1";

export class StallingProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: HOST, port: 0 });
  readonly #conns = new Set<Deno.Conn>();
  readonly #to: number;
  readonly #running: Promise<void>;
  #flowing = Promise.resolve();

  /** @param to a port of loopback. */
  constructor(to: number) {
    this.#to = to;
    this.#running = this.#serve();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** What is on its way waits for ever, what comes later too. */
  stall(): void {
    this.#flowing = new Promise(() => {});
  }

  /** New connections get through; those that were halted do not. */
  resume(): void {
    this.#flowing = Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const conn of this.#conns) close(conn);
    await this.#running;
  }

  async #serve(): Promise<void> {
    for await (const client of this.#listener) {
      const server = await Deno.connect({ hostname: HOST, port: this.#to });
      this.#conns.add(client).add(server);
      this.#pump(client, server);
      this.#pump(server, client);
    }
  }

  async #pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(16_384);
    try {
      for (let octets = await from.read(buffer); octets !== null; octets = await from.read(buffer)) {
        await this.#flowing;
        for (let sent = 0; sent < octets;) sent += await to.write(buffer.subarray(sent, octets));
      }
    } catch (error) {
      // Closed by the other end, or at the end of the test.
      const ends = [
        Deno.errors.BadResource,
        Deno.errors.Interrupted,
        Deno.errors.BrokenPipe,
        Deno.errors.ConnectionReset,
      ];
      if (!ends.some((end) => error instanceof end)) throw error;
    }
    close(from);
    close(to);
  }
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
