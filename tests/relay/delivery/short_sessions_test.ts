/** Servers whose sessions end before all recipients of a message had their turn. */
import { assertEquals } from "@std/assert";
import { NextHopServer, type Script } from "../../support/next_hop_server.ts";
import { MINUTE, refuse, told, World } from "./world.ts";

const ONE_OF_EACH = ["PIPELINING", "LIMITS MAILMAX=1 RCPTMAX=1"];

function recipients(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `user${at}@example.net`);
}

/** It says 421 to a second MAIL, and to a second RCPT that it is one too many. */
function oneOfEach(): Script {
  const greeted = new Set<number>();
  return (input, { number, recipients }) => {
    if (input.startsWith("RCPT") && recipients.length > 1) return "452 4.5.3 One recipient at a time";
    if (!input.startsWith("MAIL")) return undefined;
    if (greeted.has(number)) return { close: "421 4.7.0 Too many messages" };
    greeted.add(number);
    return undefined;
  };
}

Deno.test("short sessions: MAILMAX is kept within a message, and used to the full", async () => {
  await using server = await NextHopServer.start({ extensions: ["PIPELINING", "LIMITS MAILMAX=2 RCPTMAX=1"] });
  await using world = new World({ "*": [server] });
  await world.queue.round(world.send(recipients(1)));
  const id = world.send(recipients(4));
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id), Array(4).fill("delivered"));
  // The first goes over the session that the message before has left open.
  assertEquals(server.received.map(({ connection }) => connection), [0, 0, 1, 1, 2]);
});

for (
  const [name, options] of Object.entries({
    "by its LIMITS": { extensions: ONE_OF_EACH, script: oneOfEach() },
    "by its replies": { script: oneOfEach() },
    "by its replies, step by step": { extensions: [], script: oneOfEach() },
  })
) {
  Deno.test(`short sessions: one recipient and one message in each, ${name}: all are served in one round`, async () => {
    await using server = await NextHopServer.start(options);
    await using world = new World({ "*": [server] });
    const id = world.send(recipients(5));
    await world.queue.round(id);
    assertEquals(world.queue.statuses(id), Array(5).fill("delivered"));
    assertEquals(server.received.map(({ recipients }) => recipients.length), Array(5).fill(1));
  });
}

Deno.test("short sessions: who is deferred in one is not asked again in the next", async () => {
  const script: Script = (input) => input.includes("<user0@") ? "450 4.2.0 Greylisted" : undefined;
  await using server = await NextHopServer.start({ extensions: ONE_OF_EACH, script });
  await using world = new World({ "*": [server] });
  const id = world.send(recipients(3));
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id), ["queued", "delivered", "delivered"]);
  assertEquals(server.transcript.filter((line) => line.startsWith("C: RCPT")), [
    "C: RCPT TO:<user0@example.net>",
    "C: RCPT TO:<user1@example.net>",
    "C: RCPT TO:<user2@example.net>",
  ]);
});

Deno.test("short sessions: after ten of them the rest is deferred, and comes again with the next attempt", async () => {
  await using server = await NextHopServer.start({ extensions: ONE_OF_EACH, script: oneOfEach() });
  await using world = new World({ "*": [server] });
  const id = world.send(recipients(12));
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id), [...Array(10).fill("delivered"), ...Array(2).fill("queued")]);
  assertEquals(
    told(world.queue.events).at(-1),
    "deferred user10@example.net,user11@example.net by mx1.example.net, attempt 1, next in 5 min: " +
      "the session ended before this recipient's turn came",
  );
  world.pass(5 * MINUTE);
  await world.queue.round(id, 2);
  assertEquals([world.queue.statuses(id), server.connections.length], [Array(12).fill("delivered"), 12]);
});

Deno.test("short sessions: where the next one is refused nothing bounces, and the other host is asked", async () => {
  const script: Script = (input, { number }) =>
    input === "greeting" && number > 0 ? { close: "554 5.7.1 Not so soon" } : undefined;
  await using server = await NextHopServer.start({ extensions: ONE_OF_EACH, script });
  await using refusing = await NextHopServer.start({ script: refuse("greeting", "554 5.7.1 No") });
  await using world = new World({ "*": [server, refusing] });
  const id = world.send(recipients(2));
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id), ["delivered", "queued"]);
  assertEquals([server.connections.length, refusing.connections.length], [2, 1]);
});

Deno.test("short sessions: one that ends in trouble is not followed by another", async () => {
  const script: Script = (input) => input.startsWith("RCPT") ? { close: "421 4.3.2 Overloaded" } : undefined;
  await using server = await NextHopServer.start({ extensions: ONE_OF_EACH, script });
  await using world = new World({ "*": [server] });
  await world.queue.round(world.send(recipients(2)));
  assertEquals(server.connections.length, 1);
  assertEquals(told(world.queue.events), [
    "deferred user0@example.net by mx1.example.net, attempt 1, next in 5 min: 421 4.3.2 Overloaded",
    "deferred user1@example.net by mx1.example.net, attempt 1, next in 5 min: " +
    "the session ended before this recipient's turn came",
  ]);
});

Deno.test("short sessions: whose turn did not come is the first the next time", async () => {
  const script: Script = (input) => /^RCPT TO:<full/.test(input) ? "452 4.2.2 Mailbox full" : undefined;
  await using server = await NextHopServer.start({ extensions: ONE_OF_EACH, script });
  await using world = new World({ "*": [server] });
  // As many full mailboxes as there are sessions in a round, and another one behind them.
  const full = Array.from({ length: 10 }, (_, at) => `full${at}@example.net`);
  const id = world.send([...full, "user@example.net"]);
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id).at(-1), "queued");
  world.pass(30 * MINUTE);
  await world.queue.round(id, 2);
  assertEquals(world.queue.statuses(id).at(-1), "delivered");
});
