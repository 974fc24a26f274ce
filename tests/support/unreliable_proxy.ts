/**
 * A way to a server on loopback that can be long, and bad: what goes through takes its time, and now and then a
 * connection is cut: before the server has heard a request, or after it has done it and before its answer has got
 * through. And it can come to a halt: connections stay open and new ones are taken, but nothing gets through any more, as
 * when a cable is cut.
 */
import { delay } from "@std/async/delay.js";
import { Draw } from "./draw.ts";

const HOST = "127.0.0.1";

export interface Way {
  /** One way, ms; half of the round trip. */
  readonly latencyMs: number;
  /** Of what comes through at once, in either direction, so many in a thousand end the connection. */
  readonly cutPerMille: number;
  /** And so many in a thousand are held up for up to `holdMs` more. */
  readonly holdPerMille: number;
  readonly holdMs: number;
}

/** Nothing happens on it. */
export const GOOD_WAY: Way = { latencyMs: 0, cutPerMille: 0, holdPerMille: 0, holdMs: 0 };

export class UnreliableProxy implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: HOST, port: 0 });
  readonly #conns = new Set<Deno.Conn>();
  readonly #to: number;
  readonly #way: Way;
  readonly #draw: Draw;
  readonly #running: Promise<void>;
  #cuts = 0;
  #flowing = Promise.resolve();

  /** @param to a port of loopback. */
  constructor(to: number, way: Way = GOOD_WAY, draw: Draw = new Draw(0)) {
    this.#to = to;
    this.#way = way;
    this.#draw = draw;
    this.#running = this.#serve();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Connections that were cut. */
  get cuts(): number {
    return this.#cuts;
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
      try {
        const server = await Deno.connect({ hostname: HOST, port: this.#to });
        this.#conns.add(client).add(server);
        void this.#pump(client, server);
        void this.#pump(server, client);
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
        close(client);
      }
    }
  }

  async #pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const { latencyMs, cutPerMille, holdPerMille, holdMs } = this.#way;
    // What is on its way does not hold up what is read behind it.
    let sent = Promise.resolve();
    try {
      for (;;) {
        const buffer = new Uint8Array(65_536);
        const octets = await from.read(buffer);
        if (octets === null) break;
        if (this.#draw.below(1000) < cutPerMille) {
          this.#cuts++;
          break;
        }
        const held = this.#draw.below(1000) < holdPerMille ? this.#draw.below(holdMs) : 0;
        const arrived = latencyMs + held > 0 ? delay(latencyMs + held) : Promise.resolve();
        const flowing = this.#flowing;
        sent = sent.then(async () => {
          await Promise.all([arrived, flowing]);
          await writeAll(to, buffer.subarray(0, octets));
        });
        sent.catch(() => {});
      }
      await sent;
    } catch {
      // The other end is gone, or the test is over.
    }
    for (const conn of [from, to]) {
      this.#conns.delete(conn);
      close(conn);
    }
  }
}

async function writeAll(conn: Deno.Conn, octets: Uint8Array): Promise<void> {
  for (let sent = 0; sent < octets.length;) sent += await conn.write(octets.subarray(sent));
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
