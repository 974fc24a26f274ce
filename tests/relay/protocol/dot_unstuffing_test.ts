/**
 * Reading the data of a message against an oracle that has all octets at once: whatever the octets, wherever the
 * chunks are split.
 */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { DotStuffing } from "../../../relay/protocol/dot_stuffing.ts";
import { DotUnstuffing } from "../../../relay/protocol/dot_unstuffing.ts";

interface Read {
  /** Octets of the wire that belong to the data, or -1 while it has not ended. */
  readonly end: number;
  readonly bare: boolean;
  readonly content: string;
  readonly sizeBytes: number;
}

/** Latin-1, so that a character is an octet. */
const octets = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const text = (octets: Uint8Array) => Array.from(octets, (octet) => String.fromCharCode(octet)).join("");

function read(chunks: readonly string[]): Read {
  const unstuffing = new DotUnstuffing();
  let content = "", before = 0, end = -1;
  for (const chunk of chunks) {
    const ended = unstuffing.push(octets(chunk), (slice) => content += text(slice));
    if (ended >= 0) {
      end = before + ended;
      break;
    }
    before += chunk.length;
  }
  return { end, bare: unstuffing.bareLineEnding, content, sizeBytes: unstuffing.sizeBytes };
}

/** The whole wire at once, by the words of RFC 5321 4.1.1.4 and 4.5.2. */
function oracle(wire: string): { end: number; bare: boolean; content: string } {
  const found = `\r\n${wire}`.indexOf("\r\n.\r\n");
  assert(found >= 0, "the test's wire has an end");
  const data = wire.slice(0, found);
  return {
    end: found + 3,
    bare: /\r(?!\n)|(?<!\r)\n/.test(data),
    content: data.split("\r\n").map((line) => line.replace(/^\./, "")).join("\r\n"),
  };
}

function check(chunks: readonly string[]): void {
  const wire = chunks.join("");
  const expected = oracle(wire);
  const seen = read(chunks);
  const where = JSON.stringify(chunks);
  assertEquals(seen.end, expected.end, where);
  assertEquals(seen.bare, expected.bare, where);
  assertEquals(seen.sizeBytes, seen.content.length, where);
  if (!expected.bare) assertEquals(seen.content, expected.content, where);
}

const ALPHABET = ["\r", "\n", ".", "\0", "x"];
const END = "\r\n.\r\n";
/** What follows the end on the wire, and must not be touched. */
const NEXT = "QUIT\r\n";

function* sequences(length: number): Generator<string> {
  if (length === 0) yield "";
  else for (const head of sequences(length - 1)) for (const character of ALPHABET) yield head + character;
}

/** All ways to cut a text into chunks. */
function* splits(whole: string): Generator<string[]> {
  for (let cuts = 0; cuts < 1 << Math.max(0, whole.length - 1); cuts++) {
    const chunks: string[] = [];
    let from = 0;
    for (let at = 1; at < whole.length; at++) {
      if ((cuts >> (at - 1)) & 1) {
        chunks.push(whole.slice(from, at));
        from = at;
      }
    }
    yield [...chunks, whole.slice(from)];
  }
}

Deno.test("end of data: every sequence of up to 3 octets of CR, LF, dot, NUL and x, at every chunk split", () => {
  for (let length = 0; length <= 3; length++) {
    for (const sequence of sequences(length)) for (const chunks of splits(sequence + END)) check([...chunks, NEXT]);
  }
});

Deno.test("end of data: every sequence of up to 6 octets, split once anywhere and split into single octets", () => {
  for (let length = 4; length <= 6; length++) {
    for (const sequence of sequences(length)) {
      const wire = sequence + END + NEXT;
      for (let at = 0; at <= sequence.length + END.length; at++) check([wire.slice(0, at), wire.slice(at)]);
      check([...wire]);
    }
  }
});

Deno.test("end of data: every sequence of up to 5 octets behind the start of a line and in front of one", () => {
  for (const sequence of sequences(5)) {
    check([...`x\r\n${sequence}`, `\r\nx${END}${NEXT}`]);
    check([`x\r\n${sequence}x${END}`, NEXT]);
  }
});

Deno.test("end of data: what looks like the end with a bare CR or LF is content, and is flagged", () => {
  for (
    const lookalike of ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\r\n\0.\r\n", "\r\n.\0\r\n"]
  ) {
    const wire = `a${lookalike}MAIL FROM:<evil@example.com>${END}`;
    for (const chunks of [[wire], [...wire]]) {
      const { end, bare } = read(chunks);
      assertEquals(end, wire.length, JSON.stringify(lookalike));
      assertEquals(bare, !lookalike.includes("\0"), JSON.stringify(lookalike));
    }
  }
});

Deno.test("end of data: a dot line at the very start is an empty message", () => {
  for (const chunks of splits(".\r\n")) assertEquals(read(chunks), { end: 3, bare: false, content: "", sizeBytes: 0 });
});

Deno.test("end of data: none yet is -1, and a dot and a CR that may belong to it are held back", () => {
  for (const wire of ["", "x", "x\r", "x\r\n", "x\r\n.", "x\r\n.\r"]) {
    for (const chunks of splits(wire)) {
      const { end, bare, content } = read(chunks);
      assertEquals([end, bare, content], [-1, false, wire.slice(0, 3)], JSON.stringify(chunks));
    }
  }
});

Deno.test("property: long bodies of any octets are read as the oracle reads them, at any splits", () => {
  const line = fc.array(
    fc.oneof(fc.constantFrom(...ALPHABET), fc.integer({ min: 0, max: 255 }).map(String.fromCharCode)),
    {
      maxLength: 40,
    },
  ).map((characters) => characters.join(""));
  const body = fc.array(fc.tuple(line, fc.constantFrom("\r\n", "\r\n", "\r\n", "\r", "\n", "\r\n.", "\r\n..")), {
    maxLength: 60,
  });
  fc.assert(fc.property(body, fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (lines, lengths) => {
    const wire = lines.flat().join("") + END + NEXT;
    const chunks: string[] = [];
    for (let at = 0, turn = 0; at < wire.length; turn++) {
      const length = lengths[turn % lengths.length]!;
      chunks.push(wire.slice(at, at + length));
      at += length;
    }
    check(chunks);
  }));
});

Deno.test("property: what dot stuffing sends is read back unchanged", () => {
  const line = fc.constantFrom("", ".", "..", ".x", "x.", "\0", "\u{e9}").map((start) => `${start}rest\r\n`);
  const lines = fc.array(fc.oneof(line, fc.constantFrom("\r\n", ".\r\n", "..\r\n", "x\r\n")), { maxLength: 50 });
  fc.assert(fc.property(lines.map((all) => all.join("")), fc.nat(60), (content, cut) => {
    const stuffing = new DotStuffing();
    const wire = [content.slice(0, cut), content.slice(cut)].map((part) => text(stuffing.push(octets(part))));
    const { end, bare, content: seen } = read([...wire, text(stuffing.end())]);
    assert(end >= 0);
    assertEquals([bare, seen], [false, content]);
  }));
});

Deno.test("hostile chunks of a MiB of lone CRs, lone LFs or dots are read in one pass", () => {
  // An octet looked at twice for each other one would take hours here.
  for (const pattern of ["\r", "\n", ".", "\r\r\n", "\r\n", "x\r", "\n\r", "\r\n..", "\0"]) {
    const chunk = octets(pattern.repeat(Math.ceil(2 ** 20 / pattern.length)));
    const unstuffing = new DotUnstuffing();
    let seen = 0;
    assertEquals(unstuffing.push(chunk, (slice) => seen += slice.length), -1, JSON.stringify(pattern));
    assertEquals(unstuffing.sizeBytes, seen);
  }
});
