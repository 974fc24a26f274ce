/** The stored content of a message, for the one who sends it on: from memory or from its own file. */
import { crc32 } from "node:zlib";
import { BufferPool } from "../buffer_pool.ts";
import { SpoolDamaged } from "./errors.ts";
import type { LargeContent } from "./record.ts";
import type { Content } from "./types.ts";

/**
 * A large content's file is read through these: a buffer of its own for each chunk would be as much garbage as the
 * content, and V8 lets tens of MiB of it stand before it collects. 1 MiB is kept for the next ones.
 */
const chunkBuffers = new BufferPool(64 * 1024, 16);

export class ContentInMemory implements Content {
  constructor(readonly octets: Uint8Array) {}

  get sizeBytes(): number {
    return this.octets.length;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    yield this.octets;
  }
}

/**
 * Content in a file. Its checksum is known only behind the last octet, so a damaged one ends in `SpoolDamaged` before
 * the reader could see its end: what was sent on so far is never completed.
 */
export function contentInFile(path: string, large: LargeContent): Content {
  return {
    sizeBytes: large.sizeBytes,
    async *chunks() {
      using file = await open(path);
      const chunk = chunkBuffers.take();
      try {
        let octetsSeen = 0, checksum = 0;
        while (octetsSeen < large.sizeBytes) {
          const read = await file.read(chunk);
          if (read === null) break;
          octetsSeen += read;
          const octets = chunk.subarray(0, read);
          checksum = crc32(octets, checksum) >>> 0;
          if (octetsSeen >= large.sizeBytes && checksum !== large.crc32) throw new SpoolDamaged(`content in ${path}`);
          yield octets;
        }
        if (octetsSeen !== large.sizeBytes) throw new SpoolDamaged(`${path} is shorter than it was`);
      } finally {
        chunkBuffers.give(chunk);
      }
    },
  };
}

/** @throws {SpoolDamaged} if a large content's file is not there or has another size. */
export async function checkFile(path: string, { sizeBytes }: LargeContent): Promise<void> {
  using file = await open(path);
  if ((await file.stat()).size !== sizeBytes) throw new SpoolDamaged(`${path} has not the size it had`);
}

async function open(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new SpoolDamaged(`${path} is missing`, { cause: error });
    throw error;
  }
}
