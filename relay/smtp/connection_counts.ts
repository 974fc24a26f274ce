/**
 * Counts open SMTP connections, in all and for each address, over all nodes of a process: a table in shared memory.
 * "Address" is what one client has: of IPv6 its whole /64, as for failed logins.
 *
 * Guarantees: of several that race, whoever comes last sees all the others, so that a limit on the counts is never
 * passed, however many nodes let clients in at the same moment. Each node writes its own part of the table only; it adds
 * itself first and sums up over all parts then. At the very limit two that race may both be refused; that errs on the
 * safe side. The part of a node that has died is cleared by `forget`. Nothing is ever locked, so nobody can die with a
 * lock. How many are too many is the policy's to say.
 */
import { addressPrefix } from "../protocol/address_prefix.ts";

/** What the nodes share; it can be sent to a worker. */
export interface ConnectionTable {
  readonly memory: SharedArrayBuffer;
  readonly nodes: number;
  /** Makes places in the table unforeseeable. */
  readonly seed: number;
}

/** A connection that is counted until it is released. */
export interface Counted {
  /** Open connections, and of these, those from its address (IPv6: its /64); this one included. */
  readonly open: number;
  readonly fromAddress: number;
  readonly release: () => void;
}

/** A part is: connections in all, then so many buckets of so many entries of (tag of the address, connections). */
const HEADER_WORDS = 1;
const ENTRY_WORDS = 2;
/** With a quarter of the entries in use, a bucket overflows for less than one address in 100 million. */
const BUCKET_ENTRIES = 16;
const ENTRIES_PER_CONNECTION = 4;
/** 2 MiB for each node, taken up as it is used; a machine has descriptors for fewer connections. */
const MAX_ENTRIES = 1 << 18;
const BUCKET_WORDS = BUCKET_ENTRIES * ENTRY_WORDS;

/**
 * @param expected connections that it is made for: up to four times as many find room.
 * @param seed any 32 random bits.
 */
export function newConnectionTable(nodes: number, expected: number, seed: number): ConnectionTable {
  const wanted = Math.min(expected * ENTRIES_PER_CONNECTION, MAX_ENTRIES);
  const entries = Math.max(BUCKET_ENTRIES, 2 ** Math.ceil(Math.log2(wanted)));
  const words = nodes * (HEADER_WORDS + entries * ENTRY_WORDS);
  return { nodes, seed, memory: new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT) };
}

/** A bucket without room: to count on would be to guess, so it is as many as can be. */
const UNCOUNTED: Counted = { open: Number.MAX_SAFE_INTEGER, fromAddress: Number.MAX_SAFE_INTEGER, release: () => {} };

export class ConnectionCounts {
  readonly #table: ConnectionTable;
  readonly #words: Int32Array;
  readonly #wordsOfNode: number;
  readonly #buckets: number;
  readonly #node: number;

  /** @param node whose connections these are: 0 to `table.nodes` - 1. */
  constructor(table: ConnectionTable, node: number) {
    this.#table = table;
    this.#words = new Int32Array(table.memory);
    this.#wordsOfNode = this.#words.length / table.nodes;
    this.#buckets = (this.#wordsOfNode - HEADER_WORDS) / BUCKET_WORDS;
    this.#node = node;
  }

  /** This node's connections that are open now. */
  get own(): number {
    return Atomics.load(this.#words, this.#part(this.#node));
  }

  /** Connections of all nodes that are open now. */
  get open(): number {
    let open = 0;
    for (let node = 0; node < this.#table.nodes; node++) open += Atomics.load(this.#words, this.#part(node));
    return open;
  }

  /** Counts a connection, until it is released. */
  add(address: string): Counted {
    const words = this.#words, all = this.#part(this.#node);
    const { bucket, tag } = placeOf(addressPrefix(address), this.#table.seed, this.#buckets);
    const own = this.#ownEntry(bucket, tag);
    if (own === undefined) return UNCOUNTED;
    Atomics.add(words, all, 1);
    Atomics.add(words, own + 1, 1);
    const release = () => {
      Atomics.sub(words, own + 1, 1);
      Atomics.sub(words, all, 1);
    };
    return { open: this.open, fromAddress: this.#fromAddress(bucket, tag), release };
  }

  /** Clears what a node counted, which must have ended. */
  forget(node: number): void {
    const part = this.#part(node);
    for (let word = part; word < part + this.#wordsOfNode; word++) Atomics.store(this.#words, word, 0);
  }

  #fromAddress(bucket: number, tag: number): number {
    let fromAddress = 0;
    for (let node = 0; node < this.#table.nodes; node++) {
      const entry = this.#find(this.#bucket(node, bucket), tag);
      if (entry !== undefined) fromAddress += Atomics.load(this.#words, entry + 1);
    }
    return fromAddress;
  }

  /** The entry for `tag` in this node's part; one without connections becomes it, if there is none. */
  #ownEntry(bucket: number, tag: number): number | undefined {
    const start = this.#bucket(this.#node, bucket);
    const found = this.#find(start, tag);
    if (found !== undefined) return found;
    for (let entry = start; entry < start + BUCKET_WORDS; entry += ENTRY_WORDS) {
      if (Atomics.load(this.#words, entry + 1) > 0) continue;
      // The tag before the count: who sees the count sees whose it is.
      Atomics.store(this.#words, entry, tag);
      return entry;
    }
    return undefined;
  }

  #find(start: number, tag: number): number | undefined {
    for (let entry = start; entry < start + BUCKET_WORDS; entry += ENTRY_WORDS) {
      if (Atomics.load(this.#words, entry) === tag) return entry;
    }
    return undefined;
  }

  #part(node: number): number {
    return node * this.#wordsOfNode;
  }

  #bucket(node: number, bucket: number): number {
    return this.#part(node) + HEADER_WORDS + bucket * BUCKET_WORDS;
  }
}

/**
 * An address prefix's bucket, and its tag, never 0. Two that share both (one pair in 10,000 million, with the table of
 * the default settings) are counted as one.
 */
function placeOf(prefix: string, seed: number, buckets: number): { bucket: number; tag: number } {
  return { bucket: (hash(prefix, ~seed) >>> 0) % buckets, tag: hash(prefix, seed) || 1 };
}

/** Mixes each character in and stirs, as the 32-bit finalizer of MurmurHash3 does. */
function hash(text: string, seed: number): number {
  let state = seed | 0;
  for (let at = 0; at < text.length; at++) {
    state ^= text.charCodeAt(at);
    state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    state ^= state >>> 16;
  }
  return state;
}
