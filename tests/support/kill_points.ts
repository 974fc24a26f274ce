/**
 * The named points of a message's path through the spool: a process may be told to die at one of them, and to leave out
 * a sync. Both are for processes that tests start; the spool itself knows nothing of it.
 */
import { IndexStore } from "../../relay/spool/index_store.ts";
import { Log } from "../../relay/spool/log.ts";
import { Segments } from "../../relay/spool/segments.ts";

type Method = (this: unknown, ...args: unknown[]) => unknown;
interface Point {
  readonly of: object;
  readonly method: string;
  readonly when: "before" | "after";
}

const file = Deno.FsFile.prototype;

export const KILL_POINTS: Readonly<Record<string, Point>> = {
  "group written, not synced": { of: file, method: "syncData", when: "before" },
  "group synced, not answered": { of: file, method: "syncData", when: "after" },
  "file or directory about to be synced": { of: file, method: "sync", when: "before" },
  "file or directory synced": { of: file, method: "sync", when: "after" },
  "record handed to the log": { of: Log.prototype, method: "append", when: "after" },
  "next segment wanted": { of: Segments.prototype, method: "next", when: "before" },
  "next segment taken": { of: Segments.prototype, method: "next", when: "after" },
  "segment about to be used again": { of: Segments.prototype, method: "recycle", when: "before" },
  "segment free": { of: Segments.prototype, method: "recycle", when: "after" },
  "row about to be written": { of: IndexStore.prototype, method: "put", when: "before" },
  "row written": { of: IndexStore.prototype, method: "put", when: "after" },
  "row deleted": { of: IndexStore.prototype, method: "delete", when: "after" },
  "checkpoint about to be written": { of: IndexStore.prototype, method: "transaction", when: "before" },
  "checkpoint written, not synced": { of: IndexStore.prototype, method: "transaction", when: "after" },
  "checkpoint synced": { of: IndexStore.prototype, method: "sync", when: "after" },
  "segment looked through for compaction": { of: IndexStore.prototype, method: "inSegment", when: "after" },
};

/** Ends this process as kill -9 does when it comes to a point for the n-th time. */
export function dieAt(name: string, times: number): void {
  const { of, method, when } = KILL_POINTS[name]!;
  let left = times;
  const pass = () => {
    if (--left === 0) Deno.kill(Deno.pid, "SIGKILL");
  };
  replace(of, method, (original) =>
    function (...args) {
      if (when === "before") pass();
      const result = original.apply(this, args);
      if (when === "before") return result;
      if (!(result instanceof Promise)) return pass(), result;
      return result.then((value) => (pass(), value));
    });
}

/** From now on this kind of sync does nothing. */
export function leaveOut(sync: "syncData" | "sync"): void {
  replace(file, sync, () => () => Promise.resolve());
}

function replace(of: object, method: string, make: (original: Method) => Method): void {
  const methods = of as Record<string, Method>;
  methods[method] = make(methods[method]!);
}
