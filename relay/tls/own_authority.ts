/**
 * A certification authority of the relay's own and the server certificates it issues, made with Web Crypto: P-256.
 *
 * For a start without certificates: clients that import the authority's certificate verify all later ones. Nothing is
 * read or written here, and the clock is a parameter. Only who makes a certificate should load this file (with
 * `import()`): the library takes 0.1 s to load.
 */
// The library's dependency injection needs the polyfill to be there first.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

export interface Issued {
  readonly certPem: string;
  /** PKCS #8. */
  readonly keyPem: string;
}

const KEY_ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The authority outlives many server certificates: each client imports it by hand. */
const AUTHORITY_DAYS = 3_650;
/** CA/Browser Forum: at most 398 days; 397 leaves a day for how ends are counted. Apple's clients refuse more. */
const LEAF_DAYS = 397;
/** A client's clock may be somewhat behind ours. */
const BACKDATED_MS = HOUR_MS;
/** Clients on the same machine may say any of these. */
const OWN_ADDRESSES = ["127.0.0.1", "::1"];

/** @param label stands in the subject, so that people find it in a list of authorities. */
export async function makeAuthority(label: string, now: number): Promise<Issued> {
  const keys = await crypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
  const { notBefore, notAfter } = validity(now, AUTHORITY_DAYS);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [`MailHop authority of ${label}`] }],
    keys,
    signingAlgorithm: SIGNATURE,
    notBefore,
    notAfter,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certPem: certificate.toString("pem"), keyPem: await exportKey(keys.privateKey) };
}

/** A server certificate for `dnsNames` (the first is the service's own) and this machine's loopback addresses. */
export async function issueLeaf(authority: Issued, dnsNames: readonly string[], now: number): Promise<Issued> {
  const issuer = new x509.X509Certificate(authority.certPem);
  const keys = await crypto.subtle.generateKey(KEY_ALGORITHM, true, ["sign", "verify"]);
  const { notBefore, notAfter } = validity(now, LEAF_DAYS);
  const certificate = await x509.X509CertificateGenerator.create({
    // Names stand in subjectAltName alone (RFC 9525 2): a common name is cut at 64 characters.
    subject: [{ CN: ["MailHop Outbound"] }],
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: await importSigningKey(authority.keyPem),
    signingAlgorithm: SIGNATURE,
    notBefore,
    notAfter,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...dnsNames.map((value) => ({ type: "dns" as const, value })),
        ...OWN_ADDRESSES.map((value) => ({ type: "ip" as const, value })),
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certPem: certificate.toString("pem"), keyPem: await exportKey(keys.privateKey) };
}

/** From an hour ago; X.509 knows whole seconds. */
function validity(now: number, days: number): { notBefore: Date; notAfter: Date } {
  const from = now - BACKDATED_MS;
  return { notBefore: new Date(from), notAfter: new Date(from + days * DAY_MS) };
}

async function exportKey(key: CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY") + "\n";
}

function importSigningKey(pem: string): Promise<CryptoKey> {
  return crypto.subtle.importKey("pkcs8", x509.PemConverter.decodeFirst(pem), KEY_ALGORITHM, false, ["sign"]);
}
