/** A next hop whose hosts take the connection and say nothing: what that costs the others of its message. */
import { assertEquals } from "@std/assert";
import { nextTurn } from "../../support/spool_on_disk.ts";
import { ManualTicker } from "../../support/manual_ticker.ts";
import { NextHopServer } from "../../support/next_hop_server.ts";
import { asHop, refuse, World } from "./world.ts";

const SECOND = 1000;

Deno.test("delivery: three silent hosts end an attempt, so that the message's other recipients are tried again", async () => {
  const silent = await Promise.all(Array.from({ length: 4 }, () => NextHopServer.start({ script: () => "silence" })));
  await using stack = new AsyncDisposableStack();
  for (const server of silent) stack.use(server);
  await using grey = await NextHopServer.start({ script: refuse("RCPT", "450 4.2.0 Greylisted") });
  const seconds = new ManualTicker();
  const hops = { "silent.example": asHop("silent.example", silent), "*": [grey] };
  await using world = new World(hops, { closeGraceMs: 0 }, { ticker: seconds.ticker });
  const id = world.send(["a@example.net", "b@silent.example"]);
  await world.queue.until(({ outcomes }) => outcomes.length === 1);
  let isOver = false;
  const round = world.queue.round(id).then(() => isOver = true);
  const connections = () => silent.map(({ connections }) => connections.length);
  while (!isOver) {
    world.now += SECOND;
    seconds.pass(1);
    await nextTurn();
  }
  await round;
  assertEquals(connections(), [1, 1, 1, 0]);
});
