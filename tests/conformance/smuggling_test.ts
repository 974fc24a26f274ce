/**
 * SMTP smuggling (CVE-2023-51764 and its family) on the whole way: a socket, the edge, the spool on disk, delivery, a
 * next hop. Every sequence of CR, LF, dot and NUL stands where the end of the data might be seen, in front of another
 * envelope, by DATA and by BDAT, and is cut into reads at every place.
 *
 * What has to come of it is told by the session's model; what counts is that both ends saw the same messages.
 */
import { assertEquals } from "@std/assert";
import { startTestNode, type TestNode } from "../support/node.ts";
import { belowTrace } from "../support/octets.ts";
import { testRules } from "../support/session_dialogue.ts";
import { SessionModel } from "../support/session_model.ts";
import { eventually } from "../support/relay_process.ts";
import { repeatable, sizeOf } from "../support/size.ts";
import { WatchedListener } from "../support/watched_listener.ts";
import { within } from "../support/within.ts";

/** Up to so many octets: every sequence, cut at every place; and those with one more, octet by octet. */
const MAX_OCTETS = sizeOf({ ci: 3, large: 5 });
const ALPHABET = ["\r", "\n", ".", "\0"];
/** Sessions at once: the spool stores them in groups. */
const CONCURRENT = 16;
/** From the last 250 to the last arrival. */
const DELIVERY_DEADLINE_MS = 60_000;
const SENDER = "anna@example.com";
const HEADER = `From: ${SENDER}\r\n\r\n`;
/** Inside a line, and at the start of one. */
const BEFORE = ["text", "text\r\n"];

interface Case {
  /** What the client says, in the pieces in which it arrives. */
  readonly pieces: readonly string[];
  readonly number: number;
}

function* sequences(length: number): Generator<string> {
  if (length === 0) yield "";
  else for (const head of sequences(length - 1)) for (const octet of ALPHABET) yield head + octet;
}

/** Sequences, each with the ways to cut it; the cut may be in front of it and behind it. */
function* cutSequences(): Generator<string[]> {
  for (let length = 0; length <= MAX_OCTETS + 1; length++) {
    for (const sequence of sequences(length)) {
      yield [...sequence];
      if (length > MAX_OCTETS) continue;
      for (let at = 0; at <= length; at++) yield [sequence.slice(0, at), sequence.slice(at)];
    }
  }
}

const envelope = (recipient: string) => `MAIL FROM:<${SENDER}>\r\nRCPT TO:<${recipient}@example.net>\r\n`;
const chunk = (octets: string, last = "") => `BDAT ${octets.length}${last}\r\n${octets}`;

function* corpus(): Generator<Case> {
  let number = 0;
  for (const before of BEFORE) {
    for (const [first = "", ...more] of cutSequences()) {
      const hidden = (id: number) => `${envelope(`hidden${id}`)}DATA\r\n${HEADER}smuggled\r\n.\r\n`;
      const start = (id: number) => `EHLO c\r\n${envelope(`open${id}`)}`;
      const head = `${HEADER}${before}${first}`;
      number++;
      yield { number, pieces: [`${start(number)}DATA\r\n`, head, ...more, `${hidden(number)}QUIT\r\n`] };
      number++;
      const chunks = [chunk(head), ...more.map((octets) => chunk(octets)), chunk(hidden(number), " LAST")];
      yield { number, pieces: [start(number), ...chunks, "QUIT\r\n"] };
    }
  }
}

/** What has to come of a case: the code of each reply, and by recipient what is accepted. */
function expected(pieces: readonly string[]): { codes: string[]; accepted: [string, string][] } {
  const model = new SessionModel({ ...testRules, allowPlaintextAuth: true }, false, ["network"]);
  model.receive(pieces.join(""));
  const accepted: [string, string][] = [];
  for (const [at, entry] of model.log.entries()) {
    if (!entry.startsWith("message? ") || !model.log[at + 1]!.startsWith("250")) continue;
    const { transaction: { to: [recipient] }, content } = JSON.parse(entry.slice("message? ".length));
    accepted.push([recipient, content]);
  }
  return { codes: model.log.filter((entry) => /^\d/.test(entry)).map((entry) => entry.slice(0, 3)), accepted };
}

/** What a client heard: the code of each reply, and the ids of what was accepted. */
async function play(watched: WatchedListener, pieces: readonly string[]): Promise<{ codes: string[]; ids: string[] }> {
  using client = await watched.connect();
  await client.greeted();
  for (const piece of pieces) await client.send(piece);
  const said = await client.finish();
  return {
    codes: [...said.matchAll(/^(\d{3}) /gm)].map(([, code]) => code!),
    ids: [...said.matchAll(/queued as (\w+)/g)].map(([, id]) => id!),
  };
}

/** Sends the corpus; gives what was accepted by recipient, and fails where a reply is not the expected one. */
async function send(node: TestNode): Promise<Map<string, { readonly id: string; readonly content: string }>> {
  const watched = new WatchedListener();
  node.serve(watched.listener);
  const acceptedIds = new Map<string, { readonly id: string; readonly content: string }>();
  const cases = corpus();
  const sendSome = async () => {
    // The iterator is shared: each takes the next case.
    for (let next = cases.next(); !next.done; next = cases.next()) {
      const { pieces, number } = next.value;
      const { codes, accepted } = expected(pieces);
      const heard = await play(watched, pieces);
      const where = `case ${number}, ${JSON.stringify(pieces)}`;
      assertEquals(heard.codes, codes, where);
      assertEquals(heard.ids.length, accepted.length, where);
      for (const [at, [recipient, content]] of accepted.entries()) {
        acceptedIds.set(recipient, { id: heard.ids[at]!, content });
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT }, sendSome));
  return acceptedIds;
}

Deno.test(
  "conformance: nothing is smuggled: what is accepted is what the next hop receives",
  repeatable(import.meta.filename, async () => {
    await using node = await startTestNode({ settings: { blockRelays: 1_000_000 } });
    await node.account("anna", { blocks: 1 });
    await node.api("POST", "/anna/networks", { cidr: "127.0.0.1/32" });

    const accepted = await send(node);
    const arrived = node.nextHop.until(({ received }) => received.length >= accepted.size);
    await within(arrived, `the arrival of ${accepted.size} messages`, DELIVERY_DEADLINE_MS);
    // What was charged for is all that the spool ever held. A lease's messages are charged when they are settled.
    await eventually(
      async () => await node.used("anna") >= accepted.size || undefined,
      "all that was accepted to be charged",
    );
    assertEquals(await node.used("anna"), accepted.size);
    await node.drain(0);

    assertEquals(node.nextHop.received.length, accepted.size);
    for (const { recipients: [recipient, ...others], content } of node.nextHop.received) {
      const sent = accepted.get(recipient!)!;
      assertEquals([belowTrace(content, sent.id), others], [sent.content, []], recipient);
      assertEquals(/\r(?!\n)|(?<!\r)\n/.test(content), false, `a bare CR or LF in the message to ${recipient}`);
    }
    // What is no command of an envelope is content that was taken for one.
    const commands = node.nextHop.transcript.filter((line) =>
      line.startsWith("C: ") && !/^C: \(\d+ octets\)$/.test(line)
    );
    assertEquals(commands.filter((line) => !/^C: (?:EHLO|MAIL|RCPT|DATA|RSET|QUIT|NOOP)\b[ -~]*$/.test(line)), []);
  }),
);
