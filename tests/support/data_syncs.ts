/** Counts the syncs of files' data, and lets them fail from now on: `using syncs = new DataSyncs()`. */
export class DataSyncs implements Disposable {
  count = 0;
  failing = false;
  readonly #syncData = Deno.FsFile.prototype.syncData;

  constructor() {
    const syncData = this.#syncData,
      pass = () => {
        this.count++;
        return this.failing;
      };
    Deno.FsFile.prototype.syncData = async function () {
      if (pass()) throw new Error("EIO, injected");
      await syncData.call(this);
    };
  }

  [Symbol.dispose](): void {
    Deno.FsFile.prototype.syncData = this.#syncData;
  }
}
