/**
 * The log's record: how it looks in a segment file. Pure.
 *
 *     offset  size  field
 *          0     4  magic "MHr1"
 *          4     4  generation of the segment: what an earlier use of the file left behind has another one
 *          8     4  octets of meta
 *         12     4  octets of content
 *         16     4  salt of the segment: drawn for each use of a file, and known to nobody outside
 *         20     4  CRC-32 of octets 4 to 20, meta and content
 *         24     …  meta (JSON), content, zeros up to a multiple of 8
 *
 * All numbers are unsigned, little endian. Records start at multiples of 8, so that a scan can find the next one
 * behind a damaged one. It looks into the damaged one's content on the way, which a client wrote: the salt is what keeps
 * a message from passing off a part of itself as a record.
 */
import { crc32 } from "node:zlib";
import type { NodeEvent } from "../../api/client.ts";
import type { Envelope, RecipientState } from "../envelope.ts";
import { SpoolDamaged } from "./errors.ts";

/** A message whose content has a file of its own. */
export interface LargeContent {
  readonly sizeBytes: number;
  readonly crc32: number;
}

export interface RecipientChange {
  readonly recipient: number;
  readonly state: RecipientState;
}

/** A message as a record has it; its content follows, unless it is `large`. */
export interface StoredMessage {
  readonly envelope: Envelope;
  readonly large?: LargeContent;
}

/** What a record says; at least one field is set. Content belongs to `accept` or `moved`. */
export interface Meta {
  readonly accept?: StoredMessage;
  /** A message that lay elsewhere in the log: it lies here now, if it has not ended. */
  readonly moved?: StoredMessage;
  readonly outcome?: {
    readonly messageId: string;
    readonly changes: readonly RecipientChange[];
    readonly events: readonly NodeEvent[];
  };
  /** Messages whose group could not be synced: they were refused, whatever the disk kept of them. */
  readonly void?: readonly string[];
}

export interface Record {
  readonly meta: Meta;
  readonly content: Uint8Array;
}

/** A record ready to be written: its meta as text, which becomes octets where they are written. */
export interface EncodedRecord {
  readonly meta: string;
  /** Of the meta in UTF-8. */
  readonly metaOctets: number;
  readonly content: Uint8Array;
  /** Octets in the file, padding included. */
  readonly length: number;
}

/** What shows that a record belongs to the present use of its file. */
export interface Mark {
  readonly generation: number;
  readonly salt: number;
}

export const RECORD_HEADER_OCTETS = 24;
const ALIGNMENT = 8;
const MAGIC = 0x3172484d; // "MHr1"
const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder();

/** The message in a record. @throws {SpoolDamaged} if it is another one, or there is none. */
export function storedMessage({ accept, moved }: Meta, id: string): StoredMessage {
  const message = accept ?? moved;
  if (message?.envelope.id !== id) throw new SpoolDamaged(`the index names another record as ${id}`);
  return message;
}

export function encodeRecord({ meta, content }: Record): EncodedRecord {
  const text = JSON.stringify(meta);
  const metaOctets = octetsOf(text);
  return { meta: text, metaOctets, content, length: align(RECORD_HEADER_OCTETS + metaOctets + content.length) };
}

/** Of a text in UTF-8. Two encodings into memory that is there cost a fifth of one that makes its own. */
function octetsOf(text: string): number {
  const { read, written } = textEncoder.encodeInto(text, SCRATCH);
  return read === text.length ? written : textEncoder.encode(text).length;
}

/** The meta of a message to a hundred recipients fits. */
const SCRATCH = new Uint8Array(64 * 1024);

/** Writes a record into `target` at `at`; there must be room for its length. */
export function writeRecord(target: Uint8Array, at: number, mark: Mark, record: EncodedRecord): void {
  const { meta, metaOctets, content } = record;
  const view = new DataView(target.buffer, target.byteOffset + at, record.length);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, mark.generation, true);
  view.setUint32(8, metaOctets, true);
  view.setUint32(12, content.length, true);
  view.setUint32(16, mark.salt, true);
  const payload = at + RECORD_HEADER_OCTETS;
  textEncoder.encodeInto(meta, target.subarray(payload, payload + metaOctets));
  target.set(content, payload + metaOctets);
  target.fill(0, payload + metaOctets + content.length, at + record.length);
  view.setUint32(20, checksum(target, at, metaOctets + content.length), true);
}

export type ReadResult =
  | { readonly kind: "record"; readonly record: Record; readonly length: number }
  /** No intact record of this use of the file here. */
  | { readonly kind: "none" };

/** Reads the record at `at`. Its content is a view into `source`. */
export function readRecord(source: Uint8Array, at: number, mark: Mark): ReadResult {
  const none = { kind: "none" } as const;
  if (at + RECORD_HEADER_OCTETS > source.length) return none;
  const view = new DataView(source.buffer, source.byteOffset + at);
  if (!bearsMark(view, 0, mark)) return none;
  const metaOctets = view.getUint32(8, true), contentOctets = view.getUint32(12, true);
  const length = align(RECORD_HEADER_OCTETS + metaOctets + contentOctets);
  if (at + length > source.length) return none;
  if (checksum(source, at, metaOctets + contentOctets) !== view.getUint32(20, true)) return none;
  const payload = at + RECORD_HEADER_OCTETS;
  const meta = JSON.parse(textDecoder.decode(source.subarray(payload, payload + metaOctets))) as Meta;
  const content = source.subarray(payload + metaOctets, payload + metaOctets + contentOctets);
  return { kind: "record", record: { meta, content }, length };
}

/** The next place at or behind `at` where a record with this mark starts, intact or not, or -1. */
export function findRecord(source: Uint8Array, at: number, mark: Mark): number {
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  for (let place = align(at); place + RECORD_HEADER_OCTETS <= source.length; place += ALIGNMENT) {
    if (bearsMark(view, place, mark)) return place;
  }
  return -1;
}

function bearsMark(view: DataView, at: number, { generation, salt }: Mark): boolean {
  return view.getUint32(at, true) === MAGIC && view.getUint32(at + 4, true) === generation &&
    view.getUint32(at + 16, true) === salt;
}

function checksum(octets: Uint8Array, at: number, payloadOctets: number): number {
  const head = crc32(octets.subarray(at + 4, at + 20));
  const payload = at + RECORD_HEADER_OCTETS;
  return crc32(octets.subarray(payload, payload + payloadOctets), head) >>> 0;
}

function align(octets: number): number {
  return Math.ceil(octets / ALIGNMENT) * ALIGNMENT;
}
