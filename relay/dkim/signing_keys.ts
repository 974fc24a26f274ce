/**
 * The keys to sign with, as the control plane tells them: kept for minutes, in a bounded number.
 *
 * While the control plane cannot be asked, what it last said stands for an hour: a key that was replaced stays published
 * for days, so its signatures hold.
 */
import { TtlCache } from "../ttl_cache.ts";
import type { Algorithm, SigningKey } from "./signature.ts";

/** Private keys of a domain, as they come from the control plane. */
export interface KeySet {
  /** The d= tag: the claimed domain, which may be one that the asked one lies in. */
  readonly domain: string;
  readonly keys: readonly {
    readonly selector: string;
    readonly algorithm: Algorithm;
    /** PKCS #8 in base64. */
    readonly privateKey: string;
  }[];
}

export interface KeyQuestion {
  /** null: whoever has claimed the domain. */
  readonly account: string | null;
  /** In A-labels. */
  readonly domain: string;
}

export interface DomainKeys {
  readonly domain: string;
  /** Never empty. */
  readonly keys: readonly SigningKey[];
}

/** The control plane could not be asked, and what it said last is too old or was never heard. */
export class KeysUnknown extends Error {
  override readonly name = "KeysUnknown";
}

export interface SigningKeysOptions {
  /** null: there are none. Rejects when the control plane cannot be asked. */
  readonly ask: (question: KeyQuestion) => Promise<KeySet | null>;
  readonly monotonic: () => number;
  /** A key that cannot be used; the others are. */
  readonly onUnusable: (domain: string, selector: string, error: unknown) => void;
}

/** A new key signs, and a replaced one no longer does, within this time. */
const FRESH_MS = 5 * 60_000;
const STALE_MS = 60 * 60_000;
/** Answers that are remembered, "none" included. */
const MAX_CACHED = 10_000;

const IMPORT = {
  "rsa-sha256": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  "ed25519-sha256": { name: "Ed25519" },
} as const satisfies Record<Algorithm, unknown>;

/** What was answered; null: no keys. */
interface Known {
  readonly keys: DomainKeys | null;
}

export class SigningKeys {
  readonly #options: SigningKeysOptions;
  readonly #fresh: TtlCache<Known>;
  readonly #stale: TtlCache<Known>;
  readonly #asking = new Map<string, Promise<Known>>();

  constructor(options: SigningKeysOptions) {
    this.#options = options;
    this.#fresh = new TtlCache(FRESH_MS, MAX_CACHED, options.monotonic);
    this.#stale = new TtlCache(STALE_MS, MAX_CACHED, options.monotonic);
  }

  /** @throws {KeysUnknown} */
  async of(question: KeyQuestion): Promise<DomainKeys | null> {
    const id = JSON.stringify([question.account, question.domain]);
    const known = this.#fresh.get(id);
    if (known !== undefined) return known.keys;
    let asking = this.#asking.get(id);
    if (asking === undefined) {
      asking = this.#ask(id, question).finally(() => this.#asking.delete(id));
      this.#asking.set(id, asking);
    }
    return (await asking).keys;
  }

  async #ask(id: string, question: KeyQuestion): Promise<Known> {
    let known: Known;
    try {
      const set = await this.#options.ask(question);
      known = { keys: set === null ? null : await this.#usable(set) };
    } catch (cause) {
      const stale = this.#stale.get(id);
      if (stale === undefined) throw new KeysUnknown("the keys to sign with cannot be looked up", { cause });
      return stale;
    }
    this.#fresh.set(id, known);
    this.#stale.set(id, known);
    return known;
  }

  async #usable({ domain, keys }: KeySet): Promise<DomainKeys | null> {
    const usable: SigningKey[] = [];
    for (const { selector, algorithm, privateKey } of keys) {
      try {
        const octets = Uint8Array.fromBase64(privateKey);
        const key = await crypto.subtle.importKey("pkcs8", octets, IMPORT[algorithm], false, ["sign"]);
        usable.push({ selector, algorithm, key });
      } catch (error) {
        this.#options.onUnusable(domain, selector, error);
      }
    }
    return usable.length === 0 ? null : { domain, keys: usable };
  }
}
