import { assert, assertEquals, assertMatch } from "@std/assert";
import type { NextHop } from "../../../relay/delivery/next_hop.ts";
import { RETRY_SCHEDULE } from "../../../relay/delivery/retry.ts";
import { NextHopServer, type Script } from "../../support/next_hop_server.ts";
import { within } from "../../support/within.ts";
import { DAY, refuse, START, told, World } from "./world.ts";

Deno.test("delivery: partial success: each recipient its own outcome, and a DSN about the failed one alone", async () => {
  const script: Script = (input) =>
    input.includes("RCPT TO:<gone@")
      ? "550 5.1.1 No such user"
      : input.includes("RCPT TO:<full@")
      ? "452 4.2.2 Full"
      : undefined;
  await using server = await NextHopServer.start({ script });
  await using home = await NextHopServer.start();
  await using world = new World({ "example.net": [server], "example.org": [home] });
  const id = world.send(["gone@example.net", "ok@example.net", "full@example.net"]);
  await home.until(({ received }) => received.length === 1);
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id), ["bounced", "delivered", "queued"]);
  const returned = told(world.queue.events).filter((line) => /^(bounced|returned)/.test(line));
  const [dsn] = home.received;
  assertEquals(returned, [
    "bounced gone@example.net by mx1.example.net, attempt 1: 550 5.1.1 No such user",
    `returned gone@example.net by ${world.queue.outcomes.find(({ dsn }) => dsn)!.dsn!.envelope.id}`,
  ]);
  assertEquals([dsn!.mailFrom, dsn!.recipients], ["", ["me@example.org"]]);
  assertMatch(dsn!.content, /Final-Recipient: rfc822; gone@example\.net\r\nAction: failed\r\nStatus: 5\.1\.1\r\n/);
  assertMatch(dsn!.content, /Subject: hello\r\nFrom: me@example\.org\r\n/);
  assert(!dsn!.content.includes("ok@example.net") && !dsn!.content.includes("Hello."));
});

Deno.test("delivery: all failures of a round, of whatever next hop, are one record with one DSN", async () => {
  await using one = await NextHopServer.start({ script: refuse("RCPT", "550 5.1.1 No such user") });
  await using two = await NextHopServer.start({ script: refuse("content", "554 5.7.1 Spam") });
  const none: NextHop = {
    kind: "permanent",
    code: 556,
    enhanced: "5.1.10",
    text: "domain null.example does not accept mail",
  };
  await using world = new World({ "one.example": [one], "two.example": [two], "null.example": none, "*": [one] });
  const id = world.send(["a@one.example", "b@two.example", "c@null.example"]);
  await world.queue.round(id);
  const [outcome, ...others] = world.queue.outcomes.filter(({ messageId }) => messageId === id);
  assertEquals(others, []);
  assertEquals(outcome!.changes.map(({ state }) => state.status), ["bounced", "bounced", "bounced"]);
  assertEquals(told(outcome!.events).toSorted(), [
    "bounced a@one.example by mx1.one.example, attempt 1: 550 5.1.1 No such user",
    "bounced b@two.example by mx1.two.example, attempt 1: 554 5.7.1 Spam",
    "bounced c@null.example by null, attempt 1: 556 5.1.10 domain null.example does not accept mail",
    `returned ${
      outcome!.changes.map(({ recipient }) => ["a@one.example", "b@two.example", "c@null.example"][recipient]).join()
    } by ${outcome!.dsn!.envelope.id}`,
  ]);
});

Deno.test("delivery: a failure is told of while a silent next hop is waited for, and once", async () => {
  await using server = await NextHopServer.start({ script: refuse("RCPT TO:<gone@", "550 5.1.1 No such user") });
  await using silent = await NextHopServer.start({ script: () => "silence" });
  const schedule = { ...RETRY_SCHEDULE, firstIntervalMs: 20 };
  await using world = new World({ "silent.example": [silent], "*": [server] }, { schedule, closeGraceMs: 0 });
  const id = world.send(["gone@example.net", "bob@silent.example"]);
  await within(server.until(({ received }) => received.length === 1), "the DSN");
  assertEquals(world.queue.statuses(id), ["bounced", "queued"]);
  assertMatch(server.received[0]!.content, /Final-Recipient: rfc822; gone@example\.net\r\n/);
  await world.close();
  assertEquals(world.queue.events.map(({ type }) => type).sort(), ["bounced", "delivered", "returned"]);
});

Deno.test("delivery: expiry after five days, with the last deferral's words and a DSN", async () => {
  await using server = await NextHopServer.start({ script: refuse("RCPT TO:<bob", "450 4.2.0 Not today") });
  await using world = new World({ "*": [server] });
  const id = world.send(["bob@example.net"], { receivedAt: START - 5 * DAY }, 35);
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id), ["expired"]);
  assertEquals(told(world.queue.events.filter(({ messageId }) => messageId === id)), [
    "deferred bob@example.net by mx1.example.net, attempt 36: 450 4.2.0 Not today",
    "expired bob@example.net: 450 4.2.0 Not today",
    `returned bob@example.net by ${world.queue.outcomes[0]!.dsn!.envelope.id}`,
  ]);
  await server.until(({ received }) => received.length === 1);
  assertMatch(server.received[0]!.content, /Status: 4\.4\.7/);
});

Deno.test("delivery: no DSN for the null reverse path, whether it bounces or expires", async () => {
  const script: Script = (input) =>
    input.includes("gone@") ? "550 5.1.1 No" : input.includes("late@") ? "450 4.2.0 Later" : undefined;
  await using server = await NextHopServer.start({ script });
  await using world = new World({ "*": [server] });
  const id = world.send(["gone@example.net", "late@example.net"], { reversePath: "", receivedAt: START - 5 * DAY });
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id), ["bounced", "expired"]);
  assertEquals(world.queue.outcomes.map(({ dsn }) => dsn), [undefined]);
  assertEquals(world.queue.events.map(({ type }) => type), ["bounced", "deferred", "expired"]);
});
