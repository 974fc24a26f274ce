import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { OutgoingEnvelope } from "../../../relay/delivery/commands.ts";
import { ANY_SOURCE } from "../../../relay/delivery/connect_from.ts";
import { DeadlineWatch, STAGE_SECONDS } from "../../../relay/delivery/deadlines.ts";
import { openSession } from "../../../relay/delivery/smtp_client.ts";
import { quit, type SmtpSession } from "../../../relay/delivery/smtp_session.ts";
import { transact, type TransactionReport } from "../../../relay/delivery/transaction.ts";
import { inMemory } from "../../support/memory_queue.ts";
import { type NextHopOptions, NextHopServer, type Script } from "../../support/next_hop_server.ts";

const TEXT = "Subject: hello\r\n\r\n.dot\r\n..two\r\nthe end\r\n";
const STEPWISE = { extensions: [] };

async function session(server: NextHopServer): Promise<SmtpSession> {
  const remote = { name: "mx.example.net", address: "127.0.0.1", port: server.port };
  const settings = {
    hostname: "relay.example.org",
    watch: new DeadlineWatch(),
    seconds: STAGE_SECONDS,
    sources: ANY_SOURCE,
  };
  const opening = await openSession(remote, settings);
  if (opening.kind === "refused") throw new Error(opening.verdict.reply);
  return opening.session;
}

function envelope(recipients: string[], facts: Partial<OutgoingEnvelope> = {}): OutgoingEnvelope {
  const sizeBytes = TEXT.length;
  const common = { reversePath: "me@example.org", body: "7BIT", needsSmtputf8: false, dsnRequest: null } as const;
  return { ...common, recipients, sizeBytes, ...facts };
}

const content = inMemory(new TextEncoder().encode(TEXT));

/** One transaction; its dialogue from MAIL on, with the verdicts as words. */
async function dialogue(
  options: NextHopOptions,
  recipients = ["a@example.net"],
  facts: Partial<OutgoingEnvelope> = {},
) {
  await using server = await NextHopServer.start(options);
  const open = await session(server);
  const start = server.transcript.length;
  const report = await transact(open, envelope(recipients, facts), content);
  if (report.alive) await quit(open);
  const lines = server.transcript.slice(start).filter((line) => !/^C: QUIT|^S: 221|^\(closed\)/.test(line));
  return { lines, words: words(report), report, server };
}

function words({ verdicts }: TransactionReport): string[] {
  return verdicts.map((verdict) => {
    return verdict === undefined
      ? "again"
      : `${verdict.kind} ${verdict.settled ? "settled" : "next host"}: ${verdict.reply}`;
  });
}

for (const [name, options] of Object.entries({ "with PIPELINING": {}, "step by step": STEPWISE })) {
  Deno.test(`transaction: delivered ${name}, dots intact`, async () => {
    const { words, server, report } = await dialogue(options, ["a@example.net", "b@example.net"]);
    assertEquals(words, ["delivered settled: 250 2.0.0 Queued", "delivered settled: 250 2.0.0 Queued"]);
    assertEquals(report.alive, true);
    const [received] = server.received;
    assertEquals([received!.content, received!.recipients], [TEXT, ["a@example.net", "b@example.net"]]);
  });

  Deno.test(`transaction: one recipient refused, the other delivered ${name}`, async () => {
    const script: Script = (input) => input.includes("<a@") ? "550 5.1.1 No such user" : undefined;
    const { words, server } = await dialogue({ ...options, script }, ["a@example.net", "b@example.net"]);
    assertEquals(words, ["failed settled: 550 5.1.1 No such user", "delivered settled: 250 2.0.0 Queued"]);
    assertEquals(server.received[0]!.recipients, ["b@example.net"]);
  });

  Deno.test(`transaction: MAIL refused ${name}: the verdict of all, and the session goes on`, async () => {
    const script: Script = (input) => input.startsWith("MAIL") ? "451 4.3.0 Later" : undefined;
    const { words, report } = await dialogue({ ...options, script }, ["a@example.net", "b@example.net"]);
    assertEquals(words, ["deferred next host: 451 4.3.0 Later", "deferred next host: 451 4.3.0 Later"]);
    assertEquals(report.alive, true);
  });

  Deno.test(`transaction: refused at the final dot ${name}`, async () => {
    const script: Script = (input) => input === "content" ? "554 5.7.1 Spam" : undefined;
    assertEquals((await dialogue({ ...options, script })).words, ["failed settled: 554 5.7.1 Spam"]);
  });

  Deno.test(`transaction: 421 in the middle ${name} defers what had no answer, and ends the session`, async () => {
    const script: Script = (input) => input.includes("<b@") ? { close: "421 4.3.2 Shutting down" } : undefined;
    const { words, report } = await dialogue({ ...options, script }, ["a@example.net", "b@example.net"]);
    assertEquals(words, Array(2).fill("deferred next host: 421 4.3.2 Shutting down"));
    assertEquals([report.alive, report.stale], [false, false]);
  });

  Deno.test(`transaction: the connection is lost behind the final dot ${name}: deferred, and no other host`, async () => {
    const script: Script = (input) => input === "content" ? { close: null } : undefined;
    const { words } = await dialogue({ ...options, script });
    assertMatch(words[0]!, /^deferred settled: mx.* the connection at the end of the message/);
  });

  Deno.test(`transaction: a connection lost behind the 250 ${name} costs nothing`, async () => {
    const script: Script = (input) => input === "content" ? { close: "250 2.0.0 Queued" } : undefined;
    assertEquals((await dialogue({ ...options, script })).words, ["delivered settled: 250 2.0.0 Queued"]);
  });

  Deno.test(`transaction: the 3rd recipient is one too many ${name}: it belongs in another transaction`, async () => {
    const script: Script = (input, { recipients }) =>
      input.startsWith("RCPT") && recipients.length >= 3 ? "452 4.5.3 Too many recipients" : undefined;
    const { words, server } = await dialogue({ ...options, script }, ["a@e.net", "b@e.net", "c@e.net"]);
    assertEquals(words.slice(1), ["delivered settled: 250 2.0.0 Queued", "again"]);
    assertEquals(server.received[0]!.recipients, ["a@e.net", "b@e.net"]);
  });
}

Deno.test("transaction: with PIPELINING all commands leave in one write, and the content in another", async () => {
  const { lines, server } = await dialogue({}, ["a@example.net", "b@example.net"], { body: "8BITMIME" });
  assertEquals(lines, [
    `C: MAIL FROM:<me@example.org> SIZE=${TEXT.length} BODY=8BITMIME`,
    "S: 250 2.1.0 Sender ok",
    "C: RCPT TO:<a@example.net>",
    "S: 250 2.1.5 Recipient ok",
    "C: RCPT TO:<b@example.net>",
    "S: 250 2.1.5 Recipient ok",
    "C: DATA",
    "S: 354 Go ahead",
    `C: (${TEXT.length} octets)`,
    "S: 250 2.0.0 Queued",
  ]);
  // EHLO, the group, the content, QUIT
  assertEquals(server.connections[0]!.arrivals, 4);
});

Deno.test("transaction: parameters that the server does not offer are not sent; 8-bit content goes as it is", async () => {
  const { lines } = await dialogue(STEPWISE, ["a@example.net"], { body: "8BITMIME" });
  assertEquals(lines[0], "C: MAIL FROM:<me@example.org>");
});

Deno.test("transaction: SMTPUTF8 is used where needed", async () => {
  const extensions = ["SMTPUTF8", "8BITMIME"];
  const { lines } = await dialogue({ extensions }, ["jürgen@example.net"], { needsSmtputf8: true });
  assertEquals(lines[0], "C: MAIL FROM:<me@example.org> SMTPUTF8");
});

Deno.test("transaction: all recipients refused but DATA taken: a lone dot ends it, and RSET is not needed", async () => {
  const script: Script = (input) =>
    input.startsWith("RCPT") ? "550 5.1.1 No" : input === "DATA" ? "354 Go ahead" : undefined;
  const { lines, report } = await dialogue({ script });
  assertEquals(lines.slice(-2), ["C: (0 octets)", "S: 250 2.0.0 Queued"]);
  assertEquals([report.verdicts[0]!.kind, report.alive], ["failed", true]);
});

Deno.test("transaction: one that was left open is reset before the next, with and without PIPELINING", async () => {
  for (const options of [{}, STEPWISE]) {
    const script: Script = (input) => input.includes("<a@") ? "550 5.1.1 No" : undefined;
    await using server = await NextHopServer.start({ ...options, script });
    const open = await session(server);
    await transact(open, envelope(["a@example.net"]), content);
    const report = await transact(open, envelope(["b@example.net"]), content);
    assertEquals(words(report), ["delivered settled: 250 2.0.0 Queued"]);
    assert(server.transcript.includes("C: RSET"));
    await quit(open);
  }
});

Deno.test("transaction: a session that the server closed while it was idle is stale: nothing was tried", async () => {
  await using server = await NextHopServer.start();
  const open = await session(server);
  await transact(open, envelope(["a@example.net"]), content);
  server.dropConnections();
  assertEquals((await transact(open, envelope(["a@example.net"]), content)).stale, true);
  const fresh = await session(server);
  server.script = (input) => input.startsWith("MAIL") ? { close: "421 4.4.2 Idle too long" } : undefined;
  assertEquals((await transact(fresh, envelope(["a@example.net"]), content)).stale, false);
});

Deno.test("transaction: a server that is a reply ahead is left before its 250 is taken for that of the message", async () => {
  for (const ahead of ["MAIL", "RCPT", "DATA"]) {
    const script: Script = (input) => {
      if (!input.startsWith(ahead)) return undefined;
      return input.startsWith("DATA") ? "354 Go ahead\r\n250 2.0.0 Queued" : "250 2.1.0 Ok\r\n250 2.1.0 Ok";
    };
    const { words, server, report } = await dialogue({ extensions: [], script });
    assertMatch(words[0]!, /^deferred next host: mx.* gave more replies than it was asked for/);
    assertEquals([server.received.length, report.alive], [0, false]);
  }
});

Deno.test("transaction: content that turns out damaged is never completed", async () => {
  await using server = await NextHopServer.start();
  const open = await session(server);
  const damaged = {
    sizeBytes: 200_000,
    async *chunks() {
      yield new Uint8Array(100_000).fill(0x61);
      throw new Error("checksum");
    },
  };
  await assertRejects(() => transact(open, envelope(["a@example.net"]), damaged), Error, "checksum");
  await server.until(({ transcript }) => transcript.includes("(closed)"));
  assertEquals(server.received, []);
});

Deno.test("transaction: 10 MB with dots, 8-bit and a very long line arrive as they are", async () => {
  await using server = await NextHopServer.start();
  const open = await session(server);
  const block = new TextEncoder().encode(`.${"x".repeat(5000)}\r\n..\r\n\u00e9\u00df\r\n`);
  const chunk = new Uint8Array(block.length * 20);
  for (let at = 0; at < 20; at++) chunk.set(block, at * block.length);
  const times = Math.ceil(10 * 1024 * 1024 / chunk.length);
  const large = {
    sizeBytes: chunk.length * times,
    async *chunks() {
      for (let at = 0; at < times; at++) yield chunk;
    },
  };
  const report = await transact(open, envelope(["a@example.net"]), large);
  assertEquals(report.verdicts[0]!.kind, "delivered");
  const expected = Array.from(chunk, (octet) => String.fromCharCode(octet)).join("").repeat(times);
  assert(server.received[0]!.content === expected);
  await quit(open);
});

Deno.test("transaction: a server that refuses and closes in the middle of the content has its words heard", async () => {
  const block = new Uint8Array(64 * 1024).fill(0x61);
  let refuse = () => {};
  const refused = new Promise<void>((resolve) => refuse = resolve);
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const serving = (async () => {
    using connection = await listener.accept();
    const say = (text: string) => connection.write(new TextEncoder().encode(`${text}\r\n`));
    const buffer = new Uint8Array(1000);
    await say("220 mx ESMTP");
    for (const reply of ["250 mx", "250 ok", "250 ok", "354 go"]) {
      await connection.read(buffer);
      await say(reply);
    }
    for (let octets = 0; octets < block.length;) octets += await connection.read(buffer) ?? 0;
    await say("552 5.3.4 Too big for me");
  })();
  serving.then(refuse);
  const remote = { name: "mx.example.net", address: "127.0.0.1", port: (listener.addr as Deno.NetAddr).port };
  const settings = {
    hostname: "relay.example.org",
    watch: new DeadlineWatch(),
    seconds: STAGE_SECONDS,
    sources: ANY_SOURCE,
  };
  const opening = await openSession(remote, settings);
  if (opening.kind === "refused") throw new Error(opening.verdict.reply);
  const large = {
    sizeBytes: 1000 * block.length,
    async *chunks() {
      yield block;
      yield block.subarray(1);
      await refused;
      for (let at = 2; at < 1000; at++) yield block;
    },
  };
  const report = await transact(opening.session, envelope(["a@example.net"]), large);
  assertEquals(words(report), ["failed settled: 552 5.3.4 Too big for me"]);
  assertEquals(report.alive, false);
});
