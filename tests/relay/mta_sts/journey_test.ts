/**
 * MTA-STS from the record to the next hop: a DNS server, the policy's HTTPS server, mail servers with TLS and without,
 * and somebody in between who would rather have the mail in plain.
 */
import { assertEquals } from "@std/assert";
import { findNextHop } from "../../../relay/delivery/next_hop.ts";
import { createResolver } from "../../../relay/dns/resolver.ts";
import { StsPolicies } from "../../../relay/mta_sts/policies.ts";
import { fetchPolicy } from "../../../relay/mta_sts/policy_fetch.ts";
import { issue, makeRoot, serverPair } from "../../support/certificates.ts";
import { startDnsServer } from "../../support/dns_server.ts";
import { NextHopServer } from "../../support/next_hop_server.ts";
import type { KeyPair } from "../../support/self_signed.ts";
import { attemptIn, World } from "../delivery/world.ts";

const DNS_TIMES = { attemptTimeoutMs: 10_000, totalTimeoutMs: 10_000 };
const VERIFIED = "MTA-STS: the certificate is verified";
const root = await makeRoot();
const policyServer = await serverPair(await issue(root, { names: ["localhost"] }));
const mailServer = await serverPair(await issue(root, { names: ["mx.example.net"] }));

/** The domain "example.net", which enforces a policy, and a relay that sends to it. */
class Scene implements AsyncDisposable {
  readonly dns = startDnsServer({
    "example.net": { MX: ["10 mx.example.net"] },
    "mx.example.net": { A: ["127.0.0.1"] },
    "evil.example": { A: ["127.0.0.1"] },
    "_mta-sts.example.net": { TXT: ["v=STSv1; id=1;"] },
    "mta-sts.example.net": { A: ["127.0.0.1"] },
  });
  mode = "enforce";
  /** Of the policy's server; 200 unless told. */
  status = 200;
  /** The policy's server answers when this resolves. */
  answering = Promise.resolve();
  #underWay = 0;
  #idle = Promise.withResolvers<void>();
  readonly #https = Deno.serve({ ...policyServer, hostname: "127.0.0.1", port: 0, onListen: () => {} }, async () => {
    await this.answering;
    const text = `version: STSv1\r\nmode: ${this.mode}\r\nmx: mx.example.net\r\nmax_age: 604800\r\n`;
    return new Response(text, { status: this.status, headers: { "content-type": "text/plain" } });
  });
  readonly #client = Deno.createHttpClient({ caCerts: [root.pem] });
  readonly #resolver = createResolver([this.dns], DNS_TIMES);
  readonly #policies = new StsPolicies({
    resolver: { txt: (name) => this.#resolver.fresh().txt(name) },
    fetchPolicy: (domain) => {
      this.#underWay++;
      return fetchPolicy(domain, {
        // The system's resolver knows no name of the tests.
        fetch: (url, init) => {
          const here = url.replace("//mta-sts.example.net/", `//localhost:${this.#https.addr.port}/`);
          return fetch(here, { ...init, client: this.#client });
        },
        resolver: this.#resolver,
        allowPrivate: true,
        timeoutMs: 10_000,
      });
    },
    now: () => 0,
    kept: new Map(),
    onChange: () => {
      if (--this.#underWay > 0) return;
      this.#idle.resolve();
      this.#idle = Promise.withResolvers();
    },
    onTrouble: () => {},
  });

  /** Sends a message where a mail server has this key pair, or no TLS; what the history says, and what arrived. */
  async send(tls: KeyPair | undefined) {
    await using server = await NextHopServer.start({ tls });
    const routing = {
      resolver: this.#resolver.fresh(),
      routes: { domains: new Map(), rest: null },
      mxPort: server.port,
      ownNames: new Set<string>(),
      isOwnEndpoint: () => false,
      allowPrivate: true,
      policyOf: (domain: string) => this.#policies.of(domain),
      random: () => 0.5,
    };
    const parts = { authorities: [root.pem], nextHop: (domain: string) => findNextHop(domain, routing) };
    await using world = new World({}, {}, parts);
    await world.queue.round(world.send(["bob@example.net"]));
    const { type, tlsVerdict, reply } = attemptIn(world.queue.events);
    return { is: type, says: tlsVerdict ?? reply, arrived: server.received.length };
  }

  /** Resolves when no policy is being fetched any more, in the background or not. */
  async idle(): Promise<void> {
    if (this.#underWay > 0) await this.#idle.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.idle();
    this.#client.close();
    await this.#https.shutdown();
    await this.#resolver[Symbol.asyncDispose]();
    await this.dns[Symbol.asyncDispose]();
  }
}

const held = (says: string) => ({ is: "deferred", says, arrived: 0 });
const NO_TLS = held("451 4.7.4 MTA-STS: mx.example.net is not sent to: it does not offer TLS");

Deno.test("MTA-STS: mail goes to the domain's server over TLS that is verified", async () => {
  await using scene = new Scene();
  assertEquals(await scene.send(mailServer), { is: "delivered", says: VERIFIED, arrived: 1 });
});

Deno.test("MTA-STS: who takes STARTTLS away gets nothing, though record and policy are gone as well", async () => {
  await using scene = new Scene();
  assertEquals(await scene.send(undefined), NO_TLS);
  scene.dns.zone["_mta-sts.example.net"] = { TXT: [] };
  assertEquals(await scene.send(undefined), NO_TLS);
  [scene.dns.zone["_mta-sts.example.net"], scene.status] = [{ TXT: ["v=STSv1; id=2;"] }, 404];
  assertEquals(await scene.send(undefined), NO_TLS);
  assertEquals((await scene.send(mailServer)).is, "delivered");
});

Deno.test("MTA-STS: mail goes by the policy that stands while the server of the next one is silent", async () => {
  await using scene = new Scene();
  await scene.send(mailServer);
  const { promise, resolve } = Promise.withResolvers<void>();
  [scene.dns.zone["_mta-sts.example.net"], scene.mode] = [{ TXT: ["v=STSv1; id=2;"] }, "none"];
  scene.answering = promise;
  assertEquals(await scene.send(undefined), NO_TLS);
  assertEquals(await scene.send(mailServer), { is: "delivered", says: VERIFIED, arrived: 1 });
  resolve();
  await scene.idle();
  assertEquals((await scene.send(undefined)).is, "delivered");
});

Deno.test("MTA-STS: who changes the MX record gets nothing", async () => {
  await using scene = new Scene();
  scene.dns.zone["example.net"] = { MX: ["10 evil.example"] };
  const why = "451 4.7.5 the MTA-STS policy of example.net names none of its MX hosts (evil.example)";
  assertEquals(await scene.send(mailServer), held(why));
});

Deno.test("MTA-STS: a domain that gives its policy up is sent to as any other", async () => {
  await using scene = new Scene();
  assertEquals(await scene.send(undefined), NO_TLS);
  [scene.dns.zone["_mta-sts.example.net"], scene.mode] = [{ TXT: ["v=STSv1; id=2;"] }, "none"];
  assertEquals(await scene.send(undefined), NO_TLS);
  await scene.idle();
  assertEquals(await scene.send(undefined), { is: "delivered", says: "250 2.0.0 Queued", arrived: 1 });
});

Deno.test("MTA-STS: a policy that is tested holds nothing back, and the history says what it would", async () => {
  await using scene = new Scene();
  scene.mode = "testing";
  const says = "MTA-STS (testing): would be held back: it does not offer TLS";
  assertEquals(await scene.send(undefined), { is: "delivered", says, arrived: 1 });
});
