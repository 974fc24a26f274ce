/**
 * Lets the log's next writes or syncs fail, as a disk does: `using disk = new FailingDisk()`.
 *
 * A write that fails has taken half of the octets; a sync that fails leaves what was written to be read.
 */
import { Segments } from "../../relay/spool/segments.ts";

export class FailingDisk implements Disposable {
  /** How many more writes of groups, or syncs, fail. */
  failingWrites = 0;
  failingSyncs = 0;
  /** Syncs of the log that were asked for. */
  syncs = 0;
  readonly #next = Segments.prototype.next;

  constructor() {
    const next = this.#next, watch = (file: Deno.FsFile) => this.#watch(file);
    Segments.prototype.next = async function () {
      const taken = await next.call(this);
      watch(taken.file);
      return taken;
    };
  }

  [Symbol.dispose](): void {
    Segments.prototype.next = this.#next;
  }

  #watch(file: Deno.FsFile): void {
    const write = file.write.bind(file), syncData = file.syncData.bind(file);
    file.write = async (octets) => {
      if (this.failingWrites <= 0) return await write(octets);
      this.failingWrites--;
      await write(octets.subarray(0, octets.length >> 1));
      throw new Error("ENOSPC, injected");
    };
    file.syncData = async () => {
      this.syncs++;
      if (this.failingSyncs <= 0) return await syncData();
      this.failingSyncs--;
      throw new Error("EIO, injected");
    };
  }
}
