/** What the client asked about DSNs, on its way to next hops with and without the extension, and what is reported. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { DsnRequest, RecipientDsnRequest } from "../../../relay/envelope.ts";
import { inMemory } from "../../support/memory_queue.ts";
import { NextHopServer, type Script } from "../../support/next_hop_server.ts";
import { DAY, MINUTE, refuse, START, TEXT, told, World } from "./world.ts";

const HOUR = 60 * MINUTE;
const DSN_EXTENSIONS = ["PIPELINING", "SIZE 52428800", "8BITMIME", "DSN"];

function request(
  recipients: (RecipientDsnRequest | null)[],
  facts: Partial<DsnRequest> = {},
): { dsnRequest: DsnRequest } {
  return { dsnRequest: { ret: null, envid: null, recipients, ...facts } };
}

const commands = ({ transcript }: NextHopServer) => transcript.filter((line) => /^C: (MAIL|RCPT)/.test(line));

Deno.test("DSN request: a next hop with DSN gets what the client gave, unchanged, beside each recipient", async () => {
  await using server = await NextHopServer.start({ extensions: DSN_EXTENSIONS });
  await using world = new World({ "*": [server] });
  const id = world.send(
    ["a@example.net", "b@example.net", "c@example.net", "d+x@example.net"],
    request([
      { notify: ["SUCCESS", "DELAY"], orcpt: "rfc822;A+2Dx@Example.net" },
      null,
      { notify: [], orcpt: null },
      { notify: null, orcpt: "rfc822;d+2Bx@example.net" },
    ], { ret: "HDRS", envid: "QQ+2D1" }),
  );
  await world.queue.round(id);
  assertEquals(commands(server), [
    `C: MAIL FROM:<me@example.org> SIZE=${TEXT.length} RET=HDRS ENVID=QQ+2D1`,
    "C: RCPT TO:<a@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;A+2Dx@Example.net",
    "C: RCPT TO:<b@example.net>",
    "C: RCPT TO:<c@example.net> NOTIFY=NEVER ORCPT=rfc822;c@example.net",
    "C: RCPT TO:<d+x@example.net> ORCPT=rfc822;d+2Bx@example.net",
  ]);
  // That server has the duty now.
  assertEquals(world.queue.outcomes.map(({ dsn }) => dsn), [undefined]);
});

Deno.test("DSN request: recipients of a second transaction have their own, and one without any says nothing", async () => {
  await using server = await NextHopServer.start({ extensions: [...DSN_EXTENSIONS, "LIMITS RCPTMAX=1"] });
  await using world = new World({ "*": [server] });
  const recipients = [null, { notify: ["FAILURE"] as const, orcpt: null }];
  await world.queue.round(world.send(["a@example.net", "b@example.net"], request(recipients)));
  await world.queue.round(world.send(["c@example.net"]));
  assertEquals(commands(server), [
    `C: MAIL FROM:<me@example.org> SIZE=${TEXT.length}`,
    "C: RCPT TO:<a@example.net>",
    `C: MAIL FROM:<me@example.org> SIZE=${TEXT.length}`,
    "C: RCPT TO:<b@example.net> NOTIFY=FAILURE ORCPT=rfc822;b@example.net",
    `C: MAIL FROM:<me@example.org> SIZE=${TEXT.length}`,
    "C: RCPT TO:<c@example.net>",
  ]);
});

Deno.test("DSN request: an original recipient beyond ASCII goes as it is with SMTPUTF8, else in its 7-bit form", async () => {
  await using server = await NextHopServer.start({ extensions: [...DSN_EXTENSIONS, "SMTPUTF8"] });
  await using world = new World({ "*": [server] });
  const asked = request([{ notify: null, orcpt: "utf-8;böb@example.net" }]);
  await world.queue.round(world.send(["bob@example.net"], { smtputf8: true, ...asked }));
  await world.queue.round(world.send(["büb@example.net"], { smtputf8: true, ...asked }));
  const latin1 = (text: string) => String.fromCharCode(...new TextEncoder().encode(text));
  assertEquals(commands(server).filter((line) => line.includes("RCPT")), [
    "C: RCPT TO:<bob@example.net> ORCPT=utf-8;b\\x{F6}b@example.net",
    `C: RCPT TO:${latin1("<büb@example.net> ORCPT=utf-8;böb@example.net")}`,
  ]);
});

Deno.test("DSN request: a next hop without DSN gets none of it, and success is reported as relayed, in the same record", async () => {
  await using server = await NextHopServer.start();
  await using home = await NextHopServer.start();
  await using world = new World({ "example.net": [server], "example.org": [home] });
  const success = { notify: ["SUCCESS"] as const, orcpt: "rfc822;A+2Dx@Example.net" };
  const id = world.send(
    ["a@example.net", "b@example.net", "c@example.net"],
    request([success, null, { ...success, orcpt: null }], { ret: "FULL", envid: "QQ+2D1" }),
  );
  await world.queue.round(id);
  assertEquals(commands(server), [
    `C: MAIL FROM:<me@example.org> SIZE=${TEXT.length}`,
    ...["a", "b", "c"].map((name) => `C: RCPT TO:<${name}@example.net>`),
  ]);
  const reported = world.queue.outcomes.filter(({ dsn }) => dsn !== undefined);
  assertEquals(reported.map(({ changes }) => changes.map(({ recipient, state }) => [recipient, state.status])), [
    [[0, "delivered"], [2, "delivered"]],
  ]);
  await home.until(({ received }) => received.length === 1);
  const [dsn] = home.received;
  assertEquals([dsn!.mailFrom, dsn!.recipients], ["", ["me@example.org"]]);
  assertStringIncludes(dsn!.content, "Original-Envelope-Id: QQ-1\r\nReporting-MTA: dns; smtp.example.org\r\n");
  assertStringIncludes(
    dsn!.content,
    "\r\nOriginal-Recipient: rfc822; A-x@Example.net\r\nFinal-Recipient: rfc822; a@example.net\r\n" +
      "Action: relayed\r\nStatus: 2.0.0\r\nRemote-MTA: dns; mx1.example.net\r\nDiagnostic-Code: smtp; 250 2.0.0 Queued\r\n",
  );
  assertMatch(dsn!.content, /Subject: Your message was handed over/);
  // RET is about failures.
  assert(!dsn!.content.includes("b@example.net") && !dsn!.content.includes("Hello."), dsn!.content);
});

Deno.test("NOTIFY: of five that fail, only those are reported whose sender wants to hear of it", async () => {
  await using server = await NextHopServer.start({
    extensions: DSN_EXTENSIONS,
    script: refuse("RCPT", "550 5.1.1 No such user"),
  });
  await using world = new World({ "*": [server] });
  const asked: (RecipientDsnRequest | null)[] = [null, [], ["SUCCESS", "DELAY"], ["FAILURE"], null]
    .map((notify) => notify && { notify: notify as RecipientDsnRequest["notify"], orcpt: null });
  const names = ["a", "b", "c", "d", "e"].map((name) => `${name}@example.net`);
  const id = world.send(names, request(asked));
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id), names.map(() => "bounced"));
  const [dsn, ...others] = world.queue.outcomes.flatMap(({ dsn }) => dsn ?? []);
  assertEquals(others, []);
  const text = new TextDecoder().decode(dsn!.content);
  assertEquals([...text.matchAll(/Final-Recipient: rfc822; (\w)/g)].map(([, name]) => name), ["a", "d", "e"]);
  const returned = told(world.queue.events).filter((line) => line.startsWith("returned"));
  assertEquals(returned, [`returned a@example.net,d@example.net,e@example.net by ${dsn!.envelope.id}`]);
});

Deno.test("NOTIFY=NEVER: a message that fails or expires ends without a word", async () => {
  const script: Script = (input) =>
    input.includes("gone@") ? "550 5.1.1 No" : input.includes("late@") ? "450 4.2.0 Later" : undefined;
  await using server = await NextHopServer.start({ script });
  await using world = new World({ "*": [server] });
  const never = { notify: [], orcpt: null };
  const facts = { receivedAt: START - 5 * DAY, ...request([never, never]) };
  const id = world.send(["gone@example.net", "late@example.net"], facts);
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id), ["bounced", "expired"]);
  assertEquals(world.queue.outcomes.map(({ dsn }) => dsn), [undefined]);
});

/** The third part of the only DSN. */
async function returnedWith(facts: { dsnRequest: DsnRequest | null }, content: string) {
  await using server = await NextHopServer.start({ script: refuse("RCPT", "550 5.1.1 No such user") });
  await using world = new World({ "*": [server] });
  const octets = Uint8Array.from(content, (character) => character.charCodeAt(0));
  const id = world.send(["bob@example.net"], facts, 0, inMemory(octets));
  await world.queue.round(id);
  const { envelope, content: report } = world.queue.outcomes.flatMap(({ dsn }) => dsn ?? [])[0]!;
  const text = Array.from(report, (octet) => String.fromCharCode(octet)).join("");
  const [, boundary] = /boundary="([^"]+)"/.exec(text)!;
  return { part: text.split(`\r\n--${boundary}`)[3]!.slice(2), body: envelope.body, envelope };
}

Deno.test("RET: FULL gives the message back as it is, HDRS and nothing said its header", async () => {
  const full = await returnedWith(request([null], { ret: "FULL" }), TEXT);
  assertEquals(full.part, `Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n${TEXT}`);
  assertEquals([full.body, full.envelope.dsnRequest], ["7BIT", null]);
  const eightBit = await returnedWith(request([null], { ret: "FULL" }), `${TEXT}\xe4\r\n`);
  assertStringIncludes(eightBit.part, `Content-Transfer-Encoding: 8bit\r\n\r\n${TEXT}\xe4\r\n`);
  assertEquals(eightBit.body, "8BITMIME");
  for (const facts of [request([null], { ret: "HDRS" }), { dsnRequest: null }]) {
    const { part } = await returnedWith(facts, TEXT);
    assertMatch(part, /^Content-Type: text\/rfc822-headers/);
    assert(!part.includes("Hello."), part);
  }
});

Deno.test("RET=FULL: what is large, or could not stand in a message, comes back as its header only", async () => {
  const asked = request([null], { ret: "FULL" });
  const large = `${TEXT}${`${"x".repeat(98)}\r\n`.repeat(700)}`;
  const fitting = `${TEXT}${`${"x".repeat(98)}\r\n`.repeat(600)}`;
  assertMatch((await returnedWith(asked, fitting)).part, /^Content-Type: message\/rfc822/);
  for (const content of [large, `${TEXT}\0\r\n`, `${TEXT}${"x".repeat(999)}\r\n`]) {
    assertMatch((await returnedWith(asked, content)).part, /^Content-Type: text\/rfc822-headers/);
  }
  assertMatch((await returnedWith(asked, `${TEXT}${"x".repeat(998)}\r\n`)).part, /^Content-Type: message\/rfc822/);
});

Deno.test("delay: after four hours the sender is warned, once for each recipient, and the message goes on", async () => {
  await using server = await NextHopServer.start({ script: refuse("RCPT TO:<bob", "450 4.2.0 Not today") });
  await using home = await NextHopServer.start();
  await using world = new World({ "example.net": [server], "example.org": [home] });
  const id = world.send(["bob@example.net"], request([null], { envid: "QQ1" }));
  const warnings = () => world.queue.outcomes.filter(({ dsn }) => dsn !== undefined);
  for (let round = 1; world.now < START + 12 * HOUR; round++) {
    await world.queue.round(id, round);
    const due = world.queue.messages.get(id)!.recipients[0]!.dueAt;
    assertEquals(warnings().length, world.now >= START + 4 * HOUR ? 1 : 0, `attempt ${round}`);
    world.pass(due - world.now);
  }
  const [warning] = warnings();
  assertEquals(warning!.events[0]!.at, START + 4 * HOUR);
  assertEquals(warning!.changes.map(({ state }) => [state.status, state.delayReported]), [["queued", true]]);
  await home.until(({ received }) => received.length === 1);
  const { content } = home.received[0]!;
  assertMatch(content, /^Subject: Your message is late/m);
  assertStringIncludes(
    content.replace(/\s+/g, " "),
    "There is no need to send it again: the relay goes on trying until 2026-11-28T12:00:00Z.",
  );
  assertStringIncludes(content, "\r\nAction: delayed\r\nStatus: 4.2.0\r\n");
  assertStringIncludes(content, "\r\nWill-Retry-Until: Sat, 28 Nov 2026 12:00:00 +0000\r\n");
  assertStringIncludes(content, "Original-Envelope-Id: QQ1\r\n");
});

Deno.test("delay: those who are late in one round share a warning, whatever their next hops; who did not ask has none", async () => {
  await using one = await NextHopServer.start({ script: refuse("RCPT", "450 4.2.0 Not today") });
  await using two = await NextHopServer.start({ script: refuse("MAIL", "421 4.3.2 Busy") });
  await using world = new World({ "one.example": [one], "two.example": [two], "*": [one] });
  const quiet = { notify: ["FAILURE"] as const, orcpt: null };
  const facts = { receivedAt: START - 5 * HOUR, ...request([null, null, quiet]) };
  const id = world.send(["a@one.example", "b@two.example", "c@two.example"], facts);
  await world.queue.round(id);
  const [dsn, ...others] = world.queue.outcomes.flatMap(({ dsn }) => dsn ?? []);
  assertEquals(others, []);
  const text = new TextDecoder().decode(dsn!.content);
  assertEquals([...text.matchAll(/Final-Recipient: rfc822; (\w)/g)].map(([, name]) => name).toSorted(), ["a", "b"]);
  const flags = world.queue.messages.get(id)!.recipients.map(({ delayReported }) => delayReported);
  assertEquals(flags, [true, true, false]);
});
