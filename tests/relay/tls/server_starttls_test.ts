import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { connect as tlsConnect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { connect as tcpConnect, type Socket } from "node:net";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { ConnDuplex } from "../../../relay/tls/conn_duplex.ts";
import { needing } from "../../support/installed.ts";
import type { ByteConn } from "../../../relay/tls/byte_conn.ts";
import { issueLeaf, makeAuthority } from "../../../relay/tls/own_authority.ts";
import { createStartTls, type SecuredConn, type StartTls } from "../../../relay/tls/server_starttls.ts";

const authority = await makeAuthority("the tests", Date.now());
const leaf = await issueLeaf(authority, ["relay.test", "localhost"], Date.now());
const pair = { cert: leaf.certPem, key: leaf.keyPem };
const TRUSTING: ConnectionOptions = { ca: authority.certPem, servername: "relay.test" };

/** A listener in clear, and the next connection's upgrade. */
class Edge implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly port = (this.#listener.addr as Deno.NetAddr).port;
  readonly #startTls: StartTls;
  constructor(startTls = createStartTls(pair)) {
    this.#startTls = startTls;
  }
  /** @param onRead hears of all that is taken from the connection. */
  async accept(onRead: (octets: number) => void = () => {}): Promise<SecuredConn> {
    const conn = await this.#listener.accept();
    conn.setNoDelay(true);
    return await this.#startTls.upgrade({
      async read(into) {
        const octets = await conn.read(into);
        onRead(octets ?? 0);
        return octets;
      },
      write: (octets) => conn.write(octets),
      close: () => conn.close(),
    });
  }
  [Symbol.dispose]() {
    this.#listener.close();
  }
}

async function client(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = tlsConnect({ host: "127.0.0.1", port, ...options });
  await once(socket, "secureConnect");
  return socket;
}

async function bothEnds(
  edge: Edge,
  options: ConnectionOptions = TRUSTING,
  onRead?: (octets: number) => void,
): Promise<[SecuredConn, TLSSocket]> {
  const [server, peer] = await Promise.all([edge.accept(onRead), client(edge.port, options)]);
  return [server, peer];
}

/** Ends the client's side as well, and waits until it is gone, so that nothing outlives a test. */
async function goodbye(peer: TLSSocket | Socket, conn: ByteConn): Promise<void> {
  conn.close();
  peer.resume();
  peer.end();
  if (!peer.closed) await once(peer, "close");
}

async function readAll(conn: ByteConn): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const buffer = new Uint8Array(1000);
  for (let length; (length = await conn.read(buffer)) !== null;) chunks.push(buffer.slice(0, length));
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
  Deno.test(`STARTTLS: ${version}, verified by a client that trusts ca.pem; version and cipher are known`, async () => {
    using edge = new Edge();
    const [{ conn, tls }, peer] = await bothEnds(edge, { ...TRUSTING, minVersion: version, maxVersion: version });
    assert(peer.authorized);
    assertEquals(tls, { version, cipher: peer.getCipher().standardName });
    await conn.write(new TextEncoder().encode("220 relay.test\r\n"));
    assertEquals(String((await once(peer, "data"))[0]), "220 relay.test\r\n");
    await goodbye(peer, conn);
  });
}

Deno.test("STARTTLS: a certificate that is an authority's own (as of openssl req -x509) can be shown", async () => {
  using edge = new Edge(createStartTls({ cert: authority.certPem, key: authority.keyPem }));
  const [{ conn }, peer] = await bothEnds(edge, { rejectUnauthorized: false });
  await goodbye(peer, conn);
});

Deno.test({
  ...needing(
    "STARTTLS: a certificate made by openssl req -x509 works, and openssl s_client sees a clean end",
    "openssl",
  ),
  async fn() {
    const dir = await Deno.makeTempDir();
    const [certFile, keyFile] = [join(dir, "cert.pem"), join(dir, "key.pem")];
    const openssl = (...args: string[]) =>
      new Deno.Command("openssl", { args, stdin: "null", stdout: "piped", stderr: "piped" }).output();
    await openssl(
      ..."req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=relay.test".split(" "),
      "-keyout",
      keyFile,
      "-out",
      certFile,
    );
    const [cert, key] = [await Deno.readTextFile(certFile), await Deno.readTextFile(keyFile)];
    await Deno.remove(dir, { recursive: true });
    using edge = new Edge(createStartTls({ cert, key }));
    const serve = async () => {
      const { conn, tls } = await edge.accept();
      await conn.write(new TextEncoder().encode("221 bye\r\n"));
      conn.close();
      return tls;
    };
    const [tls, output] = await Promise.all([
      serve(),
      openssl("s_client", "-connect", `127.0.0.1:${edge.port}`, "-ign_eof"),
    ]);
    const said = new TextDecoder().decode(output.stdout) + new TextDecoder().decode(output.stderr);
    assertEquals(tls.version, "TLSv1.3");
    assert(said.includes("221 bye"), said);
    // Without our close_notify, OpenSSL 3 speaks of an unexpected end.
    assert(!said.includes("unexpected eof"), said);
  },
});

Deno.test("TLS connection: octets arrive in order and whole in both directions, whatever the sizes", async () => {
  using edge = new Edge();
  const [{ conn }, peer] = await bothEnds(edge);
  const sent = crypto.getRandomValues(new Uint8Array(60_000));
  const upload = new Uint8Array(Array.from({ length: 30 }, () => [...sent]).flat());
  peer.end(upload);
  assertEquals(await readAll(conn), upload);
  const echoed: Uint8Array[] = [];
  peer.on("data", (chunk: Uint8Array) => echoed.push(chunk));
  const ended = once(peer, "end");
  for (let at = 0; at < sent.length; at += 777) {
    assertEquals(await conn.write(sent.subarray(at, at + 777)), Math.min(777, sent.length - at));
  }
  conn.close();
  await ended;
  assertEquals(new Uint8Array(await new Blob(echoed as BlobPart[]).arrayBuffer()), sent);
});

Deno.test("TLS connection: a peer that says more than is read is held back", async () => {
  using edge = new Edge();
  let taken = 0;
  const [{ conn }, peer] = await bothEnds(edge, TRUSTING, (octets) => taken += octets);
  const writing = peer.write(new Uint8Array(UPLOAD_OCTETS));
  assert(!writing, "more than the peer's own buffers take");
  const buffer = new Uint8Array(1000);
  for (let got = 0; got < 500_000;) {
    got += (await conn.read(buffer))!;
    // Whatever would be taken without being asked for is taken now.
    await setImmediate();
    assert(taken - got < MAX_AHEAD_OCTETS, `${taken} octets were taken, ${got} were read`);
  }
  conn.close();
  peer.destroy();
});

/** Far more than may be held in memory for a session. */
const UPLOAD_OCTETS = 16 * 1024 * 1024;
/** Two reads of 64 KiB, and what TLS adds. */
const MAX_AHEAD_OCTETS = 160 * 1024;

Deno.test("TLS connection: a peer that ends with close_notify can still be answered", async () => {
  using edge = new Edge();
  const [{ conn }, peer] = await bothEnds(edge);
  peer.end("QUIT\r\n");
  assertEquals(new TextDecoder().decode(await readAll(conn)), "QUIT\r\n");
  const heard = once(peer, "data");
  await conn.write(new TextEncoder().encode("221 2.0.0 Bye\r\n"));
  assertEquals(String((await heard)[0]), "221 2.0.0 Bye\r\n");
  await goodbye(peer, conn);
});

/** A TLS client whose TCP connection is in our hands. */
async function withTcp(edge: Edge): Promise<[SecuredConn, TLSSocket, Socket]> {
  const tcp = tcpConnect(edge.port, "127.0.0.1");
  await once(tcp, "connect");
  const peer = tlsConnect({ socket: tcp, ...TRUSTING });
  peer.on("error", () => {}); // what happens to the client's side is not looked at
  const [server] = await Promise.all([edge.accept(), once(peer, "secureConnect")]);
  return [server, peer, tcp];
}

Deno.test("TLS connection: a peer that goes without close_notify has ended, and writing to it fails", async () => {
  using edge = new Edge();
  const [{ conn }, peer, tcp] = await withTcp(edge);
  const reading = conn.read(new Uint8Array(10));
  tcp.resetAndDestroy();
  assertEquals(await reading, null);
  await assertRejects(() => conn.write(new Uint8Array(10)), Deno.errors.BrokenPipe);
  conn.close();
  peer.destroy();
});

Deno.test("TLS connection: a write to a peer that does not read ends when the peer goes", async () => {
  using edge = new Edge();
  const [{ conn }, peer, tcp] = await withTcp(edge);
  peer.pause();
  const writing = assertRejects(() => conn.write(new Uint8Array(64 * 1024 * 1024)), Deno.errors.BrokenPipe);
  tcp.resetAndDestroy();
  await writing;
  conn.close();
  peer.destroy();
});

Deno.test("TLS connection: close ends a read that waits", async () => {
  using edge = new Edge();
  const [{ conn }, peer] = await bothEnds(edge);
  const reading = conn.read(new Uint8Array(10));
  await goodbye(peer, conn);
  assertEquals(await reading, null);
});

Deno.test("TLS connection: a record that was tampered with ends it", async () => {
  using edge = new Edge();
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port: edge.port });
  const peer = tlsConnect({ socket: new ConnDuplex(tcp) as Duplex as never, ...TRUSTING });
  peer.on("error", () => {}); // what happens to the client's side is not looked at
  const [{ conn }] = await Promise.all([edge.accept(), once(peer, "secureConnect")]);
  await tcp.write(new Uint8Array([23, 3, 3, 0, 30, ...new Uint8Array(30)]));
  assertEquals(await conn.read(new Uint8Array(10)), null);
  conn.close();
  peer.destroy();
});

/** What becomes of an upgrade whose peer sends `octets` in clear and then, maybe, closes. */
async function upgradeAgainst(
  octets: Uint8Array,
  thenClose: boolean,
  startTls = createStartTls(pair),
): Promise<SecuredConn> {
  using edge = new Edge(startTls);
  using peer = await Deno.connect({ hostname: "127.0.0.1", port: edge.port });
  const upgrading = edge.accept();
  await peer.write(octets);
  if (thenClose) await peer.closeWrite();
  return await upgrading;
}

Deno.test("handshake: another protocol is refused", async () => {
  const get = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: relay.test\r\n\r\n");
  await assertRejects(() => upgradeAgainst(get, false), Deno.errors.InvalidData);
});

Deno.test("handshake: a peer that goes before or in the middle of it ends it", async () => {
  await assertRejects(() => upgradeAgainst(new Uint8Array(0), true), Deno.errors.ConnectionReset);
  await assertRejects(() => upgradeAgainst(new Uint8Array([22, 3, 1, 2, 0, 1]), true), Deno.errors.ConnectionReset);
});

Deno.test("handshake: a peer that says nothing is given up at the deadline", async () => {
  const impatient = createStartTls(pair, 20);
  await assertRejects(() => upgradeAgainst(new Uint8Array([22]), false, impatient), Deno.errors.TimedOut);
});

Deno.test("handshake: it ends when somebody else closes the connection meanwhile", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using _peer = await Deno.connect({ hostname: "127.0.0.1", port: (listener.addr as Deno.NetAddr).port });
  const conn = await listener.accept();
  const upgrading = assertRejects(() => createStartTls(pair).upgrade(conn), Deno.errors.ConnectionReset);
  conn.close();
  await upgrading;
});

Deno.test("handshake: a client that offers only another protocol by ALPN is refused, one that offers smtp is not", async () => {
  using edge = new Edge();
  const refused = assertRejects(() => edge.accept(), Deno.errors.InvalidData);
  const browser = tlsConnect({ host: "127.0.0.1", port: edge.port, ...TRUSTING, ALPNProtocols: ["http/1.1"] });
  browser.on("error", () => {});
  await refused;
  browser.destroy();
  const [{ conn }, peer] = await bothEnds(edge, { ...TRUSTING, ALPNProtocols: ["smtp"] });
  assertEquals(peer.alpnProtocol, "smtp");
  await goodbye(peer, conn);
});

Deno.test("reload: the next handshake shows the new certificate, and an open session goes on", async () => {
  const startTls = createStartTls(pair);
  using edge = new Edge(startTls);
  const [old, oldPeer] = await bothEnds(edge);
  const renewed = await issueLeaf(authority, ["renewed.test"], Date.now());
  startTls.reload({ cert: renewed.certPem, key: renewed.keyPem });
  const [fresh, freshPeer] = await bothEnds(edge, { ...TRUSTING, servername: "renewed.test" });
  assert(freshPeer.authorized);
  oldPeer.write("NOOP\r\n");
  assertEquals(await old.conn.read(new Uint8Array(100)), 6);
  await goodbye(freshPeer, fresh.conn);
  await goodbye(oldPeer, old.conn);
});
