/**
 * The MTA-STS policies that a node knows, in a file: so that a restart is no moment to take one away (RFC 8461 10.2).
 *
 * It is written whole, under another name, then renamed: what is there is one state or the next. A file that cannot be
 * read is reported and begun anew; mail goes on without.
 */
import type { KnownPolicy } from "./policies.ts";

/** Domains, lower-case A-labels, with what is known of them. */
export type KnownPolicies = ReadonlyMap<string, KnownPolicy>;

const PRIVATE_FILE = 0o600;
const MODES = ["none", "testing", "enforce"];

/** None where there is no file. */
export async function readPolicies(path: string, onTrouble: (error: unknown) => void): Promise<KnownPolicies> {
  try {
    const entries: unknown = JSON.parse(await Deno.readTextFile(path));
    if (Array.isArray(entries) && entries.every(isEntry)) return new Map(entries);
    throw new TypeError(`${path} does not hold policies`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) onTrouble(error);
    return new Map();
  }
}

export class PolicyFile {
  readonly #path: string;
  readonly #onTrouble: (error: unknown) => void;
  /** To be written after what is being written. */
  #next: (() => KnownPolicies) | undefined;
  #writing: Promise<void> | undefined;

  constructor(path: string, onTrouble: (error: unknown) => void) {
    this.#path = path;
    this.#onTrouble = onTrouble;
  }

  /** Writes the policies as they are when their turn comes; states in between are left out. */
  save(policies: () => KnownPolicies): void {
    this.#next = policies;
    this.#writing ??= this.#writeAll().finally(() => this.#writing = undefined);
  }

  /** Resolves when what was saved is written, or its trouble reported. */
  async written(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    for (let policies = this.#next; policies !== undefined; policies = this.#next) {
      this.#next = undefined;
      try {
        await this.#write(JSON.stringify([...policies()]));
      } catch (error) {
        this.#onTrouble(error);
      }
    }
  }

  async #write(text: string): Promise<void> {
    const path = `${this.#path}.new`;
    using file = await Deno.open(path, { write: true, create: true, truncate: true, mode: PRIVATE_FILE });
    const octets = new TextEncoder().encode(text);
    for (let at = 0; at < octets.length;) at += await file.write(octets.subarray(at));
    await file.sync();
    await Deno.rename(path, this.#path);
  }
}

function isEntry(entry: unknown): entry is [string, KnownPolicy] {
  if (!Array.isArray(entry) || typeof entry[0] !== "string" || typeof entry[1] !== "object") return false;
  const { policy, id, expiresAt, refreshAt } = entry[1] ?? {};
  return typeof id === "string" && typeof expiresAt === "number" && typeof refreshAt === "number" &&
    MODES.includes(policy?.mode) && typeof policy.maxAgeSeconds === "number" && Array.isArray(policy.mx) &&
    policy.mx.every((pattern: unknown) => typeof pattern === "string");
}
