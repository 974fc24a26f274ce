/**
 * Makes DKIM-Signature fields (RFC 6376 3.5, RFC 8463) over a header and the hash of a body, relaxed/relaxed.
 *
 * The key does its work off the event loop (Web Crypto).
 */
import { Buffer } from "node:buffer";
import { type Coverage, relaxed } from "./header_fields.ts";

export type Algorithm = "rsa-sha256" | "ed25519-sha256";

export interface SigningKey {
  readonly selector: string;
  readonly algorithm: Algorithm;
  readonly key: CryptoKey;
}

/** What all signatures of a message have in common. */
export interface ToSign {
  /** The d= tag: a domain in A-labels. */
  readonly domain: string;
  readonly coverage: Coverage;
  /** SHA-256 of the canonical body. */
  readonly bodyHash: Uint8Array;
  /** Epoch ms. */
  readonly now: number;
}

const FIELD = "DKIM-Signature";
/** RFC 5322 2.1.1: a line should have no more characters than this. */
const LINE_CHARACTERS = 78;

/** The whole field with its CRLF, folded. */
export async function signatureField(
  { selector, algorithm, key }: SigningKey,
  { domain, coverage, bodyHash, now }: ToSign,
): Promise<string> {
  const unsigned = fold([
    "v=1;",
    `a=${algorithm};`,
    "c=relaxed/relaxed;",
    `d=${domain};`,
    `s=${selector};`,
    `t=${Math.floor(now / 1000)};`,
    ...coverage.names.map((name, at) => `${at === 0 ? "h=" : ""}${name}${at < coverage.names.length - 1 ? ":" : ";"}`),
    `bh=${bodyHash.toBase64()};`,
    "b=",
  ]);
  // RFC 6376 3.7: the field itself comes last, with an empty b= and without its CRLF.
  const own = relaxed({ name: FIELD.toLowerCase(), value: unsigned });
  const signature = await sign(algorithm, key, Buffer.from(`${coverage.canonical}${own}`, "latin1"));
  return `${FIELD}:${unsigned}${foldBase64(signature.toBase64())}\r\n`;
}

async function sign(algorithm: Algorithm, key: CryptoKey, octets: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  // RFC 8463 3: Ed25519 signs the hash, as its own message.
  const signature = algorithm === "rsa-sha256"
    ? await crypto.subtle.sign("RSASSA-PKCS1-v1_5", key, octets)
    : await crypto.subtle.sign("Ed25519", key, await crypto.subtle.digest("SHA-256", octets));
  return new Uint8Array(signature);
}

/** Words joined by blanks, where a line would be too long by folds. Within h= a blank may stand beside a colon (3.5). */
function fold(words: readonly string[]): string {
  let text = "";
  let line = `${FIELD}:`.length;
  for (const word of words) {
    const fits = line + 1 + word.length <= LINE_CHARACTERS;
    text += `${fits ? " " : "\r\n "}${word}`;
    line = fits ? line + 1 + word.length : 1 + word.length;
  }
  return text;
}

/** RFC 6376 2.10: blanks within base64 mean nothing. */
function foldBase64(text: string): string {
  return text.replace(/.{1,76}/g, "\r\n $&");
}
