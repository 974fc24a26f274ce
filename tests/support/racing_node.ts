/**
 * A thread that opens and closes connections from one address as fast as it can, counting how many all such threads
 * have open at the same time by a counter of its own kind.
 */
import { ConnectionCounts, type ConnectionTable } from "../../relay/smtp/connection_counts.ts";

/** Enough that threads that start one after another overlap. */
const ROUNDS = 20_000;
const BURST = 30;

interface Task {
  readonly table: ConnectionTable;
  readonly node: number;
  /** Of connections at a time. */
  readonly limit: number;
  /** One word: what all threads have open. */
  readonly held: SharedArrayBuffer;
}

declare const self: {
  onmessage: (event: MessageEvent<Task>) => void;
  postMessage(result: { most: number; admitted: number }): void;
};

self.onmessage = ({ data: { table, node, limit, held } }) => {
  const counts = new ConnectionCounts(table, node);
  const together = new Int32Array(held);
  let most = 0, admitted = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const releases: (() => void)[] = [];
    for (let at = 0; at < BURST; at++) {
      const counted = counts.add("192.0.2.1");
      if (counted.fromAddress > limit) {
        counted.release();
        continue;
      }
      admitted++;
      most = Math.max(most, Atomics.add(together, 0, 1) + 1);
      releases.push(counted.release);
    }
    for (const release of releases) {
      Atomics.sub(together, 0, 1);
      release();
    }
  }
  self.postMessage({ most, admitted });
};
