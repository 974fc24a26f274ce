/** The server on real sockets: dialogues, the data, limits, deadlines, the drain and clients that vanish. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { Connection } from "../../../relay/smtp/connection.ts";
import { Dialogue } from "../../support/dialogue.ts";
import { type Edge, edgeContext, startEdge } from "../../support/edge.ts";
import { CLOSE, groupsOf } from "../../support/session_dialogue.ts";
import { groupOctets } from "../../support/scripted_conn.ts";
import { dialogues } from "./dialogues.ts";

const LOGIN = `
  S: 220 relay.example ESMTP MailHop
  C: HELO client.example
  S: 250 relay.example
  C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
  S: 235 2.7.0 Authenticated
`;
const ENVELOPE = `
  C: MAIL FROM:<a@example.com>
  S: 250 2.1.0 Sender OK
  C: RCPT TO:<b@example.net>
  S: 250 2.1.5 Recipient OK
`;
const DATA = `
  C: DATA
  S: 354 …
`;

async function connected(edge: Edge, script: string): Promise<Dialogue> {
  const client = await Dialogue.connect(edge.port);
  await client.play(script);
  return client;
}

/** Resolves when the server has noticed that its connections have ended. */
async function allEnded(edge: Edge): Promise<void> {
  await edge.drain(1000);
  assertEquals(edge.server.openConnections, 0);
}

for (const dialogue of dialogues) {
  Deno.test(`server: ${dialogue.name}`, async () => {
    const groups = groupsOf(dialogue);
    const play = async (octetsAtOnce: number) => {
      await using edge = startEdge(dialogue);
      using client = await Dialogue.connect(edge.port);
      for (const group of groups) {
        const octets = groupOctets(group);
        for (let at = 0; at < octets.length; at += octetsAtOnce) await client.send(octets.slice(at, at + octetsAtOnce));
        await client.play(
          group.server.filter((line) => line !== CLOSE).map((line) => `S: ${line.replace(/ $/, "…")}`).join("\n"),
        );
        if (group.server.at(-1) === CLOSE) await client.ended();
      }
      assertEquals(edge.context.troubles, []);
    };
    await play(Infinity);
    // What a client still says when the server has closed is lost with its replies: such groups are not cut.
    if (groups.every(({ client, server }) => client.length <= 1 || server.at(-1) !== CLOSE)) await play(1);
  });
}

Deno.test("server: a pipelined group is answered in one write", async () => {
  await using edge = startEdge({ tls: true });
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: edge.port });
  const buffer = new Uint8Array(4096);
  const read = async () => new TextDecoder().decode(buffer.subarray(0, (await conn.read(buffer))!));
  await read();
  await conn.write(new TextEncoder().encode("HELO c\r\nNOOP\r\nRSET\r\nNOOP\r\nVRFY a\r\n"));
  assertEquals((await read()).match(/^\d{3}/gm), ["250", "250", "250", "250", "252"]);
  conn.close();
});

Deno.test("server: data arrives unstuffed, two messages in one connection, commands behind the dot work", async () => {
  await using edge = startEdge({ tls: true });
  using client = await connected(edge, `${LOGIN}${ENVELOPE}${DATA}`);
  await client.send(
    "..dot\r\n...\r\n. x\r\nx.\r\n\r\n\xff\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<c@example.net>\r\nDATA\r\n",
  );
  await client.play(`
    S: 250 2.0.0 OK: queued as MESSAGE-1
    S: 250 2.1.0 Sender OK
    S: 250 2.1.5 Recipient OK
    S: 354 …
    C: second
    C: .
    C: QUIT
    S: 250 2.0.0 OK: queued as MESSAGE-2
    S: 221 2.0.0 Bye
  `);
  await client.ended();
  assertEquals(edge.context.spool.messages.map(({ content }) => content), [
    ".dot\r\n..\r\n x\r\nx.\r\n\r\n\xc3\xbf\r\n",
    "second\r\n",
  ]);
  assertEquals(edge.context.spool.messages.map(({ envelope }) => envelope.reversePath), ["a@example.com", ""]);
});

Deno.test("server: a bare CR or LF drops the message with 550 5.6.0, and nothing behind it is a command", async () => {
  await using edge = startEdge({ tls: true });
  using client = await connected(edge, LOGIN);
  for (const lookalike of ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r\n", "\r\n.\r", "\r", "\n"]) {
    await client.play(`${ENVELOPE}${DATA}`);
    await client.send(`text${lookalike}MAIL FROM:<evil@example.com>\r\nDATA\r\n\r\n.\r\n`);
    await client.play("S: 550 5.6.0 Bare CR or LF");
  }
  await client.play("C: NOOP\nS: 250 2.0.0 OK");
  assertEquals([edge.context.spool.messages, edge.context.admission.granted], [[], []]);
  assertEquals(edge.context.spool.discarded.length, 7);
});

Deno.test("server: data over the size limit is read to its end and refused, with every octet counted", async () => {
  await using edge = startEdge({ tls: true });
  using client = await connected(edge, LOGIN);
  for (const [octets, expected] of [[9_998, "250 …"], [9_999, "552 5.3.4 …"], [19_000, "552 5.3.4 …"]] as const) {
    await client.play(`${ENVELOPE}${DATA}`);
    await client.send(`${"x".repeat(octets)}\r\n.\r\n`);
    await client.play(`S: ${expected}`);
  }
  assertEquals(edge.context.admission.facts.map(({ sizeBytes }) => sizeBytes), [10_000, 10_001, 19_002]);
});

Deno.test("server: data that goes on to twice the size limit is not read further: 552 and the end", async () => {
  await using edge = startEdge({ tls: true });
  using client = await connected(edge, `${LOGIN}${ENVELOPE}${DATA}`);
  await client.send("x".repeat(20_001));
  await client.play("S: 552 5.3.4 …");
  await client.ended();
  await allEnded(edge);
  assertEquals([edge.context.spool.messages, edge.context.spool.discarded], [[], ["MESSAGE-1"]]);
});

Deno.test("server: a client that speaks before the greeting hears 554 and is not greeted", async () => {
  const context = edgeContext();
  const said: string[] = [];
  const conn = {
    read: (target: Uint8Array) => Promise.resolve(new TextEncoder().encodeInto("EHLO a\r\n", target).written),
    write: (octets: Uint8Array) =>
      Promise.resolve(said.push(new TextDecoder().decode(octets))).then(() => octets.length),
    close: () => said.push("<close>"),
  };
  await new Connection(conn, "192.0.2.1", false, context).run();
  assertEquals(said, [
    "554 5.5.0 This is an SMTP server: the client waits for its greeting\r\n",
    "<close>",
  ]);
});

Deno.test("server: what has arrived when a connection is accepted counts as spoken before the greeting", async () => {
  await using edge = startEdge();
  const directory = await Deno.makeTempDir({ prefix: "mailhop-early-" });
  try {
    const script = `
      const client = await Deno.connect({ hostname: "127.0.0.1", port: ${edge.port} });
      await client.write(new TextEncoder().encode("EHLO a\\r\\n"));
      Deno.writeTextFileSync(${JSON.stringify(join(directory, "spoken"))}, "");
      const reply = new Uint8Array(512);
      console.log(new TextDecoder().decode(reply.subarray(0, await client.read(reply))));`;
    const client = new Deno.Command(Deno.execPath(), { args: ["eval", script], stdout: "piped" }).spawn();
    // As long as this thread does nothing else, nothing is accepted.
    const deadline = Date.now() + 30_000;
    const nothing = new Int32Array(new SharedArrayBuffer(4));
    while (Deno.readDirSync(directory).next().done && Date.now() < deadline) Atomics.wait(nothing, 0, 0, 10);
    const heard = new TextDecoder().decode((await client.output()).stdout).trim();
    assertEquals(heard, "554 5.5.0 This is an SMTP server: the client waits for its greeting");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("server: the facts of a message's header are what admission decides on", async () => {
  await using edge = startEdge({ tls: true });
  using client = await connected(edge, `${LOGIN}${ENVELOPE}${DATA}`);
  await client.send("Received: a\r\nReceived: b\r\nFrom: a\r\nMessage-ID: <1@x>\r\n\r\nFrom: b\r\n.\r\n");
  await client.play("S: 250 …");
  const [facts] = edge.context.admission.facts;
  assertEquals([facts!.receivedFields, facts!.fromFields, facts!.bareLineEndings], [2, 1, false]);
  assertEquals(edge.context.spool.messages[0]!.envelope.messageIdField, "<1@x>");
});

Deno.test("server: a message with a dot on every line arrives whole", async () => {
  const lines = 2000;
  await using edge = startEdge({ tls: true });
  using client = await connected(edge, `${LOGIN}${ENVELOPE}${DATA}`);
  await client.send(`${"..\r\n".repeat(lines)}.\r\n`);
  await client.play("S: 250 …");
  assertEquals(edge.context.spool.messages[0]!.content, ".\r\n".repeat(lines));
});

Deno.test("server: what was sent in clear behind STARTTLS closes the connection, and is not answered", async () => {
  await using edge = startEdge();
  for (const injected of ["NOOP\r\n", "X\r\n", "MAIL FROM:<evil@example.com>\r\nRCPT TO:<b@example.net>\r\n"]) {
    using client = await connected(edge, "S: 220 …\nC: HELO client.example\nS: 250 …");
    await client.send(`STARTTLS\r\n${injected}`);
    await client.play("S: 220 Ready to start TLS");
    // A close with octets unread may reach the client as a reset.
    const said = await client.reply().catch((error) => {
      if (error instanceof Deno.errors.UnexpectedEof || error instanceof Deno.errors.ConnectionReset) return "closed";
      throw error;
    });
    assertEquals(said, "closed");
  }
});

Deno.test("server: a handshake that fails ends the connection only", async () => {
  await using edge = startEdge();
  Object.assign(edge.context, { secure: () => Promise.reject(new Deno.errors.InvalidData("no TLS")) });
  using client = await connected(edge, "S: 220 …\nC: HELO c\nS: 250 …\nC: STARTTLS\nS: 220 …");
  await client.ended();
  (await connected(edge, "S: 220 …\nC: NOOP\nS: 250 …")).close();
  assertEquals(edge.context.troubles, []);
});

Deno.test("server: over the limit of connections a client hears 421 and why", async () => {
  await using edge = startEdge({ maxConnections: 2 });
  using first = await connected(edge, "S: 220 …");
  using _second = await connected(edge, "S: 220 …");
  using third = await connected(edge, "S: 421 4.7.0 Too many connections: try again later");
  await third.ended();
  await first.play("C: QUIT\nS: 221 …");
  await first.ended();
  (await connected(edge, "S: 220 …")).close();
});

Deno.test("server: where nobody can say whether a client is let in, it is not left waiting", async () => {
  await using edge = startEdge({
    script: {
      connection() {
        throw new Error("trouble");
      },
    },
  });
  using client = await Dialogue.connect(edge.port);
  await client.ended();
  assertEquals(edge.context.troubles.map(String), ["Error: trouble"]);
});

Deno.test("server: a message of which not all was kept is not stored, whoever accepts it", async () => {
  await using edge = startEdge({ tls: true, script: { message: () => null } });
  using client = await connected(edge, `${LOGIN}${ENVELOPE}${DATA}`);
  const line = `${"x".repeat(98)}\r\n`;
  await client.send(`${line.repeat(200)}.\r\n`);
  await client.play("S: 451 4.3.0 Temporary local error: try again later");
  const { spool, admission, troubles } = edge.context;
  assertEquals([spool.messages.length, admission.refunded.length], [0, 1]);
  assertEquals(troubles.map(String), ["IncompleteMessage: of 20000 octets not all were kept"]);
});

Deno.test("server: over the limit a client that begins with TLS hears nothing in clear", async () => {
  await using edge = startEdge({ maxConnections: 1, tls: true });
  using _first = await Dialogue.connect(edge.port);
  using client = await Dialogue.connect(edge.port);
  await client.ended();
});

Deno.test("server: over the limit of connections from its address a client hears 421 and why", async () => {
  await using edge = startEdge({ maxConnectionsPerAddress: 1, hostname: "0.0.0.0" });
  using _first = await connected(edge, "S: 220 …");
  using second = await connected(edge, "S: 421 4.7.0 Too many connections from your address: …");
  await second.ended();
  const elsewhere = await Deno.connect({ hostname: "127.0.0.2", port: edge.port });
  // The kernel takes the destination's address as the source's on loopback.
  assertEquals(elsewhere.localAddr.hostname, "127.0.0.1");
  elsewhere.close();
});

Deno.test("server: a client that came by IPv4 to a socket of both families is known by its IPv4 address", async () => {
  await using edge = startEdge({ tls: true, hostname: "::" });
  using client = await connected(edge, `${LOGIN}${ENVELOPE}${DATA}C: text\nC: .\nS: 250 …`);
  await client.play("C: QUIT\nS: 221 …");
  assertEquals(edge.context.spool.messages[0]!.envelope.origin!.address, "127.0.0.1");
});

Deno.test("server: an idle client hears 421 4.4.2, one that is in time does not", async () => {
  await using edge = startEdge();
  using idle = await connected(edge, "S: 220 …");
  edge.context.monotonicMs = 4 * 60_000;
  using busy = await connected(edge, "S: 220 …\nC: NOOP\nS: 250 …");
  edge.context.monotonicMs = 5 * 60_000 + 1;
  await idle.play("S: 421 4.4.2 Idle for too long");
  await idle.ended();
  await busy.play("C: NOOP\nS: 250 …");
});

Deno.test("server: a client that stops inside its data hears 421 4.4.2, and its draft is discarded", async () => {
  await using edge = startEdge({ tls: true });
  const { promise: received, resolve } = Promise.withResolvers<void>();
  edge.context.spool.onWrite = resolve;
  using client = await connected(edge, `${LOGIN}${ENVELOPE}${DATA}C: text`);
  await received;
  // The server waits for more when the work of this turn is done.
  await new Promise((resolve) => setTimeout(resolve));
  edge.context.monotonicMs = 5 * 60_000 + 1;
  await client.play("S: 421 4.4.2 The message came too slowly");
  await client.ended();
  await allEnded(edge);
  assertEquals([edge.context.spool.messages, edge.context.spool.discarded], [[], ["MESSAGE-1"]]);
});

Deno.test("server: a client that vanishes inside its data leaves nothing behind", async () => {
  await using edge = startEdge({ tls: true });
  const client = await connected(edge, `${LOGIN}${ENVELOPE}${DATA}C: text`);
  client.close();
  await allEnded(edge);
  const { spool, admission, troubles } = edge.context;
  assertEquals([spool.messages, spool.discarded, admission.granted, admission.refunded, troubles], [
    [],
    ["MESSAGE-1"],
    [],
    [],
    [],
  ]);
});

Deno.test("server: a client that vanishes behind the final dot has its message kept once", async () => {
  await using edge = startEdge({ tls: true });
  const stored = Promise.withResolvers<void>();
  edge.context.spool.gate = stored.promise;
  const client = await connected(edge, `${LOGIN}${ENVELOPE}${DATA}C: text\nC: .`);
  client.close();
  stored.resolve();
  await allEnded(edge);
  const { spool, admission } = edge.context;
  assertEquals([spool.messages.length, admission.granted, admission.refunded], [1, ["MESSAGE-1"], []]);
});

Deno.test("drain: idle clients hear 421 4.3.2, nobody new is let in, an open transaction finishes", async () => {
  await using edge = startEdge({ tls: true });
  using idle = await connected(edge, LOGIN);
  using sending = await connected(edge, `${LOGIN}${ENVELOPE}`);
  const drained = edge.drain(30_000);
  await idle.play("S: 421 4.3.2 Shutting down: try again in a minute");
  await idle.ended();
  await Deno.connect({ hostname: "127.0.0.1", port: edge.port }).then(
    (conn) => {
      conn.close();
      throw new Error("the listener is open");
    },
    (error) => assert(error instanceof Deno.errors.ConnectionRefused),
  );
  await sending.play(`${DATA}
    C: text
    C: .
    S: 250 2.0.0 OK: queued as MESSAGE-1
    S: 421 4.3.2 …
  `);
  await sending.ended();
  await drained;
  assertEquals(edge.context.spool.messages.length, 1);
});

Deno.test("drain: what is still open when the grace is over is ended, and costs nothing", async () => {
  await using edge = startEdge({ tls: true });
  using client = await connected(edge, `${LOGIN}${ENVELOPE}${DATA}C: text`);
  const drained = edge.drain(1000);
  edge.context.monotonicMs = 1001;
  await client.play("S: 421 4.3.2 …");
  await client.ended();
  await drained;
  assertEquals([edge.context.spool.messages, edge.context.spool.discarded, edge.context.admission.granted], [
    [],
    ["MESSAGE-1"],
    [],
  ]);
});

Deno.test("server: one octet a chunk does not outlive the lowest data rate", async () => {
  await using edge = startEdge({ tls: true });
  using client = await connected(edge, `${LOGIN}${ENVELOPE}`);
  await client.send("BDAT 1\r\nx");
  await client.play("S: 250 …");
  edge.context.monotonicMs = 2 * 60_000;
  await client.send("BDAT 1\r\nx");
  await client.play("S: 250 …");
  // Within the command's own five minutes, but three minutes and two octets are over.
  edge.context.monotonicMs = 3 * 60_000 + 1000;
  await client.play("S: 421 4.4.2 The message came too slowly");
  await client.ended();
});
