import { assert, assertEquals } from "@std/assert";
import { startHostileNextHops } from "../../support/hostile_next_hops.ts";
import { ManualTicker } from "../../support/manual_ticker.ts";
import { NextHopServer } from "../../support/next_hop_server.ts";
import { sizeOf } from "../../support/size.ts";
import { World } from "./world.ts";

const HOSTILE_MESSAGES = sizeOf({ ci: 20, large: 500 });
const HEALTHY_MESSAGES = sizeOf({ ci: 100, large: 5000 });
/** A minute at a time, so that each deadline of a stage passes. */
const STEP_SECONDS = 60;
/** Of a destination that takes nothing, two connections; a lost one may still be closing when the next is opened. */
const MOST_OPEN = 4;
/** It answers all that it is asked, so it is given more. */
const MOST_OPEN_IF_POLITE = 20;

/** What a next hop does not end by itself, the deadlines end. */
async function endAll(ids: readonly string[], world: World, seconds: ManualTicker): Promise<void> {
  const pending = new Set(ids);
  while (pending.size > 0) {
    seconds.pass(STEP_SECONDS);
    await new Promise((resolve) => setTimeout(resolve, 0));
    for (const id of world.queue.givenBack.splice(0)) pending.delete(id);
  }
}

Deno.test("hostile next hops: a dozen are bounded, their mail is deferred, and the healthy one's arrives meanwhile", async () => {
  await using hostile = await startHostileNextHops();
  await using healthy = await NextHopServer.start();
  const seconds = new ManualTicker();
  const hops = Object.fromEntries(Array.from(hostile.hops, ([name, hop]) => [`${name}.test`, [hop]]));
  assertEquals(hostile.hops.size, 12);
  await using world = new World({ ...hops, "*": [healthy] }, { closeGraceMs: 0 }, { ticker: seconds.ticker });

  const unwanted = Object.keys(hops).flatMap((domain) =>
    Array.from({ length: HOSTILE_MESSAGES }, () => world.send([`bob@${domain}`]))
  );
  const wanted = Array.from({ length: HEALTHY_MESSAGES }, (_, at) => world.send([`user${at}@example.net`]));
  for (const id of wanted) await world.queue.round(id);
  assertEquals(new Set(healthy.received.flatMap(({ recipients }) => recipients)).size, HEALTHY_MESSAGES);

  await endAll(unwanted, world, seconds);
  for (const id of unwanted) assertEquals(world.queue.statuses(id), ["queued"]);
  for (const [name, { mostOpen }] of hostile.hops) {
    const most = name === "defers-all" ? MOST_OPEN_IF_POLITE : MOST_OPEN;
    assert(mostOpen >= 1 && mostOpen <= most, `${name}: ${mostOpen} open at the same time`);
  }
});

Deno.test("hostile next hops: one that lets no session come about has a few connections, however much mail there is", async () => {
  await using hostile = await startHostileNextHops();
  const seconds = new ManualTicker();
  for (
    const name of [
      "half-open",
      "slow-drip",
      "endless-reply",
      "endless-line",
      "reply-flood",
      "garbage",
      "hangs-up",
      "storm-421",
    ]
  ) {
    const hop = hostile.hops.get(name)!;
    await using world = new World({ "*": [hop] }, { closeGraceMs: 0 }, { ticker: seconds.ticker });
    await endAll(Array.from({ length: HOSTILE_MESSAGES }, () => world.send(["bob@example.net"])), world, seconds);
    assert(hop.connections <= 4, `${name}: ${hop.connections} connections`);
  }
});
