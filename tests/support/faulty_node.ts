/**
 * A node's thread for tests: as `relay/worker.ts`, but each node has a name of its own (node-0.test, …), and one that is
 * asked for mail from `CRASH_DOMAIN` ends by an error that nobody catches.
 */
import { monotonicUlid } from "@std/ulid";
import { dispose, getLogger } from "@logtape/logtape";
import { createResolver } from "../../relay/dns/resolver.ts";
import type { Resolver } from "../../relay/dns/types.ts";
import type { ToNode } from "../../relay/workers/messages.ts";
import { runNodeThread, type ThreadScope } from "../../relay/workers/node_thread.ts";

export const CRASH_DOMAIN = "crash.test";

declare const self: ThreadScope;

// The fixture's names are imported by tests as well, where there is no thread.
if ("postMessage" in self) {
  runNodeThread(named(self), {
    createResolver: (servers) => Promise.resolve(crashing(createResolver(servers!))),
    now: () => Date.now(),
    monotonic: () => performance.now(),
    random: Math.random,
    newId: monotonicUlid,
    openLog: () => Promise.resolve(getLogger("test-node")),
    closeLog: dispose,
  });
}

function named(scope: ThreadScope): ThreadScope {
  return {
    postMessage: (message) => scope.postMessage(message),
    addEventListener: (type, listener) =>
      scope.addEventListener(type, ({ data }) => listener(new MessageEvent("message", { data: renamed(data) }))),
  };
}

function renamed(message: ToNode): ToNode {
  if (message.is !== "start") return message;
  const { task } = message;
  return { is: "start", task: { ...task, settings: { ...task.settings, hostname: `node-${task.node}.test` } } };
}

function crashing<R extends Resolver>(resolver: R): R {
  const { mx } = resolver;
  return Object.assign(resolver, {
    mx(name: string) {
      if (name === CRASH_DOMAIN) {
        setTimeout(() => {
          throw new Error("the fault of the test");
        });
      }
      return mx.call(resolver, name);
    },
  });
}
