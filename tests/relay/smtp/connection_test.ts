/**
 * A connection at every split of what it reads, and what it does when admission, the spool or the peer fail. The
 * conversation stands on an object here; server_test.ts has the sockets.
 */
import { assert, assertEquals } from "@std/assert";
import { replies } from "../../../relay/protocol/replies.ts";
import { Connection, type SessionConn } from "../../../relay/smtp/connection.ts";
import { edgeContext } from "../../support/edge.ts";
import { groupOctets, ScriptedConn } from "../../support/scripted_conn.ts";
import { CLOSE, groupsOf, type SessionDialogue } from "../../support/session_dialogue.ts";
import { dialogues } from "./dialogues.ts";

type Cut = (octets: Uint8Array, group: number) => Uint8Array[];

async function play(dialogue: SessionDialogue, cut: Cut) {
  const groups = groupsOf(dialogue);
  const context = edgeContext(dialogue.script, dialogue.rules);
  const conn = new ScriptedConn(groups, cut);
  await new Connection(conn, "192.0.2.1", dialogue.tls ?? false, context).run();
  assertEquals(context.troubles, []);
  const closes = groups.at(-1)!.server.at(-1) === CLOSE;
  assertEquals(conn.turns, groups.length - (closes ? 1 : 0), "the whole dialogue was played");
  return { groups, conn, context };
}

const whole: Cut = (octets) => [octets];
const pieces = (length: number): Cut => (octets) => {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < octets.length; at += length) chunks.push(octets.subarray(at, at + length));
  return chunks;
};

/** Pieces of more octets than this cut a dialogue as single splits do. */
const MAX_PIECE_OCTETS = 300;
/** How near to the end of a line a split of a long group is. */
const NEAR_OCTETS = 8;

/** Every place, or, in a group with a body, every place near the end of a line. */
function splits(octets: Uint8Array): number[] {
  const places = Array.from(octets.keys()).slice(1);
  if (octets.length < 1000) return places;
  const ends = places.filter((at) => octets[at] === 10);
  return places.filter((at) => ends.some((end) => Math.abs(at - end) <= NEAR_OCTETS));
}

for (const dialogue of dialogues) {
  Deno.test(`connection: ${dialogue.name}`, async (test) => {
    const { groups, conn, context } = await play(dialogue, whole);
    await test.step("each group is answered in one write", () => assertEquals(conn.writes, groups.length));

    await test.step("the same at every chunk split", async () => {
      const contents = context.spool.messages.map(({ content }) => content);
      const same = async (cut: Cut) => {
        const { context } = await play(dialogue, cut);
        assertEquals(context.spool.messages.map(({ content }) => content), contents);
      };
      const said = groups.map(groupOctets);
      const longest = Math.max(...said.map(({ length }) => length));
      for (let length = 1; length < Math.min(longest, MAX_PIECE_OCTETS); length++) await same(pieces(length));
      for (const [split, octets] of said.entries()) {
        for (const at of splits(octets)) {
          await same((octets, group) => group === split ? [octets.subarray(0, at), octets.subarray(at)] : [octets]);
        }
      }
    });
  });
}

/** A login, a recipient and a message of one line. */
const MESSAGE: SessionDialogue = {
  name: "a message",
  tls: true,
  text: `
    S: 220 …
    C: EHLO client.example
    C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
    C: MAIL FROM:<a@example.com>
    C: RCPT TO:<b@example.net>
    C: DATA
    S: 250-…
    S: 250-…
    S: 250-…
    S: 250-…
    S: 250-…
    S: 250-…
    S: 250-…
    S: 250-…
    S: 250-…
    S: 250 …
    S: 235 …
    S: 250 …
    S: 250 …
    S: 354 …
    C: text
    C: .
    S: 250 2.0.0 OK: queued as MESSAGE-1
  `,
};
/** The same with another end. */
const messageEnding = (reply: string): SessionDialogue => ({
  ...MESSAGE,
  text: MESSAGE.text.replace("250 2.0.0 OK: queued as MESSAGE-1", reply),
});

async function run(dialogue: SessionDialogue, prepare: (context: ReturnType<typeof edgeContext>) => void = () => {}) {
  const context = edgeContext(dialogue.script, dialogue.rules);
  prepare(context);
  const conn = new ScriptedConn(groupsOf(dialogue), whole);
  await new Connection(conn, "192.0.2.1", true, context).run();
  return context;
}

Deno.test("connection: an accepted message is kept with its envelope below one trace field, and its relays are", async () => {
  const { spool, admission } = await run(MESSAGE);
  const [message] = spool.messages;
  assertEquals(message!.content, "text\r\n");
  assertEquals(
    message!.trace,
    "Received: from client.example ([192.0.2.1])\r\n" +
      "\tby relay.example (MailHop) with ESMTPSA id MESSAGE-1\r\n" +
      "\t(TLSv1.3)\r\n" +
      "\tfor <b@example.net>; Mon, 23 Nov 2026 12:00:00 +0000\r\n",
  );
  const { envelope } = message!;
  assertEquals(envelope.reservation, { id: "MESSAGE-1", day: "2026-11-23", relays: 1, ndr: false });
  assertEquals(
    [envelope.account, envelope.reversePath, envelope.recipients, envelope.sizeBytes],
    ["alice", "a@example.com", ["b@example.net"], 6],
  );
  assertEquals([admission.granted, admission.refunded, spool.discarded], [["MESSAGE-1"], [], []]);
});

Deno.test("connection: a spool that cannot take the message is answered with 452 4.3.1, and the relays are given back", async () => {
  const { SpoolFailure } = await import("../../../relay/spool/errors.ts");
  const { spool, admission, troubles } = await run(
    messageEnding("452 4.3.1 The message could not be stored: try again later"),
    ({ spool }) => spool.failing.accept = new SpoolFailure("disk full"),
  );
  assertEquals([spool.messages.length, spool.discarded], [0, ["MESSAGE-1"]]);
  assertEquals([admission.granted, admission.refunded], [["MESSAGE-1"], ["MESSAGE-1"]]);
  assertEquals(troubles.length, 1);
});

Deno.test("connection: a draft that cannot be written is answered with 452 4.3.1 at the end of the data, at no cost", async () => {
  const { spool, admission, troubles } = await run(
    messageEnding("452 4.3.1 The message could not be stored: try again later"),
    ({ spool }) => spool.failing.write = new Error("no space left on device"),
  );
  assertEquals([spool.messages.length, spool.discarded, admission.granted], [0, ["MESSAGE-1"], []]);
  assertEquals(troubles.length, 1);
});

Deno.test("connection: an error nobody expected is answered with 451 4.3.0 and reported, and the relays are given back", async () => {
  const bug = new TypeError("a bug");
  const stored = await run(
    messageEnding("451 4.3.0 Temporary local error: try again later"),
    ({ spool }) => spool.failing.accept = bug,
  );
  assertEquals([stored.admission.refunded, stored.spool.discarded, stored.troubles], [["MESSAGE-1"], ["MESSAGE-1"], [
    bug,
  ]]);
  const fails = () => {
    throw bug;
  };
  const decided = await run({
    ...messageEnding("451 4.3.0 Temporary local error: try again later"),
    script: { message: fails },
  });
  assertEquals([decided.spool.discarded, decided.troubles], [["MESSAGE-1"], [bug]]);
});

Deno.test("connection: an error in the middle of a session is temporary for the client, and the session goes on", async () => {
  const bug = new TypeError("a bug");
  const fails = () => {
    throw bug;
  };
  const login = "C: HELO c\nS: 250 …\nC: AUTH PLAIN AGFsaWNlAHNlY3JldA==\n";
  const greeting = "S: 220 …\n";
  const { troubles: atLogin } = await run({
    name: "login fails",
    script: { login: fails },
    text: `${greeting}${login}S: 454 4.7.0 …\nC: NOOP\nS: 250 …`,
  });
  const { troubles: atMail } = await run({
    name: "MAIL fails",
    script: { mail: fails },
    text: `${greeting}${login}S: 235 …\nC: MAIL FROM:<>\nS: 451 4.3.0 …\nC: NOOP\nS: 250 …`,
  });
  const { troubles: atRcpt } = await run({
    name: "RCPT fails",
    script: { recipient: fails },
    text:
      `${greeting}${login}S: 235 …\nC: MAIL FROM:<>\nS: 250 …\nC: RCPT TO:<b@example.com>\nS: 451 4.3.0 …\nC: DATA\nS: 503 …`,
  });
  assertEquals([atLogin, atMail, atRcpt], [[bug], [bug], [bug]]);
});

Deno.test("connection: a client that vanishes inside the data leaves nothing behind", async () => {
  for (const body of ["", "text\r\n", "text\r\n.", "text\r\n.\r"]) {
    const context = edgeContext();
    const groups = groupsOf(MESSAGE);
    let data = false;
    const conn = new ScriptedConn(groups, (octets, group) => {
      data = group === 2;
      return data ? [new TextEncoder().encode(body)] : [octets];
    });
    const vanishing: SessionConn = {
      read: async (target) => data ? null : await conn.read(target),
      write: (octets) => conn.write(octets),
      close: () => {},
    };
    await new Connection(vanishing, "192.0.2.1", true, context).run();
    const { spool, admission, troubles } = context;
    assertEquals(
      [spool.messages, spool.discarded, admission.granted, admission.refunded, troubles],
      [[], ["MESSAGE-1"], [], [], []],
    );
  }
});

/** A peer that reads nothing, or vanishes while it is written to. */
function deafConn(write: () => Promise<number>): SessionConn & { closed: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const interrupted = promise.then(() => Promise.reject(new Deno.errors.Interrupted()));
  interrupted.catch(() => {});
  return {
    closed: promise,
    read: () => interrupted,
    write: () => Promise.race([write(), interrupted]),
    close: resolve,
  };
}

Deno.test("connection: a peer that does not read its replies is closed all the same", async () => {
  const context = edgeContext();
  const conn = deafConn(() => new Promise(() => {}));
  const connection = new Connection(conn, "192.0.2.1", false, context);
  const running = connection.run();
  // Asked for again and again, as the sweep does: said once.
  await Promise.all([connection.end(replies.idle), connection.end(replies.idle), connection.end(replies.idle)]);
  await Promise.all([running, conn.closed]);
  assertEquals(context.troubles, []);
});

Deno.test("connection: a peer that has gone is an end, not trouble", async () => {
  for (
    const error of [new Deno.errors.BrokenPipe(), new Deno.errors.ConnectionReset(), new Deno.errors.UnexpectedEof()]
  ) {
    const context = edgeContext();
    await new Connection(deafConn(() => Promise.reject(error)), "192.0.2.1", false, context).run();
    assertEquals(context.troubles, []);
  }
});

Deno.test("connection: a message that is being stored when the session is ended gets its own reply first", async () => {
  const context = edgeContext();
  const stored = Promise.withResolvers<void>();
  context.spool.gate = stored.promise;
  const dialogue = messageEnding("250 2.0.0 OK: queued as MESSAGE-1\nS: 421 4.3.2 Shutting down: …\nS: <close>");
  const conn = new ScriptedConn(groupsOf(dialogue), whole);
  const connection = new Connection(conn, "192.0.2.1", true, context);
  const running = connection.run();
  while (context.admission.granted.length === 0) await Promise.resolve();
  assert(connection.inTransaction);
  assertEquals(connection.deadline, Infinity, "the client waits for us, not we for it");
  await connection.end(replies.shuttingDown);
  assert(!conn.closed);
  stored.resolve();
  await running;
  assertEquals([context.spool.messages.length, context.admission.refunded, conn.closed], [1, [], true]);
});

Deno.test("connection: the deadline is minutes behind the last thing the client had to say", async () => {
  const context = edgeContext();
  const minute = 60_000;
  const seen: number[] = [];
  const groups = groupsOf(MESSAGE);
  const conn = new ScriptedConn(groups, (octets, group) => {
    seen.push(connection.deadline);
    context.monotonicMs = group * minute;
    return [octets];
  });
  const connection: Connection = new Connection(conn, "192.0.2.1", true, context);
  await connection.run();
  // The greeting, the data's first block, and the next command.
  assertEquals([...seen, connection.deadline], [5 * minute, minute + 3 * minute, 2 * minute + 5 * minute]);
});

Deno.test("connection: a chunk that was refused leaves no deadline behind, neither for the session nor for a message", async () => {
  const context = edgeContext();
  const minute = 60_000;
  const seen: number[] = [];
  const groups = groupsOf({
    name: "a refused chunk, a pause, a message",
    text: `
      S: 220 …
      C: HELO client.example
      C: AUTH PLAIN AGFsaWNlAHNlY3JldA==
      C: BDAT 6
      C: NOOP
      S: 250 …
      S: 235 …
      S: 503 5.5.1 Say MAIL first
      C: MAIL FROM:<a@example.com>
      C: RCPT TO:<b@example.net>
      C: DATA
      S: 250 …
      S: 250 …
      S: 354 …
      C: text
      C: .
      S: 250 2.0.0 OK: queued as MESSAGE-1
    `,
  });
  const conn = new ScriptedConn(groups, (octets, group) => {
    seen.push(connection.deadline);
    context.monotonicMs = group * 4 * minute;
    return [octets];
  });
  const connection: Connection = new Connection(conn, "192.0.2.1", true, context);
  await connection.run();
  // The greeting, the next command behind the chunk, and the data's first block.
  assertEquals(seen, [5 * minute, 4 * minute + 5 * minute, 8 * minute + 3 * minute]);
  assertEquals(context.spool.messages.length, 1);
});
