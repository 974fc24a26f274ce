/**
 * The client's end of a connection without a socket: it plays a dialogue, its octets come in chunks as a test cuts
 * them, and each group is said only when all replies to the one before have come.
 */
import type { SessionConn } from "../../relay/smtp/connection.ts";
import { assertSaid, CLOSE, type Group } from "./session_dialogue.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The octets of what a client says at once. */
export function groupOctets({ client }: Group): Uint8Array {
  return encoder.encode(client.map((line) => `${line}\r\n`).join(""));
}

export class ScriptedConn implements SessionConn {
  /** How often the server wrote. */
  writes = 0;
  closed = false;
  readonly #groups: readonly Group[];
  readonly #cut: (octets: Uint8Array, group: number) => Uint8Array[];
  #turn = 0;
  #chunks: Uint8Array[] = [];
  #written = "";
  #wake: () => void = () => {};

  /** @param cut the chunks in which the octets of the group with this number come. */
  constructor(groups: readonly Group[], cut: (octets: Uint8Array, group: number) => Uint8Array[]) {
    this.#groups = groups;
    this.#cut = cut;
  }

  read(target: Uint8Array): Promise<number | null> {
    if (this.closed) return Promise.reject(new Deno.errors.BadResource());
    if (this.#chunks.length === 0) {
      if (!this.#isAnswered()) return this.#whenAnswered(target);
      this.#finishTurn();
      if (++this.#turn >= this.#groups.length) return Promise.resolve(null);
      this.#chunks = this.#cut(groupOctets(this.#groups[this.#turn]!), this.#turn);
    }
    const chunk = this.#chunks.shift()!;
    const octets = Math.min(chunk.length, target.length);
    target.set(chunk.subarray(0, octets));
    if (octets < chunk.length) this.#chunks.unshift(chunk.subarray(octets));
    return Promise.resolve(octets);
  }

  write(octets: Uint8Array): Promise<number> {
    this.writes++;
    this.#written += decoder.decode(octets);
    if (this.#isAnswered()) this.#wake();
    return Promise.resolve(octets.length);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#wake();
    if (this.#turn < this.#groups.length) this.#finishTurn(CLOSE);
  }

  /** A client that waits for replies says nothing; a server that never gives them is seen by their absence. */
  #isAnswered(): boolean {
    const expected = this.#groups[this.#turn]?.server.filter((line) => line !== CLOSE).length ?? 0;
    return this.#written.split("\r\n").length - 1 >= expected;
  }

  async #whenAnswered(target: Uint8Array): Promise<number | null> {
    await new Promise<void>((resolve) => this.#wake = resolve);
    return await this.read(target);
  }

  /** How many groups had their replies when the connection ended. */
  get turns(): number {
    return this.#turn;
  }

  #finishTurn(...more: string[]): void {
    const lines = this.#written.split("\r\n").slice(0, -1);
    assertSaid([...lines, ...more], this.#groups[this.#turn]!.server, JSON.stringify(this.#groups[this.#turn]!.client));
    this.#written = "";
  }
}
