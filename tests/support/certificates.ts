/** Certificates as mail servers have them, good and bad, from an authority of the tests. */
import { generateKeyPairSync } from "node:crypto";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import type { KeyPair } from "./self_signed.ts";

const KEY = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;

/** Whoever signs others: a certificate with its keys. */
export interface Issuer {
  readonly certificate: x509.X509Certificate;
  readonly keys: CryptoKeyPair;
  readonly pem: string;
}

export interface Wanted {
  /** DNS names in subjectAltName. */
  readonly names: readonly string[];
  readonly commonName?: string;
  /** Days from now on; [-1, 30] unless told. */
  readonly days?: readonly [from: number, to: number];
  /** Whether it may sign others; it may not unless told. */
  readonly authority?: boolean;
}

/** Signed by itself, an authority; @param names DNS names in subjectAltName, for one that serves as a server's, too. */
export async function makeRoot(names: readonly string[] = []): Promise<Issuer> {
  const keys = await crypto.subtle.generateKey(KEY, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ["Authority of the tests"] }],
    keys,
    signingAlgorithm: SIGNING,
    ...validity([-1000, 1000]),
    extensions: await extensions({ names, authority: true }, keys),
  });
  return { certificate, keys, pem: certificate.toString("pem") };
}

export async function issue(issuer: Issuer, wanted: Wanted): Promise<Issuer> {
  const keys = await crypto.subtle.generateKey(KEY, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [wanted.commonName ?? "Mail server of the tests"] }],
    issuer: issuer.certificate.subjectName,
    publicKey: keys.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: SIGNING,
    ...validity(wanted.days ?? [-1, 30]),
    extensions: await extensions(wanted, keys),
  });
  return { certificate, keys, pem: certificate.toString("pem") };
}

/** As a server is configured: its certificate, then those that lead to the authority. */
export async function serverPair(server: Issuer, ...between: Issuer[]): Promise<KeyPair> {
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", server.keys.privateKey), "PRIVATE KEY");
  return { cert: [server, ...between].map(({ pem }) => `${pem}\n`).join(""), key: `${key}\n` };
}

/** Kinds of keys that a certificate may have, whether or not TLS can be served with it. */
export type KeyKind = "RSA-1024" | "RSA-2048" | "P-384" | "secp256k1" | "Ed25519" | "Ed448";

/** A server's pair whose key is of that kind; the authority's own is P-256. */
export async function pairWithKey(issuer: Issuer, kind: KeyKind): Promise<KeyPair> {
  const { spki, key } = makeKeys(kind);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [`Server with a key ${kind}`] }],
    issuer: issuer.certificate.subjectName,
    publicKey: new x509.PublicKey(spki),
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: SIGNING,
    ...validity([-1, 30]),
  });
  return { cert: `${certificate.toString("pem")}\n`, key };
}

function makeKeys(kind: KeyKind): { spki: Uint8Array<ArrayBuffer>; key: string } {
  const { publicKey, privateKey } = generated(kind);
  const spki = Uint8Array.from(publicKey.export({ type: "spki", format: "der" }));
  return { spki, key: String(privateKey.export({ type: "pkcs8", format: "pem" })) };
}

function generated(kind: KeyKind) {
  switch (kind) {
    case "RSA-1024":
      return generateKeyPairSync("rsa", { modulusLength: 1024 });
    case "RSA-2048":
      return generateKeyPairSync("rsa", { modulusLength: 2048 });
    case "P-384":
    case "secp256k1":
      return generateKeyPairSync("ec", { namedCurve: kind });
    case "Ed25519":
      return generateKeyPairSync("ed25519");
    case "Ed448":
      return generateKeyPairSync("ed448");
  }
}

function validity([from, to]: readonly [number, number]): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now + from * DAY_MS), notAfter: new Date(now + to * DAY_MS) };
}

async function extensions({ names, authority = false }: Wanted, { publicKey }: CryptoKeyPair) {
  const usage = authority ? x509.KeyUsageFlags.keyCertSign : x509.KeyUsageFlags.digitalSignature;
  return [
    new x509.BasicConstraintsExtension(authority, undefined, true),
    new x509.KeyUsagesExtension(usage, true),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ...(names.length === 0
      ? []
      : [new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns" as const, value })))]),
  ];
}
