/** What a backup or a restore tells on its way. */
export interface Progress {
  /** A step begins: "spool shard 0". */
  step(name: string): void;
  /** Of the present step, in octets; `total` may be an estimate. */
  octets(done: number, total: number): void;
}
