/** A server that wants TLS and a passing trouble of TLS: what is refused in plain is not refused for good. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { POOL_LIMITS } from "../../../relay/delivery/pool.ts";
import { type NextHopOptions, NextHopServer, type Script } from "../../support/next_hop_server.ts";
import { SELF_SIGNED } from "../../support/self_signed.ts";
import { DAY, MINUTE, START, told, World } from "./world.ts";

const NOT_NOW = "454 4.7.0 TLS not available due to temporary reason";
const NEEDS_TLS = "530 5.7.0 Must issue a STARTTLS command first";
const WITHOUT_TLS = "without TLS, which could not be had";

/** Refuses in plain what starts with `part`; `onStartTls` is its answer to STARTTLS, as long as there is one. */
function wantsTls(part: string, reply: string, onStartTls: () => ReturnType<Script>): Script {
  return (input, { tls }) => input === "STARTTLS" ? onStartTls() : !tls && input.startsWith(part) ? reply : undefined;
}

const TROUBLES: Record<string, readonly [ReturnType<Script>, string]> = {
  "TLS is not to be had now": [NOT_NOW, `STARTTLS was answered with ${NOT_NOW}`],
  "the handshake is cut off": [{ close: "220 2.0.0 Go ahead" }, "the handshake failed"],
};

for (const [name, [trouble, why]] of Object.entries(TROUBLES)) {
  for (const [how, options] of Object.entries({ "with PIPELINING": {}, "step by step": { extensions: [] } })) {
    Deno.test(`missed TLS: ${name} once, and MAIL is refused in plain, ${how}: tried again, with TLS`, async () => {
      const answers = [trouble];
      const script = wantsTls("MAIL", NEEDS_TLS, () => answers.shift());
      await using server = await NextHopServer.start({ tls: SELF_SIGNED, script, ...options });
      await using world = new World({ "*": [server] });
      const id = world.send(["bob@example.net"]);
      await world.queue.round(id);
      assertEquals(told(world.queue.events), [
        "deferred bob@example.net by mx1.example.net, attempt 1, next in 5 min: " +
        `${WITHOUT_TLS} (${why}): ${NEEDS_TLS}`,
      ]);
      // Sooner than that, other mail: the session without TLS was not kept for it.
      await world.queue.round(world.send(["carol@example.net"]));
      world.pass(5 * MINUTE);
      await world.queue.round(id, 2);
      assertEquals(server.received.map(({ recipients, tls }) => [recipients[0], tls]), [
        ["carol@example.net", true],
        ["bob@example.net", true],
      ]);
    });
  }
}

async function statusesOf(recipients: string[], options: NextHopOptions) {
  await using server = await NextHopServer.start(options);
  await using world = new World({ "*": [server] });
  const id = world.send(recipients);
  await world.queue.round(id);
  return world.queue.statuses(id);
}

Deno.test("missed TLS: a refusal of RCPT for policy may be about it, until a recipient is taken in plain", async () => {
  const refusing = (part: string, reply: string) => ({
    tls: SELF_SIGNED,
    script: wantsTls(part, reply, () => NOT_NOW),
  });
  for (const reply of [NEEDS_TLS, "530 Must issue a STARTTLS command first", "550 5.7.10 Encryption needed"]) {
    assertEquals(await statusesOf(["bob@example.net"], refusing("RCPT", reply)), ["queued"], reply);
  }
  const one = refusing("RCPT TO:<bob@", "550 5.7.1 Not you");
  assertEquals(await statusesOf(["bob@example.net", "carol@example.net"], one), ["queued", "delivered"]);
  assertEquals(await statusesOf(["carol@example.net", "bob@example.net"], one), ["delivered", "bounced"]);
});

Deno.test("missed TLS: what has nothing to do with it is refused for good, as is all where TLS is not offered", async () => {
  const script = wantsTls("RCPT", "550 5.1.1 No such user", () => NOT_NOW);
  assertEquals(await statusesOf(["bob@example.net"], { tls: SELF_SIGNED, script }), ["bounced"]);
  const notOffered = wantsTls("MAIL", NEEDS_TLS, () => undefined);
  assertEquals(await statusesOf(["bob@example.net"], { script: notOffered }), ["bounced"]);
});

Deno.test("missed TLS: SMTPUTF8 that is offered with TLS only is waited for, and where it is not needed mail goes on", async () => {
  const answers = [NOT_NOW];
  const script: Script = (input, { tls }) => {
    if (input === "STARTTLS") return answers.shift();
    return tls && input.startsWith("EHLO") ? "250-mx.example.net\r\n250-8BITMIME\r\n250 SMTPUTF8" : undefined;
  };
  await using server = await NextHopServer.start({ tls: SELF_SIGNED, script });
  await using world = new World({ "*": [server] }, { pool: { ...POOL_LIMITS, messagesPerConnection: 1 } });
  const id = world.send(["jürgen@example.net", "bob@example.net"], { smtputf8: true });
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id), ["queued", "delivered"]);
  assertStringIncludes(told(world.queue.events)[0]!, `${WITHOUT_TLS} (STARTTLS was answered with ${NOT_NOW}): the rec`);
  world.pass(5 * MINUTE);
  await world.queue.round(id, 2);
  assertEquals(world.queue.statuses(id), ["delivered", "delivered"]);
});

Deno.test("missed TLS: another host is asked in the same round", async () => {
  const script = wantsTls("MAIL", NEEDS_TLS, () => NOT_NOW);
  await using first = await NextHopServer.start({ tls: SELF_SIGNED, script });
  await using second = await NextHopServer.start({ tls: SELF_SIGNED });
  await using world = new World({ "*": [first, second] });
  const id = world.send(["bob@example.net"]);
  await world.queue.round(id);
  assertEquals([world.queue.statuses(id), second.received.length], [["delivered"], 1]);
});

Deno.test("missed TLS: where it never works the message expires, and its DSN has the server's words", async () => {
  const script = wantsTls("MAIL", NEEDS_TLS, () => ({ close: "220 2.0.0 Go ahead" }));
  await using server = await NextHopServer.start({ tls: SELF_SIGNED, script });
  await using home = await NextHopServer.start();
  await using world = new World({ "example.net": [server], "example.org": [home] });
  const id = world.send(["bob@example.net"], { receivedAt: START - 5 * DAY }, 35);
  await home.until(({ received }) => received.length === 1);
  assertEquals(world.queue.statuses(id), ["expired"]);
  const dsn = home.received[0]!.content;
  assertStringIncludes(dsn.replace(/\s+/g, " "), `${WITHOUT_TLS} (the handshake failed): ${NEEDS_TLS}`);
  assertStringIncludes(dsn, "Status: 4.4.7\r\n");
  assert(!dsn.includes("Diagnostic-Code"), "the words are not the server's alone");
});

Deno.test("missed TLS: who is refused for policy keeps nobody else of the message from being asked", async () => {
  await using server = await NextHopServer.start({
    tls: SELF_SIGNED,
    extensions: ["PIPELINING", "LIMITS RCPTMAX=1"],
    script: wantsTls("RCPT TO:<bob@", "550 5.7.1 Not you", () => NOT_NOW),
  });
  await using world = new World({ "*": [server] });
  const id = world.send(["bob@example.net", "carol@example.net"]);
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id), ["queued", "delivered"]);
});
