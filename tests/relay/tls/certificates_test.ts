import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import { parseLeaf } from "../../../relay/tls/certificate.ts";
import { type CertificateOptions, loadCertificate } from "../../../relay/tls/certificates.ts";
import { issueLeaf, makeAuthority } from "../../../relay/tls/own_authority.ts";
import { makeRoot, pairWithKey } from "../../support/certificates.ts";

const DAY_MS = 86_400_000;
const NOW = Date.parse("2026-11-23T12:00:00Z");
const NAMES = ["mail.example.net", "node1.example.net"];

/** A temporary directory that goes with its scope. */
async function temporary(): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

async function load(options: Partial<CertificateOptions> & { dataDir: string }) {
  const loaded = await loadCertificate({ files: null, names: NAMES, now: NOW, ...options });
  if (!loaded.ok) throw new Error(loaded.mistakes.join("\n"));
  return loaded;
}

Deno.test("own certificate: P-256, for serverAuth, with both names, localhost and loopback, at most 397 days", async () => {
  await using dir = await temporary();
  const { certificate, authorityFile } = await load({ dataDir: dir.path });
  const leaf = parseLeaf(certificate.cert)!;
  const authority = parseLeaf(await Deno.readTextFile(authorityFile!))!;
  assert(leaf.verify(authority.publicKey));
  assertEquals([leaf.ca, authority.ca], [false, true]);
  assertEquals(leaf.publicKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
  assertMatch(leaf.subjectAltName!, /^DNS:mail\.example\.net, DNS:node1\.example\.net, DNS:localhost, IP Address:127/);
  assert(leaf.validFromDate.getTime() < NOW);
  assert(leaf.validToDate.getTime() - leaf.validFromDate.getTime() <= 397 * DAY_MS);
});

Deno.test("own certificate: keys and their directory are for their owner only", async () => {
  await using dir = await temporary();
  await load({ dataDir: dir.path });
  const mode = async (name: string) => (await Deno.stat(join(dir.path, name))).mode! & 0o777;
  assertEquals([await mode("tls"), await mode("tls/key.pem"), await mode("tls/ca-key.pem")], [0o700, 0o600, 0o600]);
});

Deno.test("own certificate: the next start has the same one", async () => {
  await using dir = await temporary();
  const first = await load({ dataDir: dir.path });
  assertEquals(await load({ dataDir: dir.path, now: NOW + 300 * DAY_MS }), first);
});

Deno.test("own certificate: made anew, by the same authority, thirty days before it ends", async () => {
  await using dir = await temporary();
  const first = await load({ dataDir: dir.path });
  const authority = await Deno.readTextFile(first.authorityFile!);
  const later = await load({ dataDir: dir.path, now: NOW + 368 * DAY_MS });
  assertNotEquals(later.certificate.cert, first.certificate.cert);
  assertEquals(await Deno.readTextFile(later.authorityFile!), authority);
});

Deno.test("own certificate: made anew, by the same authority, when the names have changed", async () => {
  await using dir = await temporary();
  const first = await load({ dataDir: dir.path });
  const authority = await Deno.readTextFile(first.authorityFile!);
  const renamed = await load({ dataDir: dir.path, names: ["smtp.example.org"] });
  assertMatch(parseLeaf(renamed.certificate.cert)!.subjectAltName!, /^DNS:smtp\.example\.org, DNS:localhost, /);
  assertEquals(await Deno.readTextFile(renamed.authorityFile!), authority);
});

Deno.test("own certificate: a pair that a crash left unmatched is made anew", async () => {
  await using dir = await temporary();
  const first = await load({ dataDir: dir.path });
  const other = await issueLeaf(await makeAuthority("other", NOW), NAMES, NOW);
  await Deno.writeTextFile(join(dir.path, "tls/key.pem"), other.keyPem);
  assertNotEquals((await load({ dataDir: dir.path })).certificate.cert, first.certificate.cert);
});

Deno.test("own certificate: an authority near its end is made anew, and so is what it issued", async () => {
  await using dir = await temporary();
  const first = await load({ dataDir: dir.path });
  const authority = await Deno.readTextFile(first.authorityFile!);
  const later = await load({ dataDir: dir.path, now: NOW + 3_300 * DAY_MS });
  const renewed = await Deno.readTextFile(later.authorityFile!);
  assertNotEquals(renewed, authority);
  assert(parseLeaf(later.certificate.cert)!.verify(parseLeaf(renewed)!.publicKey));
});

/** What is wrong with the operator's files that hold these texts. */
async function mistakesOf(cert: string, key: string): Promise<readonly string[]> {
  await using dir = await temporary();
  const files = { certificate: join(dir.path, "c.pem"), key: join(dir.path, "k.pem") };
  await Deno.writeTextFile(files.certificate, cert);
  await Deno.writeTextFile(files.key, key);
  const loaded = await loadCertificate({ files, dataDir: dir.path, names: NAMES, now: NOW });
  return loaded.ok ? [] : loaded.mistakes.map((mistake) => mistake.replaceAll(`${dir.path}/`, ""));
}

Deno.test("operator's certificate: each kind of mistake is named with its variable and file", async () => {
  const { certPem, keyPem } = await makeAuthority("one", NOW);
  const other = await makeAuthority("two", NOW);
  assertEquals(await mistakesOf(certPem, keyPem), []);
  assertEquals(await mistakesOf("not PEM", keyPem), [
    "MAILHOP_TLS_CERT=c.pem: expected a file with certificates in PEM, the server's own first",
  ]);
  assertEquals(await mistakesOf(certPem, certPem), [
    "MAILHOP_TLS_KEY=k.pem: expected a file with a private key in PEM",
  ]);
  assertEquals(await mistakesOf(certPem, other.keyPem), [
    "MAILHOP_TLS_KEY=k.pem: expected a file with the key of the first certificate in MAILHOP_TLS_CERT",
  ]);
  assertEquals(await mistakesOf(certPem, keyPem.replaceAll("PRIVATE", "ENCRYPTED PRIVATE")), [
    "MAILHOP_TLS_KEY=k.pem: expected a file with a private key without a passphrase",
  ]);
});

const SERVED = "expected a file with a certificate that TLS can be served with, its key RSA of 2048 to 8192 bits, " +
  "ECDSA on P-256, P-384 or P-521, or Ed25519";

for (const kind of ["RSA-1024", "secp256k1", "Ed448"] as const) {
  Deno.test(`operator's certificate: a key ${kind}, with which no handshake works, is a mistake`, async () => {
    const { cert, key } = await pairWithKey(await makeRoot(), kind);
    const [mistake, ...others] = await mistakesOf(cert, key);
    assertEquals(others, []);
    assertEquals(mistake?.split(" (")[0], `MAILHOP_TLS_CERT=c.pem: ${SERVED}`);
    // The reason, in node:tls's words.
    assertMatch(mistake!, kind === "RSA-1024" ? /\(.*key too small\)$/ : /\(TLS handshake: .+\)$/);
  });
}

for (const kind of ["RSA-2048", "P-384", "Ed25519"] as const) {
  Deno.test(`operator's certificate: a key ${kind} is taken`, async () => {
    const { cert, key } = await pairWithKey(await makeRoot(), kind);
    assertEquals(await mistakesOf(cert, key), []);
  });
}

Deno.test("operator's certificate: both missing files are named", async () => {
  await using dir = await temporary();
  const files = { certificate: join(dir.path, "c.pem"), key: join(dir.path, "k.pem") };
  const loaded = await loadCertificate({ files, dataDir: dir.path, names: NAMES, now: NOW });
  if (loaded.ok) throw new Error("files that are not there were loaded");
  assertEquals(loaded.mistakes.length, 2);
  assertMatch(loaded.mistakes[0]!, /^MAILHOP_TLS_CERT=.*c\.pem: expected a file that can be read/);
  assertMatch(loaded.mistakes[1]!, /^MAILHOP_TLS_KEY=.*k\.pem: expected a file that can be read/);
});
