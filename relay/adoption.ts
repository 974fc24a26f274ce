/**
 * Adopts the spool shards of nodes that are no more, because there are fewer nodes than at an earlier start: what they
 * hold is delivered from where it is, nothing is taken in, and what is empty is removed.
 *
 * One that cannot be opened is left alone and reported: the others, and the node itself, go on.
 */
import { describe } from "./error_words.ts";
import { NO_LEASES } from "./metrics/node_metrics.ts";
import { openShard, type Shard, type ShardOptions } from "./shard.ts";
import { orphanedShards, removeShard, shardDirectory } from "./shard_directories.ts";

export interface AdoptionOptions
  extends Omit<ShardOptions, "directory" | "number" | "onDraining" | "isDraining" | "atEdge"> {
  /** Where the directories of all shards are. */
  readonly spoolDirectory: string;
  /** The number of the node that adopts. */
  readonly node: number;
}

export interface Adoption {
  /** Resolves when the shards are closed; what they still hold stays in them. */
  close(): Promise<void>;
}

/** Resolves when delivery out of all of them has begun. */
export async function adoptShards(options: AdoptionOptions): Promise<Adoption> {
  const { spoolDirectory, node, settings: { workers }, log } = options;
  const adopted = new Map<Shard, Promise<void>>();
  for (const number of await orphanedShards(spoolDirectory, node, workers)) {
    try {
      const directory = shardDirectory(spoolDirectory, number);
      const shard = await openShard({
        ...options,
        directory,
        number: null,
        onDraining: () => {},
        isDraining: () => true,
        atEdge: () => ({ connections: 0, leases: NO_LEASES }),
      });
      log.info("a shard without a node is adopted", { shard: number });
      adopted.set(
        shard,
        end(shard, number).catch((error) => {
          log.error("an adopted shard could not be removed", { shard: number, error: describe(error) });
        }),
      );
    } catch (error) {
      log.error("a shard without a node cannot be opened", { shard: number, error: describe(error) });
    }
  }

  async function end(shard: Shard, number: number): Promise<void> {
    if (!await shard.emptied()) return;
    await shard.sayGone();
    await shard.close();
    await removeShard(spoolDirectory, number);
    log.info("an adopted shard was empty and is removed", { shard: number });
  }

  return {
    async close() {
      await Promise.all([...adopted.keys()].map((shard) => shard.close()));
      await Promise.all(adopted.values());
    },
  };
}
