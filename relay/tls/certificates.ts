/**
 * The certificate that the server shows: the operator's files, or a pair of our own in the data directory.
 *
 * `loadCertificate` may be called again at any time: it reads changed files, and makes the own pair anew before it
 * ends or when the names have changed. The own authority is kept, so clients that trust it go on doing so. Of the
 * operator's files it gives only a pair with which a handshake was made: nodes take what they are given.
 */
import { join } from "@std/path";
import { type Certificate, checkPair, parseLeaf } from "./certificate.ts";
import type { Issued } from "./own_authority.ts";
import { handshakeTrouble } from "./trial_handshake.ts";

export interface CertificateOptions {
  /** The operator's files; null: a pair of our own. */
  readonly files: { readonly certificate: string; readonly key: string } | null;
  readonly dataDir: string;
  /** Service name and host name, the former first. */
  readonly names: readonly string[];
  /** Epoch milliseconds. */
  readonly now: number;
  /** In use already: a handshake with it need not be tried. */
  readonly current?: Certificate | undefined;
}

export type LoadedCertificate =
  | {
    readonly ok: true;
    readonly certificate: Certificate;
    /** What a client is to trust where it is not a public authority; null with the operator's own files. */
    readonly authorityFile: string | null;
  }
  /** One line: variable, value, what was expected. */
  | { readonly ok: false; readonly mistakes: readonly string[] };

const DAY_MS = 86_400_000;
/** The own server certificate is made anew this long before it ends. */
const RENEW_BEFORE_MS = 30 * DAY_MS;
/** The authority is made anew if it could not outlive a certificate issued now (397 days). */
const AUTHORITY_MUST_LAST_MS = 400 * DAY_MS;
/** Which keys these are was measured on Deno 2.9.6. */
const SERVED = "a certificate that TLS can be served with, its key RSA of 2048 to 8192 bits, " +
  "ECDSA on P-256, P-384 or P-521, or Ed25519";
const PRIVATE_DIR = 0o700;
const PRIVATE_FILE = 0o600;
const PUBLIC_FILE = 0o644;

/** @throws Deno.errors for trouble with the data directory. */
export function loadCertificate(options: CertificateOptions): Promise<LoadedCertificate> {
  return options.files === null ? loadOwn(options) : loadOperators(options.files, options.current);
}

async function loadOperators(
  files: { certificate: string; key: string },
  current: Certificate | undefined,
): Promise<LoadedCertificate> {
  const cert = await readNamed("MAILHOP_TLS_CERT", files.certificate);
  const key = await readNamed("MAILHOP_TLS_KEY", files.key);
  const mistakes = [cert, key].flatMap((read) => "mistake" in read ? [read.mistake] : []);
  if ("mistake" in cert || "mistake" in key) return { ok: false, mistakes };
  const checked = checkPair(cert.text, key.text);
  if (!checked.ok) {
    const [variable, file] = checked.which === "cert"
      ? ["MAILHOP_TLS_CERT", files.certificate]
      : ["MAILHOP_TLS_KEY", files.key];
    return { ok: false, mistakes: [`${variable}=${file}: expected a file with ${checked.expected}`] };
  }
  const { certificate } = checked;
  const isCurrent = certificate.cert === current?.cert && certificate.key === current.key;
  const trouble = isCurrent ? null : await handshakeTrouble(certificate);
  if (trouble === null) return { ok: true, certificate, authorityFile: null };
  return {
    ok: false,
    mistakes: [`MAILHOP_TLS_CERT=${files.certificate}: expected a file with ${SERVED} (${trouble})`],
  };
}

async function readNamed(variable: string, path: string): Promise<{ text: string } | { mistake: string }> {
  try {
    return { text: await Deno.readTextFile(path) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { mistake: `${variable}=${path}: expected a file that can be read (${error.message})` };
  }
}

async function loadOwn({ dataDir, names, now }: CertificateOptions): Promise<LoadedCertificate> {
  const dir = join(dataDir, "tls");
  const authorityFile = join(dir, "ca.pem");
  await Deno.mkdir(dir, { recursive: true, mode: PRIVATE_DIR });
  const dnsNames = [...new Set([...names, "localhost"])];
  const authority = await readPair(authorityFile, join(dir, "ca-key.pem"), now + AUTHORITY_MUST_LAST_MS);
  const leaf = await readPair(join(dir, "cert.pem"), join(dir, "key.pem"), now + RENEW_BEFORE_MS);
  if (authority !== null && leaf !== null && isIssuedFor(leaf, authority, dnsNames)) {
    return { ok: true, certificate: { cert: leaf.certPem, key: leaf.keyPem }, authorityFile };
  }
  const { issueLeaf, makeAuthority } = await import("./own_authority.ts");
  const issuer = authority ?? await makeAuthority(dnsNames[0]!, now);
  if (authority === null) {
    await writeWhole(join(dir, "ca-key.pem"), issuer.keyPem, PRIVATE_FILE);
    await writeWhole(authorityFile, issuer.certPem, PUBLIC_FILE);
  }
  const issued = await issueLeaf(issuer, dnsNames, now);
  // A crash between the two leaves a pair that does not match, which the next start makes anew.
  await writeWhole(join(dir, "key.pem"), issued.keyPem, PRIVATE_FILE);
  await writeWhole(join(dir, "cert.pem"), issued.certPem, PUBLIC_FILE);
  return { ok: true, certificate: { cert: issued.certPem, key: issued.keyPem }, authorityFile };
}

/** A pair of files that belong together and are good until `until` at least; null if there is none. */
async function readPair(certFile: string, keyFile: string, until: number): Promise<Issued | null> {
  const certPem = await readIfThere(certFile), keyPem = await readIfThere(keyFile);
  if (certPem === null || keyPem === null || !checkPair(certPem, keyPem).ok) return null;
  return parseLeaf(certPem)!.validToDate.getTime() >= until ? { certPem, keyPem } : null;
}

function isIssuedFor(leaf: Issued, authority: Issued, dnsNames: readonly string[]): boolean {
  const certificate = parseLeaf(leaf.certPem)!;
  const named = (certificate.subjectAltName ?? "").split(", ").filter((name) => name.startsWith("DNS:"));
  return certificate.verify(parseLeaf(authority.certPem)!.publicKey) &&
    named.join() === dnsNames.map((name) => `DNS:${name}`).join();
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** A reader sees the old text or the new one, never a part. */
async function writeWhole(path: string, text: string, mode: number): Promise<void> {
  const fresh = `${path}.new`;
  await Deno.writeTextFile(fresh, text, { mode });
  await Deno.rename(fresh, path);
}
