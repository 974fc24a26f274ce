import { assertEquals } from "@std/assert";
import { DELIVERY_LIMITS } from "../../../relay/delivery/delivery.ts";
import { NextHopServer, type Script } from "../../support/next_hop_server.ts";
import { asHop, World } from "./world.ts";

/** One connection to a destination, so that messages sent together go over it one after another. */
const ONE_CONNECTION = { pool: { ...DELIVERY_LIMITS.pool, connectionsPerDestination: 1 } };

const greylistFirst: Script = (input) => input.startsWith("RCPT TO:<first@") ? "450 4.2.0 Greylisted" : undefined;
const onlyIfGreylisted: Script = (input) =>
  input.startsWith("RCPT") && !input.includes("<first@") ? "550 5.7.1 Use the primary" : undefined;

Deno.test("backup MX: it had one message, and still the primary is asked first for the next", async () => {
  await using primary = await NextHopServer.start({ script: greylistFirst });
  await using backup = await NextHopServer.start({ script: onlyIfGreylisted });
  await using world = new World({ "*": [primary, backup] }, ONE_CONNECTION);
  // The second waits in line for the connection of the first, the third comes later.
  const [first, second] = [world.send(["first@example.net"]), world.send(["second@example.net"])];
  await world.queue.round(second);
  const third = world.send(["third@example.net"]);
  await world.queue.round(third);
  assertEquals([first, second, third].flatMap((id) => world.queue.statuses(id)), Array(3).fill("delivered"));
  assertEquals(primary.received.flatMap(({ recipients }) => recipients), ["second@example.net", "third@example.net"]);
  assertEquals(backup.transcript.slice(-3), ["C: QUIT", "S: 221 2.0.0 Bye", "(closed)"]);
  // The primary's session is kept as ever: it has served two.
  assertEquals(primary.received.map(({ connection }) => connection), [1, 1]);
});

Deno.test("backup MX: a session with a host that is as good as the first is kept", async () => {
  await using first = await NextHopServer.start({ script: greylistFirst });
  await using second = await NextHopServer.start();
  const hop = asHop("example.net", [first, second]);
  if (hop.kind !== "hosts") throw new Error("no hosts");
  const equal = { ...hop, hosts: hop.hosts.map((host) => ({ ...host, rank: 0 })) };
  await using world = new World({ "*": equal }, ONE_CONNECTION);
  for (const recipient of ["first@example.net", "second@example.net"]) {
    await world.queue.round(world.send([recipient]));
  }
  assertEquals(second.received.map(({ connection }) => connection), [0, 0]);
});

Deno.test("backup MX: while the primary cannot be reached its session serves others too, and not for long", async () => {
  let isUp = false;
  const down: Script = (input) =>
    input === "greeting" && !isUp ? { close: "421 4.3.2 Down for maintenance" } : undefined;
  await using primary = await NextHopServer.start({ script: down });
  await using backup = await NextHopServer.start();
  await using world = new World({ "*": [primary, backup] }, ONE_CONNECTION);
  const send = async () => await world.queue.round(world.send(["bob@example.net"]));
  for (let count = 0; count < 20; count++) await send();
  assertEquals([primary.connections.length, backup.connections.length], [1, 1]);
  isUp = true;
  await send();
  assertEquals([primary.received.length, backup.received.length], [1, 20]);
});
