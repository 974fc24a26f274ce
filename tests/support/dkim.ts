/** Keys to sign with, the records that publish them, and mailauth's verdict on what was signed. */
import { Readable } from "node:stream";
import { Buffer } from "node:buffer";
import { dkimVerify } from "mailauth/lib/dkim/verify.js";
import type { Algorithm, SigningKey } from "../../relay/dkim/signature.ts";

const RSA = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
};

export interface PublishedKey extends SigningKey {
  readonly record: string;
  /** PKCS #8 in base64. */
  readonly privateKey: string;
}

export async function makeKey(selector: string, algorithm: Algorithm): Promise<PublishedKey> {
  const pair = algorithm === "rsa-sha256"
    ? await crypto.subtle.generateKey(RSA, true, ["sign", "verify"])
    : await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]) as CryptoKeyPair;
  const published = algorithm === "rsa-sha256"
    ? `v=DKIM1; k=rsa; p=${base64(await crypto.subtle.exportKey("spki", pair.publicKey))}`
    : `v=DKIM1; k=ed25519; p=${base64(await crypto.subtle.exportKey("raw", pair.publicKey))}`;
  const privateKey = base64(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  return { selector, algorithm, key: pair.privateKey, record: published, privateKey };
}

/** A line for each signature that is found: domain, selector and what the verifier says, such as "pass". */
export async function verdicts(message: Uint8Array, records: ReadonlyMap<string, string>): Promise<string[]> {
  const resolver = (name: string, type: string): Promise<string[][]> => {
    const record = type === "TXT" ? records.get(name) : undefined;
    if (record !== undefined) return Promise.resolve([[record]]);
    return Promise.reject(Object.assign(new Error(`no ${type} record of ${name}`), { code: "ENOTFOUND" }));
  };
  const { results } = await dkimVerify(Readable.from(slices(message)), { resolver });
  const signatures = results.filter(({ status }) => status.result !== "none");
  return signatures.map(({ signingDomain, selector, status }) =>
    `${selector} of ${signingDomain}: ${[status.result, status.comment].filter(Boolean).join(", ")}`
  );
}

function* slices(message: Uint8Array): Generator<Buffer> {
  const octets = 64 * 1024;
  for (let at = 0; at < message.length; at += octets) yield Buffer.from(message.subarray(at, at + octets));
}

function base64(octets: ArrayBuffer): string {
  return new Uint8Array(octets).toBase64();
}
