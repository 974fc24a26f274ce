/**
 * Signs messages as they go out: with the keys of their author's domain, or, where the operator wants it, as the
 * service.
 *
 * Signed is what is sent, each time it is: nothing of a signature is stored, so mail that was queued for days is signed
 * with the keys of today, and no signature stands between a message and its 250. The price is one signature for each
 * round of attempts instead of one for each message; most messages have one round.
 *
 * It never blocks mail. Keys that cannot be asked for put it off, for half an hour at most: where a domain's DMARC
 * policy is to reject, mail that goes out unsigned may be lost for good. After that, and with whatever else stands in
 * the way of a signature, mail goes out unsigned, and the log says so.
 */
import { Buffer } from "node:buffer";
import type { Logger } from "@logtape/logtape";
import type { Envelope } from "../envelope.ts";
import type { Content } from "../spool/types.ts";
import { cover, headerFields, valuesOf } from "./header_fields.ts";
import { MAX_HEADER_OCTETS, MessageReading } from "./message_reading.ts";
import { signatureField } from "./signature.ts";
import { type DomainKeys, KeysUnknown, type SigningKeys } from "./signing_keys.ts";

export interface SignerOptions {
  readonly keys: Pick<SigningKeys, "of">;
  /** The domains of a From field in A-labels, the author's first; null where they cannot be told. */
  readonly authorDomains: (value: Uint8Array) => readonly string[] | null;
  /** Mail of domains without keys is signed as this one (A-labels, lower case); null: it is not signed. */
  readonly serviceDomain: string | null;
  /** Epoch ms. */
  readonly now: () => number;
  readonly log: Logger;
}

/** What is to be known of a message beside its content. */
export type Signable = Pick<Envelope, "id" | "account" | "receivedAt" | "origin">;

export type Signing =
  /** What is to be sent: with its signatures on top, or as it was. */
  | { readonly kind: "content"; readonly content: Content }
  /** The keys are not known now; later they may be. */
  | { readonly kind: "deferred"; readonly why: string };

/** Age of a message up to which it waits for keys. */
const LONGEST_WAIT_MS = 30 * 60_000;

export class Signer {
  readonly #options: SignerOptions;

  constructor(options: SignerOptions) {
    this.#options = options;
  }

  /** @throws what reading the content throws. */
  async sign(envelope: Signable, content: Content): Promise<Signing> {
    await using reading = new MessageReading(content);
    const section = await reading.header();
    let keys: DomainKeys | null;
    try {
      keys = await this.#keysFor(envelope, section === null ? null : this.#authors(section));
    } catch (error) {
      if (!(error instanceof KeysUnknown)) throw error;
      const waits = this.#options.now() - envelope.receivedAt < LONGEST_WAIT_MS;
      return waits ? { kind: "deferred", why: error.message } : this.#unsigned(envelope, content, error);
    }
    if (keys === null) return { kind: "content", content };
    if (section === null) return this.#unsigned(envelope, content, `its header has over ${MAX_HEADER_OCTETS} octets`);
    const coverage = cover(headerFields(section));
    if (coverage === null) return this.#unsigned(envelope, content, "its header repeats fields too often");
    const toSign = { domain: keys.domain, coverage, bodyHash: await reading.bodyHash(), now: this.#options.now() };
    try {
      const signatures = await Promise.all(keys.keys.map((key) => signatureField(key, toSign)));
      return { kind: "content", content: onTop(Buffer.from(signatures.join("")), content) };
    } catch (error) {
      return this.#unsigned(envelope, content, error);
    }
  }

  /** None where there is no From field, or more than one, of which readers choose either. */
  #authors(section: Uint8Array): readonly string[] | null {
    const [from, another] = valuesOf(section, "from");
    return from === undefined || another !== undefined ? null : this.#options.authorDomains(from);
  }

  async #keysFor({ account, origin }: Signable, authors: readonly string[] | null): Promise<DomainKeys | null> {
    const { keys, serviceDomain } = this.#options;
    const author = authors?.[0];
    const own = author === undefined ? null : await keys.of({ account, domain: author });
    if (own !== null || serviceDomain === null || authors === null) return own;
    // A message without an origin was made by the relay, in the service's own name.
    if (origin !== null && authors.some((domain) => mayAlign(domain, serviceDomain))) return null;
    return await keys.of({ account: null, domain: serviceDomain });
  }

  #unsigned({ id: messageId, account }: Signable, content: Content, why: unknown): Signing {
    this.#options.log.warn("a message goes out unsigned: {why}", { messageId, account, why });
    return { kind: "content", content };
  }
}

/**
 * Whether a signature as `other` might make DMARC take `domain` for proven (RFC 7489 3.1.1, relaxed): the same
 * organizational domain has the same last two labels at least. A customer could write as the service's own people then.
 */
function mayAlign(domain: string, other: string): boolean {
  const lastLabels = (name: string) => name.split(".").slice(-2).join(".");
  return lastLabels(domain) === lastLabels(other);
}

/** What lies below is not touched, so it arrives as it was received. */
function onTop(octets: Uint8Array, content: Content): Content {
  return {
    sizeBytes: octets.length + content.sizeBytes,
    async *chunks() {
      yield octets;
      yield* content.chunks();
    },
  };
}
