import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  encodeRecord,
  findRecord,
  type Mark,
  readRecord,
  type Record,
  RECORD_HEADER_OCTETS,
  writeRecord,
} from "../../../relay/spool/record.ts";
import { contentOf, envelope } from "../../support/spool_on_disk.ts";

const MARK: Mark = { generation: 7, salt: 0x5a17_c0de };

function written(record: Record, mark = MARK, before = 0): Uint8Array {
  const encoded = encodeRecord(record);
  const octets = new Uint8Array(before + encoded.length).fill(0xaa);
  writeRecord(octets, before, mark, encoded);
  return octets;
}

const anyRecord: fc.Arbitrary<Record> = fc.record({
  meta: fc.oneof(
    fc.record({ void: fc.array(fc.string()) }),
    fc.string({ unit: "grapheme" }).map((id) => ({ accept: { envelope: envelope(id) } })),
  ),
  content: fc.uint8Array({ maxLength: 300 }),
});

Deno.test("record: what was written is read again, at any place, padded to a multiple of 8", () => {
  fc.assert(fc.property(anyRecord, fc.nat(5), (record, eighths) => {
    const octets = written(record, MARK, 8 * eighths);
    const result = readRecord(octets, 8 * eighths, MARK);
    assertEquals(result, { kind: "record", record, length: octets.length - 8 * eighths });
    assertEquals(octets.length % 8, 0);
  }));
});

Deno.test("record: each flipped bit is noticed, or lies in the padding", () => {
  const record = { meta: { void: ["01J"] }, content: contentOf("flips", 37) };
  const octets = written(record);
  const used = RECORD_HEADER_OCTETS + encodeRecord(record).metaOctets + record.content.length;
  for (let bit = 0; bit < 8 * octets.length; bit++) {
    octets[bit >> 3]! ^= 1 << (bit & 7);
    const result = readRecord(octets, 0, MARK);
    if (bit < 8 * used) assertEquals(result.kind, "none", `bit ${bit}`);
    else assertEquals(result, { kind: "record", record, length: octets.length });
    octets[bit >> 3]! ^= 1 << (bit & 7);
  }
});

Deno.test("record: one that is cut off anywhere is none", () => {
  const octets = written({ meta: { void: [] }, content: contentOf("cut", 64) });
  for (let length = 0; length < octets.length; length++) {
    assertEquals(readRecord(octets.subarray(0, length), 0, MARK).kind, "none");
  }
});

Deno.test("record: that of an earlier generation, or with another salt, is neither read nor found", () => {
  const octets = written({ meta: { void: [] }, content: contentOf("stale", 64) });
  for (const other of [{ ...MARK, generation: 6 }, { ...MARK, generation: 8 }, { ...MARK, salt: MARK.salt ^ 1 }]) {
    assertEquals(readRecord(octets, 0, other).kind, "none");
    assertEquals(findRecord(octets, 0, other), -1);
  }
});

Deno.test("record: the next one is found behind any octets", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), anyRecord, (noise, record) => {
    const before = Math.ceil(noise.length / 8) * 8;
    const octets = written(record, MARK, before);
    octets.set(noise);
    assertEquals(findRecord(octets, 0, MARK), before);
    assertEquals(findRecord(octets, before + 1, MARK), -1);
  }));
});
