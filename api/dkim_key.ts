/**
 * Keys for DKIM and the TXT records that publish them (RFC 6376 3.6.1; RFC 8463 for Ed25519). Made by Web Crypto, off
 * the event loop.
 */
import type { ResolveTxt } from "./domain_proof.ts";
import type { Algorithm, PublicKeyRow } from "./store/dkim_keys.ts";

export interface KeyPair {
  /** PKCS #8 in base64. */
  readonly privateKey: string;
  /** As it stands in p= of the record. */
  readonly publicKey: string;
}

/** The first one's record is longer than a string of the DNS, but it is the one that every verifier knows. */
export const ALGORITHMS: readonly Algorithm[] = ["rsa-sha256", "ed25519-sha256"];

/** RFC 8301 3.2: verifiers take 1024 bits and more, signers should use 2048; longer keys do not fit many DNS panels. */
const RSA = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};
const KINDS = { "rsa-sha256": "rsa", "ed25519-sha256": "ed25519" } as const satisfies Record<Algorithm, string>;

export const makeKeyPair = async (algorithm: Algorithm): Promise<KeyPair> => {
  const pair = algorithm === "rsa-sha256"
    ? await crypto.subtle.generateKey(RSA, true, ["sign", "verify"])
    : await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]) as CryptoKeyPair;
  // RFC 6376 3.6.1: an RSA key as SubjectPublicKeyInfo; RFC 8463 4: an Ed25519 key as its 32 octets.
  const format = algorithm === "rsa-sha256" ? "spki" : "raw";
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.exportKey("pkcs8", pair.privateKey),
    crypto.subtle.exportKey(format, pair.publicKey),
  ]);
  return { privateKey: base64(privateKey), publicKey: base64(publicKey) };
};

/** A selector that was never used before, so that no cache has an older record of it. @param token letters and digits */
export const selectorOf = (algorithm: Algorithm, token: string): string =>
  `mh-${KINDS[algorithm]}-${token.slice(0, 8)}`;

/** The record to publish. */
export const dkimRecordOf = ({ selector, domain, algorithm, public_key }: PublicKeyRow) => ({
  name: `${selector}._domainkey.${domain}`,
  type: "TXT" as const,
  value: `v=DKIM1; k=${KINDS[algorithm]}; p=${public_key}`,
});

export type RecordCheck =
  | { readonly kind: "found" }
  /** It is not there, or holds another key. */
  | { readonly kind: "missing" }
  | { readonly kind: "failed"; readonly why: string };

/** Whether the key is published. */
export const checkDkimRecord = async (resolveTxt: ResolveTxt, key: PublicKeyRow): Promise<RecordCheck> => {
  const answer = await resolveTxt(dkimRecordOf(key).name);
  if (answer.kind === "failed") return answer;
  const records = answer.kind === "found" ? answer.records : [];
  return records.some((record) => publishedKey(record) === key.public_key) ? { kind: "found" } : { kind: "missing" };
};

/** What p= holds, without the blanks that a zone file may have put in. */
const publishedKey = (record: string): string | undefined =>
  /(?:^|;)\s*p\s*=([^;]*)/.exec(record)?.[1]?.replace(/\s/g, "");

const base64 = (octets: ArrayBuffer): string => new Uint8Array(octets).toBase64();
