/**
 * The content of a message while it is received.
 *
 * A small message is gathered in memory and goes into the log with its envelope. A large one goes to a file of its
 * own as it comes, so that memory does not grow with it. Nothing of a draft is seen by delivery before it is accepted.
 */
import { join } from "@std/path";
import { crc32 } from "node:zlib";
import { BufferPool } from "../buffer_pool.ts";
import { syncDirectory, writeAll } from "./segments.ts";
import type { LargeContent } from "./record.ts";

/** Up to here a message is kept in memory and written with its group: a quarter of the log's largest group. */
const MAX_SMALL_OCTETS = 256 * 1024;

/**
 * Octets of a large content that go to the disk together. The sync of a small message waits for what is before it, so
 * that one customer's 45 MB would make the 250s of all others late: beside such uploads 4 KiB waited 45 to 76 ms at p99,
 * with this 23 to 34; ten of them at once take up to a fifth longer.
 */
const SYNC_OCTETS = 4 << 20;

/**
 * A small content is gathered in the smallest of these that holds it, so that many who send little, or slowly, take little;
 * of each size about 1 MiB is kept for the next ones.
 */
const GATHERING = [
  new BufferPool(16 * 1024, 64),
  new BufferPool(64 * 1024, 16),
  new BufferPool(MAX_SMALL_OCTETS, 4),
];
const NOTHING = new Uint8Array(0);

export class Draft {
  readonly #directory: string;
  readonly #name: string;
  readonly #expectedOctets: number;
  /** From `#pool`, until it is given back. */
  #buffer: Uint8Array = NOTHING;
  #pool: BufferPool | undefined;
  #length = 0;
  #file: Deno.FsFile | undefined;
  /** The last write to the file. */
  #writing: Promise<void> = Promise.resolve();
  #fileOctets = 0;
  #crc32 = 0;
  /** Given up: what still comes is not kept. */
  #discarded = false;

  /**
   * @param name of the file in the directory, where the content goes when it is large.
   * @param expectedOctets a hint: how large it will probably be.
   */
  constructor(directory: string, name: string, expectedOctets: number) {
    this.#directory = directory;
    this.#name = name;
    this.#expectedOctets = expectedOctets;
  }

  /** Whether the content has its own file. */
  get large(): boolean {
    return this.#file !== undefined;
  }

  /**
   * Adds octets. They are copied, or written before the promise resolves; a promise asks the caller to wait.
   * It rejects with the file system's error.
   *
   * @param more a hint: so many octets come at once behind these.
   */
  write(octets: Uint8Array, more = 0): void | Promise<void> {
    if (this.#discarded) return;
    if (this.#file === undefined && this.#length + octets.length <= MAX_SMALL_OCTETS) {
      if (this.#length + octets.length > this.#buffer.length) this.#grow(this.#length + octets.length + more);
      this.#buffer.set(octets, this.#length);
      this.#length += octets.length;
      return;
    }
    return this.#writing = this.#writeToFile(octets);
  }

  /** The first octets, as far as they were kept in memory: all of a small message. */
  head(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** All of a small content, in memory of its own; nothing is left of the draft. */
  take(): Uint8Array {
    const content = this.head().slice();
    this.#release();
    return content;
  }

  /** Makes a large content's file durable. */
  async sync(): Promise<LargeContent> {
    if (this.#file === undefined) throw new TypeError("only a large content has a file");
    await this.#file.sync();
    await syncDirectory(this.#directory);
    this.#file.close();
    this.#release();
    return { sizeBytes: this.#fileOctets, crc32: this.#crc32 };
  }

  /** Removes what was written; for a draft that is not accepted. */
  async discard(): Promise<void> {
    this.#discarded = true;
    // What is on its way to the disk comes first; whoever wrote it hears of its trouble.
    await this.#writing.catch(() => {});
    this.#release();
    if (this.#file === undefined) return;
    try {
      this.#file.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error; // closed by a sync that came before
    }
    await Deno.remove(this.#path);
  }

  get #path(): string {
    return join(this.#directory, this.#name);
  }

  async #writeToFile(octets: Uint8Array): Promise<void> {
    if (this.#file === undefined) {
      this.#file = await Deno.open(this.#path, { createNew: true, write: true, mode: 0o600 });
      await this.#append(this.head());
    }
    await this.#append(octets);
  }

  async #append(octets: Uint8Array): Promise<void> {
    await writeAll(this.#file!, octets);
    const fullParts = Math.floor(this.#fileOctets / SYNC_OCTETS);
    this.#fileOctets += octets.length;
    this.#crc32 = crc32(octets, this.#crc32) >>> 0;
    if (Math.floor(this.#fileOctets / SYNC_OCTETS) > fullParts) await this.#file!.syncData();
  }

  #grow(needed: number): void {
    const wanted = Math.min(Math.max(needed, this.#expectedOctets), MAX_SMALL_OCTETS);
    const pool = GATHERING.find(({ octets }) => octets >= wanted)!;
    const larger = pool.take();
    larger.set(this.head());
    this.#pool?.give(this.#buffer);
    this.#pool = pool;
    this.#buffer = larger;
  }

  #release(): void {
    this.#pool?.give(this.#buffer);
    this.#pool = undefined;
    this.#buffer = NOTHING;
    this.#length = 0;
  }
}
