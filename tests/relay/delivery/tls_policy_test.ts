/** MTA-STS at the next hop: real TLS servers with good and bad certificates, and what a policy makes of them. */
import { assertEquals, assertMatch } from "@std/assert";
import { DeadlineWatch, STAGE_SECONDS } from "../../../relay/delivery/deadlines.ts";
import { ANY_SOURCE } from "../../../relay/delivery/connect_from.ts";
import { openSession } from "../../../relay/delivery/smtp_client.ts";
import { quit } from "../../../relay/delivery/smtp_session.ts";
import type { TlsPolicy } from "../../../relay/delivery/tls_verdict.ts";
import { issue, makeRoot, serverPair } from "../../support/certificates.ts";
import { type NextHopOptions, NextHopServer, type Script } from "../../support/next_hop_server.ts";
import { type KeyPair, SELF_SIGNED } from "../../support/self_signed.ts";
import { attemptIn, World } from "./world.ts";

const HOST = "mx.example.net";
const ENFORCE: TlsPolicy = { mode: "enforce", named: true };
const TESTING: TlsPolicy = { mode: "testing", named: true };

const root = await makeRoot();
const between = await issue(root, { names: [], commonName: "Between", authority: true });
const stranger = await makeRoot();
const noAuthority = await issue(root, { names: [HOST], commonName: "No authority" });
const good = await serverPair(await issue(root, { names: [HOST] }));

async function session(options: NextHopOptions, tlsPolicy?: TlsPolicy, name = HOST) {
  await using server = await NextHopServer.start(options);
  const watch = new DeadlineWatch();
  const remote = { name, address: "127.0.0.1", port: server.port, tlsPolicy };
  const settings = {
    hostname: "relay.example.org",
    watch,
    seconds: STAGE_SECONDS,
    sources: ANY_SOURCE,
    authorities: [root.pem],
  };
  const opening = await openSession(remote, settings);
  const connections = server.connections.length;
  if (opening.kind === "refused") {
    const { kind, settled, status, reply } = opening.verdict;
    return { connections, refused: `${kind} ${status} ${settled ? "settled" : "next host"}`, reply };
  }
  const { tls, tlsVerdict } = opening.session;
  await quit(opening.session);
  return { connections, tls: tls?.slice(0, 7) ?? null, tlsVerdict };
}

const GOOD: Record<string, KeyPair> = {
  "a good certificate": good,
  "a wildcard": await serverPair(await issue(root, { names: ["*.example.net"] })),
  "a name among others": await serverPair(await issue(root, { names: ["mail.example.org", HOST] })),
  "an intermediate authority": await serverPair(await issue(between, { names: [HOST] }), between),
};
for (const [name, tls] of Object.entries(GOOD)) {
  Deno.test(`MTA-STS enforced: ${name} is verified`, async () => {
    const tlsVerdict = "MTA-STS: the certificate is verified";
    assertEquals(await session({ tls }, ENFORCE), { connections: 1, tls: "TLSv1.3", tlsVerdict });
  });
}

const CANNOT = /^451 4\.7\.5 MTA-STS: mx\.example\.net is not sent to: its certificate cannot be verified \(/;
const BAD: Record<string, readonly [KeyPair, RegExp]> = {
  "an expired certificate": [await serverPair(await issue(root, { names: [HOST], days: [-30, -1] })), CANNOT],
  "a certificate of tomorrow": [await serverPair(await issue(root, { names: [HOST], days: [1, 30] })), CANNOT],
  "a certificate for another name": [
    await serverPair(await issue(root, { names: ["mx.example.org"] })),
    /its certificate is for other names$/,
  ],
  "a wildcard of another level": [
    await serverPair(await issue(root, { names: ["*.mx.example.net", "*.net"] })),
    /its certificate is for other names$/,
  ],
  "a name in the common name alone": [
    await serverPair(await issue(root, { names: [], commonName: HOST })),
    /its certificate names no host$/,
  ],
  "a self-signed certificate": [await serverPair(await makeRoot([HOST])), CANNOT],
  "a self-signed certificate without names": [SELF_SIGNED, /its certificate names no host$/],
  "a certificate of an authority that nobody knows": [
    await serverPair(await issue(stranger, { names: [HOST] })),
    CANNOT,
  ],
  "a missing intermediate authority": [await serverPair(await issue(between, { names: [HOST] })), CANNOT],
  "an issuer that is no authority": [
    await serverPair(await issue(noAuthority, { names: [HOST] }), noAuthority),
    CANNOT,
  ],
};
for (const [name, [tls, words]] of Object.entries(BAD)) {
  Deno.test(`MTA-STS: ${name} holds mail back where it is enforced, is told where it is tested, and else will do`, async () => {
    const { connections, refused, reply } = await session({ tls }, ENFORCE);
    assertEquals([connections, refused], [1, "deferred 4.7.5 next host"]);
    assertMatch(reply!, words);
    const tested = await session({ tls }, TESTING);
    assertEquals([tested.connections, tested.tls], [1, "TLSv1.3"]);
    assertMatch(tested.tlsVerdict!, /^MTA-STS \(testing\): would be held back: its certificate /);
    assertEquals(await session({ tls }), { connections: 1, tls: "TLSv1.3", tlsVerdict: null });
  });
}

Deno.test("MTA-STS: no TLS offered, or none to be had now", async () => {
  const notNow = (input: string) => input === "STARTTLS" ? "454 4.7.0 Not now" : undefined;
  for (const options of [{}, { tls: good, script: notNow }]) {
    assertEquals(await session(options, ENFORCE), {
      connections: 1,
      refused: "deferred 4.7.4 next host",
      reply: "451 4.7.4 MTA-STS: mx.example.net is not sent to: it does not offer TLS",
    });
    const tlsVerdict = "MTA-STS (testing): would be held back: it does not offer TLS";
    assertEquals(await session(options, TESTING), { connections: 1, tls: null, tlsVerdict });
  }
});

Deno.test("MTA-STS: a handshake that fails is not tried again in plain where the policy is enforced", async () => {
  const during: Script = (input) => input === "STARTTLS" ? { close: "220 2.0.0 Go ahead" } : undefined;
  // In TLS 1.3 the server's refusal comes behind it.
  const behind: Script = (_, { tls }) => tls ? { close: null } : undefined;
  for (const script of [during, behind]) {
    assertEquals(await session({ tls: good, script }, ENFORCE), {
      connections: 1,
      refused: "deferred 4.7.5 next host",
      reply: "451 4.7.5 MTA-STS: mx.example.net is not sent to: the TLS handshake failed",
    });
    const tlsVerdict = "MTA-STS (testing): would be held back: the TLS handshake failed";
    assertEquals(await session({ tls: good, script }, TESTING), { connections: 2, tls: null, tlsVerdict });
  }
});

Deno.test("MTA-STS tested: a host that the policy does not name", async () => {
  const { tlsVerdict } = await session({ tls: good }, { mode: "testing", named: false });
  assertEquals(tlsVerdict, "MTA-STS (testing): would be held back: the policy does not name this host");
});

/** Delivers to the servers under a policy; the event of the attempt that had the last word. */
async function delivered(servers: readonly NextHopServer[], tlsPolicy: TlsPolicy) {
  const hosts = servers.map(({ port }) => ({
    name: HOST,
    port,
    tlsPolicy,
    addresses: () => Promise.resolve({ kind: "addresses" as const, addresses: ["127.0.0.1"] }),
  }));
  const hop = { kind: "hosts" as const, key: "mx", hosts };
  await using world = new World({ "example.net": hop }, {}, { authorities: [root.pem] });
  await world.queue.round(world.send(["bob@example.net"]));
  return attemptIn(world.queue.events.slice(-1));
}

Deno.test("delivery under MTA-STS: the history has the verdict", async () => {
  await using server = await NextHopServer.start({ tls: good });
  const { type, tlsVerdict } = await delivered([server], ENFORCE);
  assertEquals([type, tlsVerdict], ["delivered", "MTA-STS: the certificate is verified"]);
});

Deno.test("delivery under MTA-STS: a host that fails it gets nothing, the next one does; where all fail it is deferred", async () => {
  await using bad = await NextHopServer.start({ tls: SELF_SIGNED });
  await using server = await NextHopServer.start({ tls: good });
  assertEquals((await delivered([bad, server], ENFORCE)).type, "delivered");
  assertEquals([bad.received.length, server.received.length], [0, 1]);
  const { type, reply, nextAttemptAt } = await delivered([bad], ENFORCE);
  assertEquals([type, nextAttemptAt === null], ["deferred", false]);
  assertEquals(reply, "451 4.7.5 MTA-STS: mx.example.net is not sent to: its certificate names no host");
  assertEquals(bad.transcript.some((line) => line.startsWith("C: MAIL")), false);
});
