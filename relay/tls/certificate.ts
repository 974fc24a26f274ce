/**
 * A certificate with its key, and the check that two PEM texts make one.
 *
 * Pure. Whether TLS can be served with the pair is found out by trial_handshake.ts; whether clients trust it is their
 * business.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

/** As `Deno.listenTls` and node:tls take it. */
export interface Certificate {
  /** PEM: the leaf first, then its chain. */
  readonly cert: string;
  /** PEM: PKCS #8, SEC 1 or PKCS #1, not encrypted. */
  readonly key: string;
}

export type CheckedPair =
  | { readonly ok: true; readonly certificate: Certificate }
  /** `which` of the two texts is wrong, and what was expected of it. */
  | { readonly ok: false; readonly which: "cert" | "key"; readonly expected: string };

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/;
const ENCRYPTED = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;
const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/;

export function checkPair(cert: string, key: string): CheckedPair {
  const leaf = parseLeaf(cert);
  if (leaf === null) return wrong("cert", "certificates in PEM, the server's own first");
  if (ENCRYPTED.test(key)) return wrong("key", "a private key without a passphrase");
  const privateKey = parseKey(key);
  if (privateKey === null) return wrong("key", "a private key in PEM");
  if (!leaf.checkPrivateKey(privateKey)) return wrong("key", "the key of the first certificate in MAILHOP_TLS_CERT");
  return { ok: true, certificate: { cert, key } };
}

/** The first certificate of a PEM text, or null. */
export function parseLeaf(pem: string): X509Certificate | null {
  const block = CERTIFICATE.exec(pem)?.[0];
  if (block === undefined) return null;
  try {
    return new X509Certificate(block);
  } catch {
    return null;
  }
}

function parseKey(pem: string): KeyObject | null {
  if (!PRIVATE_KEY.test(pem)) return null;
  try {
    return createPrivateKey(pem);
  } catch {
    return null;
  }
}

function wrong(which: "cert" | "key", expected: string): CheckedPair {
  return { ok: false, which, expected };
}
