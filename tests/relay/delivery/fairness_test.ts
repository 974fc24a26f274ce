import { assert, assertEquals } from "@std/assert";
import { deadline } from "@std/async/deadline.js";
import { DELIVERY_LIMITS } from "../../../relay/delivery/delivery.ts";
import { NextHopServer } from "../../support/next_hop_server.ts";
import { World } from "./world.ts";

Deno.test("delivery: one account's backlog for a next hop that does not answer delays no other account's message", async () => {
  await using healthy = await NextHopServer.start();
  // It takes connections and never says a word.
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const addresses = () => Promise.resolve({ kind: "addresses" as const, addresses: ["127.0.0.1"] });
  const hosts = [{ name: "silent.test", port: silent.addr.port, addresses }];
  const dead = { kind: "hosts" as const, key: "silent", hosts };
  await using world = new World({ "silent.test": dead, "*": [healthy] }, { messages: 20, closeGraceMs: 0 });
  for (let n = 0; n < 200; n++) world.send([`user${n}@silent.test`], { account: "many" });
  const id = world.send(["friend@example.net"], { account: "few" });
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id), ["delivered"]);
  const taken = [...world.queue.messages.values()].filter(({ taken }) => taken);
  assert(taken.length <= 10, `${taken.length} of one account are in hand`);
});

/** What has to wait for a silent server waits for minutes. */
const PATIENCE_MS = 10_000;
const TWENTY_CONNECTIONS = { pool: { ...DELIVERY_LIMITS.pool, connections: 20 }, closeGraceMs: 0 };

/** Five messages to a hundred domains each, to a server that says nothing; resolves when it has as many as it gets. */
async function sendToSilence(world: World, silent: NextHopServer): Promise<void> {
  for (let n = 0; n < 5; n++) {
    world.send(Array.from({ length: 100 }, (_, at) => `user@${n}.${at}.silent.test`), { account: "many" });
  }
  await silent.until(({ connections }) => connections.length >= 18);
}

/** Each domain below silent.test is a destination of its own. */
function ways(silent: NextHopServer, healthy: NextHopServer) {
  const addresses = () => Promise.resolve({ kind: "addresses" as const, addresses: ["127.0.0.1"] });
  return (domain: string) => {
    const { port } = domain.endsWith(".silent.test") ? silent : healthy;
    return Promise.resolve({ kind: "hosts" as const, key: domain, hosts: [{ name: `mx.${domain}`, port, addresses }] });
  };
}

Deno.test("delivery: one account's mail to many silent servers leaves connections to others", async () => {
  await using healthy = await NextHopServer.start();
  await using silent = await NextHopServer.start({ script: () => "silence" });
  await using world = new World({}, TWENTY_CONNECTIONS, { nextHop: ways(silent, healthy) });
  await sendToSilence(world, silent);
  const id = world.send(["anna@example.net", "ben@example.com", "carl@example.org"], { account: "few" });
  await deadline(world.queue.round(id), PATIENCE_MS);
  assertEquals(world.queue.statuses(id), ["delivered", "delivered", "delivered"]);
  assertEquals(silent.connections.length, 18);
});

Deno.test("delivery: mail to many silent servers leaves connections to where mail was taken", async () => {
  await using healthy = await NextHopServer.start();
  await using silent = await NextHopServer.start({ script: () => "silence" });
  await using world = new World({}, TWENTY_CONNECTIONS, { nextHop: ways(silent, healthy) });
  await world.queue.round(world.send(["anna@example.net"], { account: "many" }));
  // Known or not, it does not depend on a session that is still open.
  healthy.dropConnections();
  await sendToSilence(world, silent);
  const id = world.send(["ben@example.net"], { account: "many" });
  await deadline(world.queue.round(id), PATIENCE_MS);
  assertEquals(world.queue.statuses(id), ["delivered"]);
});
