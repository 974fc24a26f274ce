/** A socket of node:net, or of node:tls, in the shape of a `Deno.Conn`; what is not read stays with the system. */
import type { Socket } from "node:net";
import type { OctetStream } from "./reply_channel.ts";

export class SocketStream implements OctetStream {
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#chunks = socket[Symbol.asyncIterator]();
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.nextChunk();
      if (done) return null;
      this.#rest = value;
    }
    const octets = Math.min(into.length, this.#rest.length);
    into.set(this.#rest.subarray(0, octets));
    this.#rest = this.#rest.subarray(octets);
    return octets;
  }

  write(octets: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#socket.write(octets, (error) => error ? reject(error) : resolve(octets.length))
    );
  }

  close(): void {
    this.#socket.destroy();
  }

  protected nextChunk(): Promise<IteratorResult<Uint8Array>> {
    return this.#chunks.next();
  }
}
