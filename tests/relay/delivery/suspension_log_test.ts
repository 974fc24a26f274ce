/** What the operator reads of a destination that cannot be reached. */
import { assertEquals, assertMatch } from "@std/assert";
import { configure, type LogRecord } from "@logtape/logtape";
import { NextHopServer } from "../../support/next_hop_server.ts";
import { MINUTE, START, World } from "./world.ts";

Deno.test("delivery: a destination is logged once when it is suspended, with why and until when, and once when it is reached again", async () => {
  const records: LogRecord[] = [];
  await configure({
    sinks: { kept: (record) => records.push(record) },
    loggers: [
      { category: ["mailhop", "delivery"], sinks: ["kept"] },
      { category: ["logtape", "meta"], lowestLevel: "error" },
    ],
  });
  const logged = () => records.filter(({ properties }) => "destination" in properties);
  const gone = await NextHopServer.start();
  const { port } = gone;
  await gone[Symbol.asyncDispose]();
  await using world = new World({ "*": [{ port }] });
  for (let message = 0; message < 5; message++) await world.queue.round(world.send([`r${message}@example.net`]));
  const [suspended, ...others] = logged();
  assertEquals(others, []);
  const { destination, why, nextProbeAt } = suspended!.properties;
  assertEquals([suspended!.level, destination], ["warning", `${port}`]);
  assertMatch(String(why), /could not be reached \(Connection refused\)$/);
  assertEquals(nextProbeAt, new Date(START + 30_000).toISOString());
  await using back = await NextHopServer.start({}, port);
  world.pass(5 * MINUTE);
  await back.until(({ received }) => received.length > 0);
  await world.close();
  assertEquals(logged().map(({ rawMessage }) => rawMessage), [
    "a destination is suspended: its mail waits",
    "a destination is reached again",
  ]);
});
