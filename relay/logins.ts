/**
 * Which logins hold, as far as a node need not ask: a client that opens many sessions at once costs one look at its
 * password, not one for each, for a password is made to be slow to check.
 */
import { createHmac, randomBytes } from "node:crypto";
import { ControlPlaneAway } from "./control_plane_calls.ts";
import { type FactAges, FactMemory } from "./fact_memory.ts";
import type { Joined } from "./joined.ts";

/** A verified password is believed for so long since it was asked about: a change or a suspension reaches every session within it. */
const LOGIN_TTL_MS = 5000;
/** As long as what it is made with: SHA-256. */
const KEY_OCTETS = 32;

/** It is away; the account is remembered, but not with this password, which may be a guess. */
export class LoginNotRemembered extends ControlPlaneAway {
  override readonly name = "LoginNotRemembered";
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** The client's; of those that ask together, only the first one's is passed on. */
  readonly address: string;
}

export class Logins {
  readonly #ask: (credentials: Credentials) => Promise<string | null>;
  readonly #accounts: FactMemory<string>;
  /** Usernames, as they were given, that a login is remembered of. */
  readonly #names: FactMemory<true>;
  readonly #questions: Joined<string | null>;
  readonly #monotonic: () => number;
  /** Keys what is remembered, so that it holds no password and no hash that could be tried elsewhere. */
  readonly #key = randomBytes(KEY_OCTETS);

  /** @param ask the account, or null if username or password is wrong. */
  constructor(
    ask: (credentials: Credentials) => Promise<string | null>,
    questions: Joined<string | null>,
    ages: Omit<FactAges, "freshMs">,
    monotonic: () => number,
  ) {
    this.#ask = ask;
    this.#questions = questions;
    this.#monotonic = monotonic;
    this.#accounts = new FactMemory({ ...ages, freshMs: LOGIN_TTL_MS }, monotonic);
    this.#names = new FactMemory({ ...ages, freshMs: LOGIN_TTL_MS }, monotonic);
  }

  /** The account, or null if username or password is wrong (never which). @throws {ControlPlaneUnavailable} */
  async of(credentials: Credentials): Promise<string | null> {
    const { username, password } = credentials;
    const key = createHmac("sha256", this.#key).update(JSON.stringify([username, password])).digest("base64");
    const known = this.#accounts.fresh(key);
    if (known !== undefined) return known;
    const ask = () => this.#questions.ask(key, () => this.#asked(key, credentials));
    const isAnothers = this.#questions.has(key);
    const account = await ask();
    // What another asked may have been looked up before the password became right: a refusal is asked for anew.
    return account === null && isAnothers ? await ask() : account;
  }

  async #asked(key: string, credentials: Credentials): Promise<string | null> {
    const askedAt = this.#monotonic();
    try {
      const account = await this.#ask(credentials);
      if (account === null) this.#accounts.forget(key);
      else {
        this.#accounts.learn(key, account, askedAt);
        this.#names.learn(credentials.username, true);
      }
      return account;
    } catch (cause) {
      if (!(cause instanceof ControlPlaneAway)) throw cause;
      const remembered = this.#accounts.remembered(key);
      if (remembered !== undefined) return remembered;
      if (this.#names.remembered(credentials.username) === undefined) throw cause;
      throw new LoginNotRemembered("the password is not the one that is remembered", { cause });
    }
  }
}
