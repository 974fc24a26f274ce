/**
 * The composition root of a node's thread: a Deno Worker that the main thread starts, one for each node.
 *
 * It loads nothing of the control plane but the type of its client.
 */
import { dispose } from "@logtape/logtape";
import { monotonicUlid } from "@std/ulid";
import { createResolver } from "./dns/resolver.ts";
import { systemNameServers } from "./dns/resolv_conf.ts";
import { openLog } from "./logging.ts";
import { runNodeThread, type ThreadScope } from "./workers/node_thread.ts";

declare const self: ThreadScope;

runNodeThread(self, {
  createResolver: async (servers) => createResolver(servers ?? await systemNameServers()),
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: Math.random,
  newId: monotonicUlid,
  openLog,
  closeLog: dispose,
});
