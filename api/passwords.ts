/**
 * Hashes and checks passwords with scrypt, off the event loop and a few at a time.
 *
 * A hash is a PHC string, `$scrypt$ln=14,r=8,p=1$salt$hash`, that carries its own parameters: raising the ones below
 * leaves older hashes valid. A check costs the same whether or not there is such an account.
 */
import { Buffer } from "node:buffer";
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { createBoundedQueue } from "./bounded_queue.ts";

/** Of a hash, as scrypt has it (RFC 7914 2). */
export interface Cost {
  /** log2 of scrypt's N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** 16 MiB and about 40 ms for one hash. */
const COST: Cost = { ln: 14, r: 8, p: 1 };
const SALT_OCTETS = 16;
const HASH_OCTETS = 32;
/** Hashes at a time: at 16 MiB each, and few enough to leave the other threads' work some room. */
const MAX_RUNNING = 4;
/** About ten seconds of work on two cores: who would wait longer is better told to come back. */
const MAX_WAITING = 500;

export interface Passwords {
  /** @throws QueueFull */
  hash(password: string): Promise<string>;
  /**
   * Whether `password` is the one of `hash`; undefined is an account that does not exist, and is checked against a
   * hash that nothing matches.
   *
   * @throws QueueFull; Error where `hash` is not one of ours.
   */
  verify(password: string, hash: string | undefined): Promise<boolean>;
}

const derive = (password: string, salt: Buffer, { ln, r, p }: Cost): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const N = 2 ** ln;
    // scrypt itself needs 128 r (N + p); Node refuses a bound that is met exactly.
    const maxmem = 128 * r * (N + p + 2);
    scrypt(password.normalize("NFC"), salt, HASH_OCTETS, { N, r, p, maxmem }, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });

const write = ({ ln, r, p }: Cost, salt: Buffer, hash: Buffer): string =>
  `$scrypt$ln=${ln},r=${r},p=${p}$${salt.toString("base64")}$${hash.toString("base64")}`;

const read = (text: string): { cost: Cost; salt: Buffer; hash: Buffer } => {
  const [, ln, r, p, salt, hash] = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(text) ?? [];
  if (salt === undefined || hash === undefined) throw new Error("a stored password hash cannot be read");
  return {
    cost: { ln: Number(ln), r: Number(r), p: Number(p) },
    salt: Buffer.from(salt, "base64"),
    hash: Buffer.from(hash, "base64"),
  };
};

/** @param newCost of new hashes, and of the one that nobody has; a stored one says its own. */
export const createPasswords = (newCost: Cost = COST): Passwords => {
  const queue = createBoundedQueue(MAX_RUNNING, MAX_WAITING);
  /** Random octets in place of a hash: no password leads there. */
  const nobody = write(newCost, randomBytes(SALT_OCTETS), randomBytes(HASH_OCTETS));
  return {
    async hash(password) {
      const salt = randomBytes(SALT_OCTETS);
      return write(newCost, salt, await queue.run(() => derive(password, salt, newCost)));
    },
    async verify(password, stored) {
      const { cost, salt, hash } = read(stored ?? nobody);
      const derived = await queue.run(() => derive(password, salt, cost));
      return timingSafeEqual(derived, hash);
    },
  };
};
