/**
 * The keys to sign with, as the control plane tells them: kept for minutes, in a bounded number.
 *
 * While the control plane cannot be asked, what it last said stands for an hour: a key that was replaced stays published
 * for days, so its signatures hold.
 */
import { FactMemory } from "../fact_memory.ts";
import { Joined } from "../joined.ts";
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

const AGES = {
  /** A new key signs, and a replaced one no longer does, within this time. */
  freshMs: 5 * 60_000,
  rememberedMs: 60 * 60_000,
  /** Answers, "none" included. */
  maxEntries: 10_000,
};

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
  readonly #memory: FactMemory<Known>;
  readonly #questions: Joined<Known>;

  constructor(options: SigningKeysOptions) {
    this.#options = options;
    this.#memory = new FactMemory(AGES, options.monotonic);
    this.#questions = new Joined(options.monotonic);
  }

  /** At once where they are known. @throws {KeysUnknown} as a rejection. */
  of(question: KeyQuestion): DomainKeys | null | Promise<DomainKeys | null> {
    const { account, domain } = question;
    // A domain has no blank.
    const id = account === null ? domain : `${domain} ${account}`;
    const known = this.#memory.fresh(id);
    return known === undefined ? this.#asked(id, question) : known.keys;
  }

  async #asked(id: string, question: KeyQuestion): Promise<DomainKeys | null> {
    return (await this.#questions.ask(id, () => this.#ask(id, question))).keys;
  }

  async #ask(id: string, question: KeyQuestion): Promise<Known> {
    let known: Known;
    try {
      const set = await this.#options.ask(question);
      known = { keys: set === null ? null : await this.#usable(set) };
    } catch (cause) {
      const remembered = this.#memory.remembered(id);
      if (remembered === undefined) throw new KeysUnknown("the keys to sign with cannot be looked up", { cause });
      return remembered;
    }
    this.#memory.learn(id, known);
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
