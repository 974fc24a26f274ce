/**
 * Counts what a spool asks of its disk, and lets one of the calls fail, or all from one on: `using faults = new
 * DiskFaults()`. File calls are those through `Deno.FsFile` and `Deno.open`; those of the index are its statements that
 * write, and its sync.
 */
import { IndexStore } from "../../relay/spool/index_store.ts";

/** `full`: half is written, then no more; `broken`: nothing is; `short`: half is written, which is no error. */
export type Fault = "full" | "broken" | "short";

const WRITES = ["put", "delete", "transaction", "putOutbox", "deleteOutbox", "sync"] as const;

export class DiskFaults implements Disposable {
  /** Calls so far. */
  files = 0;
  /** Of these, syncs of a file's data. */
  dataSyncs = 0;
  statements = 0;
  /** The call that fails, counted from 1. */
  failingFile = 0;
  failingStatement = 0;
  fault: Fault = "broken";
  /** Whether all later ones fail, too. */
  lasting = false;
  /** Whether a call has failed. */
  struck = false;
  readonly #restore = new DisposableStack();

  constructor() {
    this.#watchFiles();
    for (const name of WRITES) this.#watchStatement(name);
  }

  /** The disk is well from now on. */
  heal(): void {
    this.failingFile = this.failingStatement = 0;
  }

  [Symbol.dispose](): void {
    this.#restore.dispose();
  }

  #watchFiles(): void {
    const { prototype } = Deno.FsFile;
    const { write, sync, syncData } = prototype;
    const { open } = Deno;
    this.#restore.defer(() => Object.assign(prototype, { write, sync, syncData }));
    this.#restore.defer(() => Object.assign(Deno, { open }));
    const strikesFile = () => this.#strikes(++this.files, this.failingFile);
    const fault = () => this.fault;
    prototype.write = async function (octets) {
      if (!strikesFile()) return await write.call(this, octets);
      if (fault() === "broken") throw new Error("EIO, injected");
      const written = await write.call(this, octets.subarray(0, octets.length >> 1));
      if (fault() === "full") throw new Error("ENOSPC, injected");
      return written;
    };
    const failing = async (call: () => Promise<void>) => {
      if (strikesFile()) throw new Error("EIO, injected");
      await call();
    };
    prototype.sync = function () {
      return failing(() => sync.call(this));
    };
    const syncsData = () => this.dataSyncs++;
    prototype.syncData = function () {
      syncsData();
      return failing(() => syncData.call(this));
    };
    Deno.open = async (path, options) => {
      if (options?.createNew && strikesFile()) throw new Error("ENOSPC, injected");
      return await open(path, options);
    };
  }

  #watchStatement(name: typeof WRITES[number]): void {
    const { prototype } = IndexStore;
    const call = prototype[name] as (...args: unknown[]) => unknown;
    this.#restore.defer(() => Object.assign(prototype, { [name]: call }));
    const strikes = () => this.#strikes(++this.statements, this.failingStatement);
    Object.assign(prototype, {
      [name](this: IndexStore, ...args: unknown[]) {
        if (strikes()) throw new Error("database or disk is full, injected");
        return call.apply(this, args);
      },
    });
  }

  #strikes(call: number, failing: number): boolean {
    if (failing === 0 || (this.lasting ? call < failing : call !== failing)) return false;
    return this.struck = true;
  }
}
