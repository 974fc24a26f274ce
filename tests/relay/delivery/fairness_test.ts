import { assert, assertEquals } from "@std/assert";
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
