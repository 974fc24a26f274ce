import { assert, assertEquals, assertMatch } from "@std/assert";
import type { AttemptEvent } from "../../../api/client.ts";
import { DELIVERY_LIMITS } from "../../../relay/delivery/delivery.ts";
import { NextHopServer, type Script } from "../../support/next_hop_server.ts";
import { SELF_SIGNED } from "../../support/self_signed.ts";
import { asHop, attemptIn, DAY, MINUTE, refuse, START, TEXT, told, World } from "./world.ts";

Deno.test("delivery: ten messages to one next hop share one connection, one after another", async () => {
  await using server = await NextHopServer.start();
  await using world = new World({ "*": [server] }, { pool: { ...DELIVERY_LIMITS.pool, connectionsPerDestination: 1 } });
  const ids = Array.from({ length: 10 }, () => world.send(["bob@example.net"]));
  for (const id of ids) await world.queue.round(id);
  assertEquals([server.received.length, server.connections.length], [10, 1]);
  assertEquals(server.received[0]!.content, TEXT);
  assertEquals(ids.flatMap((id) => world.queue.statuses(id)), Array(10).fill("delivered"));
});

Deno.test("delivery: many messages use as many connections as are allowed, and each arrives once", async () => {
  await using server = await NextHopServer.start();
  await using world = new World({ "*": [server] }, { pool: { ...DELIVERY_LIMITS.pool, connectionsPerDestination: 5 } });
  const ids = Array.from({ length: 500 }, (_, at) => world.send([`user${at}@example.net`]));
  for (const id of ids) await world.queue.round(id);
  assertEquals(new Set(server.received.map(({ recipients }) => recipients.join())).size, 500);
  assertEquals([server.received.length, server.connections.length], [500, 5]);
});

Deno.test("delivery: the event of a delivery has host, address, TLS and the server's own words", async () => {
  await using server = await NextHopServer.start({
    tls: SELF_SIGNED,
    script: refuse("content", "250 2.0.0 Queued as 42"),
  });
  await using world = new World({ "*": [server] });
  const id = world.send(["bob@example.net", "carol@example.net"]);
  await world.queue.round(id);
  const event = attemptIn(world.queue.events);
  assertMatch(event.tls ?? "", /^TLSv1\.3 /);
  const { tls: _, ...rest } = event;
  assertEquals(rest, {
    id: "id-1",
    messageId: id,
    account: "alice",
    at: START,
    type: "delivered",
    recipients: ["bob@example.net", "carol@example.net"],
    host: "mx1.example.net",
    address: "127.0.0.1",
    reply: "250 2.0.0 Queued as 42",
    attempt: 1,
    nextAttemptAt: null,
  });
  assertEquals(server.received.length, 1);
});

Deno.test("delivery: deferred, then delivered at the next attempt five minutes later", async () => {
  await using server = await NextHopServer.start({ script: refuse("RCPT", "450 4.2.0 Greylisted") });
  await using world = new World({ "*": [server] });
  const id = world.send(["bob@example.net"]);
  await world.queue.round(id);
  server.script = () => undefined;
  world.pass(5 * MINUTE - 1);
  assertEquals(world.queue.givenBack.length, 1);
  world.pass(1);
  await world.queue.round(id, 2);
  assertEquals(told(world.queue.events), [
    "deferred bob@example.net by mx1.example.net, attempt 1, next in 5 min: 450 4.2.0 Greylisted",
    "delivered bob@example.net by mx1.example.net, attempt 2: 250 2.0.0 Queued",
  ]);
});

Deno.test("delivery: hosts are tried in order until one takes it", async () => {
  await using first = await NextHopServer.start({ script: () => ({ close: "421 4.3.2 Busy" }) });
  await using second = await NextHopServer.start({ script: refuse("RCPT", "451 4.3.0 Trouble") });
  await using third = await NextHopServer.start();
  await using fourth = await NextHopServer.start();
  await using world = new World({ "*": [first, second, third, fourth] });
  const id = world.send(["bob@example.net"]);
  await world.queue.round(id);
  assertEquals(told(world.queue.events), [
    "deferred bob@example.net by mx1.example.net, attempt 1: 421 4.3.2 Busy",
    "deferred bob@example.net by mx2.example.net, attempt 1: 451 4.3.0 Trouble",
    "delivered bob@example.net by mx3.example.net, attempt 1: 250 2.0.0 Queued",
  ]);
  assertEquals([first, second, third, fourth].map(({ connections }) => connections.length), [1, 1, 1, 0]);
});

Deno.test("delivery: a permanent refusal by the first host settles; the second is not asked", async () => {
  await using first = await NextHopServer.start({ script: refuse("RCPT", "550 5.1.1 No such user") });
  await using second = await NextHopServer.start();
  await using world = new World({ "*": [first, second], "example.org": [second] });
  const id = world.send(["bob@example.net"]);
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id), ["bounced"]);
  assertEquals(second.received.filter(({ recipients }) => recipients.includes("bob@example.net")), []);
});

Deno.test("delivery: the connection is lost behind the final dot: deferred at once, no other host asked", async () => {
  await using first = await NextHopServer.start({
    script: (input) => input === "content" ? { close: null } : undefined,
  });
  await using second = await NextHopServer.start();
  await using world = new World({ "*": [first, second] });
  const id = world.send(["bob@example.net"]);
  await world.queue.round(id);
  assertEquals([world.queue.statuses(id), second.connections.length], [["queued"], 0]);
});

Deno.test("delivery: a kept connection that the server has closed is no attempt; a new one delivers", async () => {
  await using server = await NextHopServer.start();
  await using world = new World({ "*": [server] });
  await world.queue.round(world.send(["bob@example.net"]));
  let first = true;
  server.script = (input) => {
    if (!input.startsWith("MAIL") || !first) return undefined;
    first = false;
    return { close: "421 4.4.2 Idle too long" };
  };
  const id = world.send(["bob@example.net"]);
  await world.queue.round(id);
  assertEquals(
    told(world.queue.events).at(-1),
    "delivered bob@example.net by mx1.example.net, attempt 1: 250 2.0.0 Queued",
  );
  assertEquals(server.connections.length, 2);
});

Deno.test("delivery: kept connections under TLS that a restarting server has dropped are replaced", async () => {
  await using server = await NextHopServer.start({ tls: SELF_SIGNED });
  await using world = new World({ "*": [server] });
  for (let time = 0; time < 3; time++) {
    const id = world.send(["bob@example.net"]);
    await world.queue.round(id);
    assertEquals(world.queue.statuses(id), ["delivered"]);
    server.dropConnections();
  }
  assertEquals(server.received.map(({ tls }) => tls), [true, true, true]);
  assertEquals(world.queue.events.every((event) => "attempt" in event && event.attempt === 1), true);
});

Deno.test("delivery: 250 recipients in transactions of 100; a server with RCPTMAX gets no more than that", async () => {
  const recipients = Array.from({ length: 250 }, (_, at) => `user${at}@example.net`);
  for (
    const [extensions, sizes] of [[["PIPELINING"], [100, 100, 50]], [["LIMITS RCPTMAX=120"], [100, 100, 50]], [
      ["PIPELINING", "LIMITS RCPTMAX=80"],
      [80, 80, 80, 10],
    ]] as const
  ) {
    await using server = await NextHopServer.start({ extensions });
    await using world = new World({ "*": [server] });
    await world.queue.round(world.send(recipients));
    assertEquals(server.received.map(({ recipients }) => recipients.length), [...sizes]);
    assertEquals(server.connections.length, 1);
  }
});

Deno.test("delivery: a server that takes three recipients at a time gets them all in one round", async () => {
  const script: Script = (input, { recipients }) =>
    input.startsWith("RCPT") && recipients.length > 3 ? "452 4.5.3 Too many recipients" : undefined;
  await using server = await NextHopServer.start({ script });
  await using world = new World({ "*": [server] });
  const id = world.send(Array.from({ length: 8 }, (_, at) => `user${at}@example.net`));
  await world.queue.round(id);
  assertEquals(server.received.map(({ recipients }) => recipients.length), [3, 3, 2]);
  assertEquals(world.queue.statuses(id), Array(8).fill("delivered"));
});

Deno.test("delivery: trouble in the DNS defers; the words say what was asked", async () => {
  const text = "DNS lookup of example.net failed: SERVFAIL";
  await using world = new World({ "*": { kind: "deferred", code: 451, enhanced: "4.4.3", text } });
  const id = world.send(["bob@example.net"]);
  await world.queue.round(id);
  assertEquals(told(world.queue.events), [
    `deferred bob@example.net by null, attempt 1, next in 5 min: 451 4.4.3 ${text}`,
  ]);
});

Deno.test("delivery: an outcome that cannot be recorded is recorded later, and the message is not sent again", async () => {
  await using server = await NextHopServer.start();
  await using world = new World({ "*": [server] }, { recordRetryMs: 1 });
  world.queue.failingRecords = 3;
  const id = world.send(["bob@example.net"]);
  await world.queue.round(id);
  assertEquals([server.received.length, world.queue.failingRecords, world.queue.statuses(id)], [1, 0, ["delivered"]]);
});

Deno.test("delivery: content that cannot be read defers, and says nothing of a next hop", async () => {
  await using server = await NextHopServer.start();
  await using world = new World({ "*": [server] });
  const damaged = {
    sizeBytes: 10,
    // deno-lint-ignore require-yield -- it fails before
    async *chunks(): AsyncGenerator<Uint8Array> {
      throw new Error("checksum");
    },
  };
  const id = world.send(["bob@example.net"], {}, 0, damaged);
  await world.queue.round(id);
  assertEquals([world.queue.statuses(id), server.received], [["queued"], []]);
  const event = attemptIn(world.queue.events);
  assertEquals([event.host, event.reply], [null, "the relay has a passing trouble of its own"]);
});

Deno.test("delivery: content that cannot be read on the way defers those who are not served; nobody has it twice", async () => {
  await using server = await NextHopServer.start({ extensions: ["PIPELINING", "LIMITS RCPTMAX=1"] });
  await using world = new World({ "*": [server] });
  const text = new TextEncoder().encode(TEXT);
  let reads = 0;
  const failing = {
    sizeBytes: text.length,
    async *chunks() {
      if (++reads === 2) throw new Error("too many open files");
      yield await Promise.resolve(text);
    },
  };
  const id = world.send(["anna@example.net", "ben@example.net"], {}, 0, failing);
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id), ["delivered", "queued"]);
  world.pass(5 * MINUTE);
  await world.queue.round(id, 2);
  assertEquals(server.received.map(({ recipients }) => recipients), [["anna@example.net"], ["ben@example.net"]]);
  assertEquals(told(world.queue.events), [
    "delivered anna@example.net by mx1.example.net, attempt 1: 250 2.0.0 Queued",
    "deferred ben@example.net by null, attempt 1, next in 5 min: the relay has a passing trouble of its own",
    "delivered ben@example.net by mx1.example.net, attempt 2: 250 2.0.0 Queued",
  ]);
});

Deno.test("delivery: where the server lacks SMTPUTF8, only the recipients that need it fail", async () => {
  await using server = await NextHopServer.start();
  await using world = new World({ "*": [server] });
  const id = world.send(["anna@example.net", "jürgen@example.net"], { smtputf8: true });
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id), ["delivered", "bounced"]);
  assertEquals(server.transcript.filter((line) => /^C: (MAIL|RCPT)/.test(line)).slice(0, 2), [
    `C: MAIL FROM:<me@example.org> SIZE=${TEXT.length}`,
    "C: RCPT TO:<anna@example.net>",
  ]);
  assertEquals(told(world.queue.events).filter((line) => line.startsWith("bounced")), [
    "bounced jürgen@example.net by mx1.example.net, attempt 1: " +
    "the recipient's server cannot take messages with international (UTF-8) addresses or headers",
  ]);
});

Deno.test("delivery: a header or a sender beyond ASCII fails for all recipients where the server lacks SMTPUTF8", async () => {
  await using server = await NextHopServer.start();
  await using other = await NextHopServer.start({ extensions: ["SMTPUTF8", "8BITMIME"] });
  await using world = new World({ "other.example": [other], "*": [server] });
  const header = new TextEncoder().encode("Subject: grüße\r\n\r\nHello.\r\n");
  for (const [facts, content] of [[{ smtputf8: true }, header], [{ reversePath: "jürgen@example.org" }]] as const) {
    const id = world.send(["anna@example.net", "ben@example.net", "carl@other.example"], facts, 0, content);
    await world.queue.round(id);
    assertEquals(world.queue.statuses(id), ["bounced", "bounced", "delivered"]);
  }
  assertEquals(server.received.filter(({ mailFrom }) => mailFrom !== ""), []);
  assertMatch(other.transcript.find((line) => line.startsWith("C: MAIL"))!, / SMTPUTF8$/);
});

Deno.test("delivery: a silent server holds up its own mail only", async () => {
  await using silent = await NextHopServer.start({ script: () => "silence" });
  await using healthy = await NextHopServer.start();
  await using world = new World({ "silent.example": [silent], "*": [healthy] }, { closeGraceMs: 0 });
  for (let at = 0; at < 100; at++) world.send([`user${at}@silent.example`]);
  const ids = Array.from({ length: 100 }, (_, at) => world.send([`user${at}@example.net`]));
  for (const id of ids) await world.queue.round(id);
  assertEquals(healthy.received.length, 100);
  assertEquals(silent.connections.length <= 20, true);
});

/** One message on the only connection, two in the line, and none that was sent for a minute. */
async function longLineBefore(silent: NextHopServer): Promise<World> {
  const pool = { ...DELIVERY_LIMITS.pool, connectionsPerDestination: 1, waitingPerDestination: 2 };
  const world = new World({ "*": [silent] }, { pool, closeGraceMs: 0 });
  for (let at = 0; at < 3; at++) world.send(["bob@example.net"]);
  await silent.until(({ connections }) => connections.length === 1);
  world.pass(MINUTE);
  return world;
}

Deno.test("delivery: mail for a line that stands still is put off, without an attempt and without an event", async () => {
  await using silent = await NextHopServer.start({ script: () => "silence" });
  await using world = await longLineBefore(silent);
  const id = world.send(["bob@example.net"]);
  await world.queue.round(id);
  // Two in the line at no message a minute: two minutes, and with the random of this test three quarters of that.
  const dueAt = world.now + 1.5 * MINUTE;
  assertEquals(world.queue.messages.get(id)!.recipients, [{
    status: "queued",
    attempts: 0,
    dueAt,
    lastReply: null,
    delayReported: false,
  }]);
  assertEquals(world.queue.events, []);
});

Deno.test("delivery: mail that waits in a line: its sender is told after four hours and after five days, to the minute", async () => {
  await using silent = await NextHopServer.start({ script: () => "silence" });
  await using world = await longLineBefore(silent);
  const accepted = world.now;
  // Anna's sender does not want to hear of a delay.
  const dsnRequest = { ret: null, envid: null, recipients: [{ notify: ["FAILURE"], orcpt: null }, null] } as const;
  const id = world.send(["anna@example.net", "ben@example.net"], { dsnRequest }, 5);
  await world.queue.round(id);
  let rounds = 1;
  while (world.queue.statuses(id).includes("queued")) {
    const waiting = world.queue.messages.get(id)!.recipients.filter(({ status }) => status === "queued");
    world.pass(Math.min(...waiting.map(({ dueAt }) => dueAt)) - world.now);
    await world.queue.round(id, ++rounds);
  }
  const told = world.queue.events.filter(({ messageId }) => messageId === id).map((event) => {
    const { type, at, recipients, nextAttemptAt } = event as AttemptEvent;
    const next = nextAttemptAt ? `, next in ${(nextAttemptAt - at) / MINUTE} min` : "";
    return `${(at - accepted) / MINUTE} min: ${type} ${recipients}${next}`;
  });
  const days = 5 * DAY / MINUTE;
  assertEquals(told, [
    "240 min: deferred ben@example.net, next in 5 min",
    "240 min: returned ben@example.net",
    `${days} min: deferred anna@example.net`,
    `${days} min: deferred ben@example.net`,
    `${days} min: expired anna@example.net,ben@example.net`,
    `${days} min: returned anna@example.net,ben@example.net`,
  ]);
});

Deno.test("delivery: a host without an address leaves the others their chance; where none has one, it bounces", async () => {
  await using server = await NextHopServer.start();
  const trouble = {
    kind: "permanent",
    code: 550,
    enhanced: "5.4.4",
    text: "host mx9.example.net has no address",
  } as const;
  const lost = { name: "mx9.example.net", port: 25, addresses: () => Promise.resolve(trouble) };
  const found = asHop("example.net", [server]);
  if (found.kind !== "hosts") throw new Error("no hosts");
  await using world = new World({
    "one.example": { ...found, hosts: [lost, ...found.hosts] },
    "none.example": { kind: "hosts", key: "none", hosts: [lost] },
    "*": [server],
  });
  const one = world.send(["a@one.example"]);
  const none = world.send(["b@none.example"]);
  await world.queue.round(one);
  await world.queue.round(none);
  assertEquals([world.queue.statuses(one), world.queue.statuses(none)], [["delivered"], ["bounced"]]);
  assertEquals(told(world.queue.events).filter((line) => line.startsWith("bounced")), [
    "bounced b@none.example by mx9.example.net, attempt 1: 550 5.4.4 host mx9.example.net has no address",
  ]);
});

Deno.test("delivery: closing finishes what is on a connection, leaves the rest queued, and says QUIT", async () => {
  let answer = () => {};
  const held = new Promise<void>((resolve) => answer = resolve);
  await using server = await NextHopServer.start({
    script: async (input) => {
      if (input === "content") await held;
      return undefined;
    },
  });
  const world = new World({ "*": [server] }, { pool: { ...DELIVERY_LIMITS.pool, connectionsPerDestination: 1 } });
  const first = world.send(["a@example.net"]);
  const second = world.send(["b@example.net"]);
  await server.until(({ transcript }) => transcript.some((line) => line.includes("octets")));
  const closed = world.close();
  answer();
  await closed;
  assertEquals([world.queue.statuses(first), world.queue.statuses(second)], [["delivered"], ["queued"]]);
  assertEquals(world.queue.messages.get(second)!.recipients[0]!.attempts, 0);
  assert(server.transcript.includes("S: 221 2.0.0 Bye"));
});

Deno.test("delivery: closing cuts off what does not end in time, and that is no attempt", async () => {
  await using server = await NextHopServer.start({
    script: (input) => input.startsWith("DATA") ? "silence" : undefined,
  });
  const world = new World({ "*": [server] }, { closeGraceMs: 0 });
  const id = world.send(["a@example.net"]);
  await server.until(({ transcript }) => transcript.includes("C: DATA"));
  await world.close();
  assertEquals(world.queue.outcomes, []);
  assertEquals(world.queue.statuses(id), ["queued"]);
});

Deno.test("delivery: the event of a bounce says whether the address is bad for good", async () => {
  const script: Script = (input) => {
    if (input.includes("nobody@")) return "550 5.1.1 No such user";
    return input.includes("blocked@") ? "550 5.7.1 Blocked" : undefined;
  };
  await using server = await NextHopServer.start({ script });
  await using world = new World({ "*": [server] });
  await world.queue.round(world.send(["nobody@example.net", "blocked@example.net", "bob@example.net"]));
  const said = world.queue.events.flatMap((event) =>
    "attempt" in event ? [`${event.recipients.join()} ${event.type} ${event.badAddress ?? false}`] : []
  );
  assertEquals(said.sort(), [
    "blocked@example.net bounced false",
    "bob@example.net delivered false",
    "nobody@example.net bounced true",
  ]);
});

Deno.test("delivery: a destination that is not there gets three attempts, not a thousand; the rest is deferred with its words", async () => {
  const server = await NextHopServer.start();
  const hop = asHop("example.net", [server]);
  await server[Symbol.asyncDispose]();
  await using world = new World({ "*": hop });
  const ids = Array.from({ length: 200 }, (_, at) => world.send([`user${at}@example.net`]));
  for (const id of ids) await world.queue.round(id);
  const words = "mx1.example.net [127.0.0.1] could not be reached (Connection refused)";
  const tried = world.queue.events.filter((event) => "reply" in event && event.reply === words);
  // Two connections at first, so that one more may have been on its way.
  assert(tried.length >= 3 && tried.length <= 4, `${tried.length} attempts`);
  assertEquals(
    told(world.queue.events).at(-1),
    "deferred user199@example.net by null, attempt 1, next in 5 min: " +
      `not tried, as the last attempts at this next hop failed: ${words}`,
  );
  assertEquals(ids.flatMap((id) => world.queue.statuses(id)), Array(200).fill("queued"));
});

Deno.test("delivery: a destination that comes back is found by a probe, and then has its mail", async () => {
  const server = await NextHopServer.start();
  const { port } = server;
  const hop = asHop("example.net", [server]);
  await server[Symbol.asyncDispose]();
  await using world = new World({ "*": hop });
  const ids = Array.from({ length: 10 }, (_, at) => world.send([`user${at}@example.net`]));
  for (const id of ids) await world.queue.round(id);
  await using back = await NextHopServer.start({}, port);
  world.pass(5 * MINUTE);
  const later = world.send(["late@example.net"]);
  await world.queue.round(later);
  for (const id of ids) await world.queue.round(id, 2);
  world.pass(10 * MINUTE);
  await back.until(({ received }) => received.length === 11);
  assertEquals(new Set(back.received.flatMap(({ recipients }) => recipients)).size, 11);
});
