/**
 * Where the spool shards of a process are: a directory for each node, named by its number, from 0.
 *
 * The directory of a shard that is over and done with is renamed before it is removed: a crash in between must not
 * leave a log without the index that says what of it has ended.
 */
import { join } from "@std/path";
import { syncDirectory } from "./spool/segments.ts";

/** A shard's directory has its number for a name. */
export const SHARD = /^(0|[1-9]\d{0,5})$/;
const REMOVED = /^\d+\.removed$/;

export function shardDirectory(spoolDirectory: string, shard: number): string {
  return join(spoolDirectory, `${shard}`);
}

/**
 * Shards whose nodes are no more, as far as node `node` of `nodes` is to adopt them: each is for one node. What is left
 * of removed ones is cleared away.
 */
export async function orphanedShards(spoolDirectory: string, node: number, nodes: number): Promise<number[]> {
  const orphans: number[] = [];
  for await (const { name } of Deno.readDir(spoolDirectory)) {
    const shard = parseInt(name);
    if (!(shard >= nodes) || shard % nodes !== node) continue;
    if (SHARD.test(name)) orphans.push(shard);
    else if (REMOVED.test(name)) await Deno.remove(join(spoolDirectory, name), { recursive: true });
  }
  return orphans.sort((one, other) => one - other);
}

/** Of a shard that is empty and closed. */
export async function removeShard(spoolDirectory: string, shard: number): Promise<void> {
  const directory = shardDirectory(spoolDirectory, shard);
  const removed = `${directory}.removed`;
  await Deno.rename(directory, removed);
  await syncDirectory(spoolDirectory);
  await Deno.remove(removed, { recursive: true });
}
