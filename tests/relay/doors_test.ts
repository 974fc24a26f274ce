import { assertEquals, assertThrows } from "@std/assert";
import { delay } from "@std/async/delay.js";
import { Doors } from "../../relay/doors.ts";

/** A server that only remembers what it was told. */
class Server {
  readonly served: boolean[] = [];
  readonly told: string[] = [];
  serve = (_: Deno.Listener, tls: boolean) => void this.served.push(tls);
  pause = () => Promise.resolve(void this.told.push("pause"));
  resume = () => void this.told.push("resume");
  drain = () => Promise.resolve(void this.told.push("drain"));
}

/** Doors that cannot be opened so many times from now on. */
function doorsOf(server: Server) {
  const troubles: unknown[] = [];
  const doors = new Doors(server, (error) => troubles.push(error));
  const port = { failures: 0 };
  /** Of each listener that was opened. */
  const closed: AbortSignal[] = [];
  const open = (signal: AbortSignal) => {
    if (port.failures-- > 0) throw new Deno.errors.AddrInUse("taken");
    closed.push(signal);
    return {} as Deno.Listener;
  };
  return { doors, open, port, troubles, closed };
}

Deno.test("doors: opened at once, closed, opened again", () => {
  const server = new Server();
  const { doors, open } = doorsOf(server);
  doors.add(open, false);
  doors.add(open, true);
  assertEquals([server.served, doors.areOpen], [[false, true], true]);
  doors.close();
  doors.close();
  assertEquals([server.told, doors.areOpen], [["pause"], false]);
  doors.open();
  assertEquals([server.told, server.served.length, doors.areOpen], [["pause", "resume"], 4, true]);
});

Deno.test("doors: whoever opens a listener hears that it is closed", async () => {
  const { doors, open, closed } = doorsOf(new Server());
  const closings = () => closed.map(({ aborted }) => aborted);
  doors.add(open, false);
  assertEquals(closings(), [false]);
  doors.close();
  assertEquals(closings(), [true]);
  doors.open();
  assertEquals(closings(), [true, false]);
  await doors.end(10);
  assertEquals(closings(), [true, true]);
});

Deno.test("doors: what is added while they are closed is opened with the others", () => {
  const server = new Server();
  const { doors, open } = doorsOf(server);
  doors.close();
  doors.add(open, false);
  assertEquals(server.served, []);
  doors.open();
  assertEquals([server.served, doors.areOpen], [[false], true]);
});

Deno.test("doors: a listener that cannot be had at the start is the caller's trouble", () => {
  const { doors, open, port } = doorsOf(new Server());
  port.failures = 1;
  assertThrows(() => doors.add(open, false), Deno.errors.AddrInUse);
});

Deno.test("doors: one that cannot be opened again is tried again, and meanwhile they are not open", async () => {
  const server = new Server();
  const { doors, open, port, troubles } = doorsOf(server);
  doors.add(open, false);
  doors.add(open, true);
  doors.close();
  port.failures = 1;
  doors.open();
  assertEquals([doors.areOpen, troubles.length, server.served.length], [false, 1, 3]);
  while (!doors.areOpen) await delay(20);
  assertEquals([troubles.length, server.served.length], [1, 4]);
});

Deno.test("doors: at the end they are closed for good, whatever the operator wants then", async () => {
  const server = new Server();
  const { doors, open } = doorsOf(server);
  doors.add(open, false);
  doors.close();
  const ending = doors.end(10);
  doors.open();
  doors.close();
  await ending;
  assertEquals([server.told, server.served.length, doors.areOpen], [["pause", "drain"], 1, false]);
});
