import { assertEquals, assertMatch } from "@std/assert";
import { ANY_SOURCE } from "../../../relay/delivery/connect_from.ts";
import { DeadlineWatch, STAGE_SECONDS } from "../../../relay/delivery/deadlines.ts";
import { type Opening, openSession } from "../../../relay/delivery/smtp_client.ts";
import { quit } from "../../../relay/delivery/smtp_session.ts";
import { ManualTicker } from "../../support/manual_ticker.ts";
import { type Connection, type NextHopOptions, NextHopServer } from "../../support/next_hop_server.ts";
import { SELF_SIGNED } from "../../support/self_signed.ts";

const seconds = new ManualTicker();

function open(port: number, name = "mx.example.net"): Promise<Opening> {
  const watch = new DeadlineWatch(seconds.ticker);
  const remote = { name, address: "127.0.0.1", port };
  return openSession(remote, { hostname: "relay.example.org", watch, seconds: STAGE_SECONDS, sources: ANY_SOURCE });
}

async function opened(options: NextHopOptions, check: (opening: Opening, server: NextHopServer) => void) {
  await using server = await NextHopServer.start(options);
  const opening = await open(server.port);
  if (opening.kind === "open") await quit(opening.session);
  check(opening, server);
}

function refusal(opening: Opening): string {
  if (opening.kind === "open") throw new Error("it was opened");
  const { kind, settled, reply } = opening.verdict;
  return `${kind} ${settled ? "settled" : "next host"}: ${reply}`;
}

Deno.test("client: EHLO in plain where the server has no TLS, QUIT at the end", async () => {
  await opened({}, (opening, server) => {
    assertEquals(opening.kind === "open" && opening.session.tls, null);
    assertEquals(server.transcript, [
      "S: 220 mx.example.net ESMTP",
      "C: EHLO relay.example.org",
      "S: 250-mx.example.net",
      "S: 250-PIPELINING",
      "S: 250-SIZE 52428800",
      "S: 250-8BITMIME",
      "S: 250 ENHANCEDSTATUSCODES",
      "C: QUIT",
      "S: 221 2.0.0 Bye",
    ]);
  });
});

Deno.test("client: HELO where EHLO is not known", async () => {
  const script = (input: string) => input.startsWith("EHLO") ? "502 5.5.1 What?" : undefined;
  await opened({ script }, (opening, server) => {
    assertEquals(opening.kind === "open" && opening.session.capabilities.pipelining, false);
    assertEquals(server.transcript.slice(3, 5), ["C: HELO relay.example.org", "S: 250 mx.example.net"]);
  });
});

Deno.test("client: STARTTLS with a certificate that nobody vouches for; protocol and cipher are known", async () => {
  await opened({ tls: SELF_SIGNED }, (opening, server) => {
    assertMatch(opening.kind === "open" && opening.session.tls || "", /^TLSv1\.3 TLS_[A-Z0-9_]+$/);
    assertEquals(server.transcript.filter((line) => line.startsWith("C:")), [
      "C: EHLO relay.example.org",
      "C: STARTTLS",
      "C: EHLO relay.example.org",
      "C: QUIT",
    ]);
    assertEquals(server.connections.length, 1);
  });
});

Deno.test("client: STARTTLS refused for now: the session goes on in plain", async () => {
  const script = (input: string) => input === "STARTTLS" ? "454 4.7.0 Not now" : undefined;
  await opened({ tls: SELF_SIGNED, script }, (opening, server) => {
    assertEquals(opening.kind === "open" && opening.session.tls, null);
    assertEquals(server.connections.length, 1);
  });
});

Deno.test("client: a TLS handshake that fails: a new connection in plain", async () => {
  // Plaintext instead of a ServerHello.
  const script = (input: string) => input === "STARTTLS" ? { close: "220 2.0.0 Go ahead" } : undefined;
  await opened({ tls: SELF_SIGNED, script }, (opening, server) => {
    assertEquals(opening.kind === "open" && opening.session.tls, null);
    assertEquals(server.connections.length, 2);
    assertEquals(server.connections[1]!.transcript.filter((line) => line.startsWith("C:")), [
      "C: EHLO relay.example.org",
      "C: QUIT",
    ]);
  });
});

Deno.test("client: TLS that the server ends before it answers EHLO, as in TLS 1.3 when it refuses: in plain", async () => {
  const script = (_: string, { tls }: Connection) => tls ? { close: null } : undefined;
  await opened({ tls: SELF_SIGNED, script }, (opening, server) => {
    assertEquals(opening.kind === "open" && opening.session.tls, null);
    assertEquals(server.connections.map(({ transcript }) => transcript.includes("C: STARTTLS")), [true, false]);
  });
});

Deno.test("client: a server that has spoken in TLS is not asked again in plain", async () => {
  const script = (input: string, { tls }: Connection) =>
    tls && input.startsWith("EHLO") ? { close: "554 5.7.1 We do not like you" } : undefined;
  await opened({ tls: SELF_SIGNED, script }, (opening, server) => {
    assertMatch(refusal(opening), /^deferred next host: mx.example.net \[127.0.0.1\] /);
    assertEquals(server.connections.length, 1);
  });
});

Deno.test("client: a server that answers nothing in TLS is slow: it is not asked again in plain", async () => {
  const script = (_: string, { tls }: Connection) => tls ? "silence" : undefined;
  await using server = await NextHopServer.start({ tls: SELF_SIGNED, script });
  const opening = open(server.port);
  await server.until(({ transcript }) => transcript.filter((line) => line.startsWith("C: EHLO")).length === 2);
  const timer = setInterval(() => seconds.pass(STAGE_SECONDS.command + 1), 1);
  const refused = refusal(await opening.finally(() => clearInterval(timer)));
  assertEquals(refused, "deferred next host: mx.example.net [127.0.0.1] did not answer in time at EHLO");
  assertEquals(server.connections.length, 1);
});

Deno.test("client: plaintext behind the answer to STARTTLS ends the connection", async () => {
  const script = (input: string) => input === "STARTTLS" ? "220 2.0.0 Go ahead\r\n250 injected" : undefined;
  await opened({ tls: SELF_SIGNED, script }, (opening, server) => {
    assertEquals(refusal(opening), "deferred next host: plaintext behind the server's answer to STARTTLS");
    assertEquals(server.connections.length, 1);
  });
});

Deno.test("client: a refusal at the greeting or at EHLO is this host's word only", async () => {
  await opened({ script: () => "554 5.7.1 We do not like you" }, (opening) => {
    assertEquals(refusal(opening), "failed next host: 554 5.7.1 We do not like you");
  });
  const script = (input: string) => /^(EHLO|HELO)/.test(input) ? "550 5.7.1 Bad name" : undefined;
  await opened({ script }, (opening) => assertEquals(refusal(opening), "failed next host: 550 5.7.1 Bad name"));
  await opened({ script: () => ({ close: "421 4.3.2 Busy" }) }, (opening) => {
    assertEquals(refusal(opening), "deferred next host: 421 4.3.2 Busy");
  });
});

Deno.test("client: trouble is told in words: closed, nonsense, nobody there", async () => {
  await opened({ script: () => ({ close: null }) }, (opening) => {
    assertMatch(
      refusal(opening),
      /^deferred next host: mx\.example\.net \[127\.0\.0\.1\] (closed|broke) the connection before its greeting$/,
    );
  });
  await opened({ script: () => "HTTP/1.1 400 Bad Request" }, (opening) => {
    assertMatch(refusal(opening), /sent something that is no SMTP reply before its greeting$/);
  });
  const closed = await NextHopServer.start();
  const { port } = closed;
  await closed[Symbol.asyncDispose]();
  assertMatch(
    refusal(await open(port, "127.0.0.1")),
    /^deferred next host: \[127\.0\.0\.1\] could not be reached \(Connection refused\)$/,
  );
});

Deno.test("client: a server that never greets is left after five minutes", async () => {
  await using server = await NextHopServer.start({ script: () => "silence" });
  const opening = open(server.port);
  await server.until(({ connections }) => connections.length === 1);
  // The deadline begins when the connection stands, which the server sees first.
  const timer = setInterval(() => seconds.pass(STAGE_SECONDS.greeting + 1), 1);
  const refused = refusal(await opening.finally(() => clearInterval(timer)));
  assertEquals(refused, "deferred next host: mx.example.net [127.0.0.1] did not answer in time before its greeting");
});
