/** Recipients that nothing is sent to. */
import { assertEquals } from "@std/assert";
import { NextHopServer } from "../../support/next_hop_server.ts";
import { told, World } from "./world.ts";

Deno.test("delivery: a skipped recipient ends at once, whatever it asked for; the others are attempted as ever", async () => {
  await using server = await NextHopServer.start();
  await using world = new World({ "*": [server] });
  const dsn = { notify: ["SUCCESS", "FAILURE"], orcpt: null } as const;
  const id = world.send(["gone@example.net", "ok@example.net", "left@example.org"], {
    skipped: ["it failed", null, "it failed, too"],
    dsnRequest: { ret: null, envid: null, recipients: [dsn, null, dsn] },
  });
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id), ["skipped", "delivered", "skipped"]);
  assertEquals(told(world.queue.events).toSorted(), [
    "delivered ok@example.net by mx1.example.net, attempt 1: 250 2.0.0 Queued",
    "skipped gone@example.net: it failed",
    "skipped left@example.org: it failed, too",
  ]);
  assertEquals(server.received.map(({ recipients }) => recipients), [["ok@example.net"]]);
});

Deno.test("delivery: a message of nothing but skipped recipients ends without a connection", async () => {
  await using server = await NextHopServer.start();
  await using world = new World({ "*": [server] });
  const id = world.send(["gone@example.net"], { skipped: ["it failed"] });
  await world.queue.round(id);
  assertEquals([world.queue.statuses(id), server.connections.length], [["skipped"], 0]);
});
