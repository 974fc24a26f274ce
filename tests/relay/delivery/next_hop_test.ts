import { assertEquals, AssertionError, assertNotEquals } from "@std/assert";
import { findNextHop, type NextHop, type Routing, type StaticRoutes } from "../../../relay/delivery/next_hop.ts";
import { createResolver } from "../../../relay/dns/resolver.ts";
import type { Resolver } from "../../../relay/dns/types.ts";
import type { StsPolicy } from "../../../relay/mta_sts/policy.ts";
import { startDnsServer } from "../../support/dns_server.ts";
import { NextHopServer } from "../../support/next_hop_server.ts";
import { World } from "./world.ts";

const PATIENT = { attemptTimeoutMs: 10_000, totalTimeoutMs: 10_000 };
const NO_ROUTES: StaticRoutes = { domains: new Map(), rest: null };

function routing(resolver: Resolver, changes: Partial<Routing> = {}): Routing {
  return {
    resolver,
    routes: NO_ROUTES,
    mxPort: 25,
    ownNames: new Set(["relay.example"]),
    isOwnEndpoint: () => false,
    allowPrivate: false,
    policyOf: () => Promise.resolve(null),
    random: () => 0.999,
    ...changes,
  };
}

/** The hop, which must be one to hosts. */
function way(hop: NextHop): Extract<NextHop, { kind: "hosts" }> {
  if (hop.kind !== "hosts") throw new AssertionError(JSON.stringify(hop));
  return hop;
}

function names(hop: NextHop): string[] {
  return way(hop).hosts.map((host) => host.name);
}

/** The addresses of the first host. */
async function addresses(hop: NextHop): Promise<unknown> {
  const found = await way(hop).hosts[0]!.addresses();
  return found.kind === "addresses" ? found.addresses : found;
}

const permanent = (code: number, enhanced: string, text: string) => ({ kind: "permanent", code, enhanced, text });
const deferred = (text: string) => ({ kind: "deferred", code: 451, enhanced: "4.4.3", text });

Deno.test("next hop: MX hosts in the order of preference, at the MX port, addresses looked up when asked for", async () => {
  await using dns = startDnsServer({
    "example.com": { MX: ["20 b.example.com", "10 a.example.com", "30 c.example.com"] },
    "a.example.com": { A: ["192.0.2.1"], AAAA: ["2001:db8::1"] },
  });
  await using resolver = createResolver([dns], PATIENT);
  const hop = await findNextHop("Example.COM", routing(resolver, { mxPort: 2525 }));
  assertEquals(names(hop), ["a.example.com", "b.example.com", "c.example.com"]);
  assertEquals(way(hop).hosts.map(({ port }) => port), [2525, 2525, 2525]);
  assertEquals(dns.queries.length, 1);
  assertEquals(await addresses(hop), ["2001:db8::1", "192.0.2.1"]);
  assertEquals(dns.count("b.example.com"), 0);
});

Deno.test("next hop: equal preferences come in random order, under one key", async () => {
  await using dns = startDnsServer({
    "example.com": { MX: ["10 a.example", "10 b.example", "10 c.example", "20 d.example", "5 e.example"] },
    "same.example": { MX: ["7 c.example", "1 e.example", "7 b.example", "7 a.example", "9 d.example"] },
    "other.example": { MX: ["10 a.example", "20 b.example"] },
  });
  await using resolver = createResolver([dns], PATIENT);
  const one = await findNextHop("example.com", routing(resolver, { random: () => 0.999 }));
  const two = await findNextHop("example.com", routing(resolver, { random: () => 0 }));
  assertEquals(names(one), ["e.example", "a.example", "b.example", "c.example", "d.example"]);
  assertEquals(names(two), ["e.example", "b.example", "c.example", "a.example", "d.example"]);
  const { key } = way(one);
  assertEquals(way(two).key, key);
  assertEquals(way(await findNextHop("same.example", routing(resolver))).key, key, "the same hosts, the same key");
  assertNotEquals(way(await findNextHop("other.example", routing(resolver))).key, key);
});

Deno.test("next hop: an MX that is no host name is left out, so no domain can be taken for another", async () => {
  // A comma in a name, as in a list of names: what it says is the DNS's, which knows no list.
  const records: Record<string, string[]> = {
    "victim.example": ["mx1.victim.example", "mx2.victim.example"],
    "evil.example": ["mx1.victim.example,mx2.victim.example"],
    "worse.example": ["mx1.victim.example > mx2.victim.example", "*.example"],
    "partly.example": ["a,b.example", "_mail-1.example"],
  };
  const resolver: Resolver = {
    mx: (domain) =>
      Promise.resolve({ kind: "found", records: records[domain]!.map((exchange) => ({ preference: 10, exchange })) }),
    a: (name) =>
      Promise.resolve(
        /^mx[12]\.victim\.example$/.test(name) ? { kind: "found", records: ["127.0.0.1"] } : { kind: "no-domain" },
      ),
    aaaa: () => Promise.resolve({ kind: "no-data" }),
    txt: () => Promise.resolve({ kind: "no-data" }),
    cname: () => Promise.resolve({ kind: "no-data" }),
    fresh: () => resolver,
  };
  await using server = await NextHopServer.start();
  const find = (domain: string) => findNextHop(domain, routing(resolver, { allowPrivate: true, mxPort: server.port }));
  for (const domain of ["evil.example", "worse.example"]) {
    const words = `host ${records[domain]![0]} has no address`;
    assertEquals<unknown>(await find(domain), permanent(550, "5.4.4", words));
  }
  assertEquals(names(await find("partly.example")), ["_mail-1.example"]);

  await using world = new World({}, {}, { nextHop: find });
  const id = world.send(["x@evil.example", "bob@victim.example"]);
  await world.queue.round(id);
  assertEquals(world.queue.statuses(id), ["bounced", "delivered"]);
});

Deno.test("next hop: hosts are ranked by their preference, those of the same alike", async () => {
  await using dns = startDnsServer({ "example.com": { MX: ["20 c.example", "10 a.example", "10 b.example"] } });
  await using resolver = createResolver([dns], PATIENT);
  const hop = way(await findNextHop("example.com", routing(resolver)));
  assertEquals(hop.hosts.map(({ name, rank }) => `${name} ${rank}`), ["a.example 0", "b.example 0", "c.example 1"]);
});

Deno.test("next hop: without MX the domain itself is the host; without an address too it is 550 5.1.2", async () => {
  await using dns = startDnsServer({ "host.example": { A: ["192.0.2.1"] }, "text.example": { TXT: ["x"] } });
  await using resolver = createResolver([dns], PATIENT);
  const hop = await findNextHop("host.example", routing(resolver));
  assertEquals([names(hop), await addresses(hop)], [["host.example"], ["192.0.2.1"]]);
  assertEquals(
    await addresses(await findNextHop("text.example", routing(resolver))),
    permanent(550, "5.1.2", "domain text.example has no MX, A or AAAA record"),
  );
});

Deno.test("next hop: CNAMEs are followed, of the domain and of the MX host, and what is behind them is judged", async () => {
  await using dns = startDnsServer({
    "alias.example": { CNAME: "example.com" },
    "example.com": { MX: ["10 mx.example.com", "20 inside.example.com"] },
    "mx.example.com": { CNAME: "host.example.net" },
    "host.example.net": { A: ["192.0.2.1"] },
    "inside.example.com": { CNAME: "private.example.net" },
    "private.example.net": { A: ["10.0.0.1"] },
  });
  await using resolver = createResolver([dns], PATIENT);
  const hop = await findNextHop("alias.example", routing(resolver));
  assertEquals(names(hop), ["mx.example.com", "inside.example.com"]);
  assertEquals(await addresses(hop), ["192.0.2.1"]);
  assertEquals<unknown>(
    await way(hop).hosts[1]!.addresses(),
    permanent(550, "5.4.4", "host inside.example.com has an address that mail is not sent to: 10.0.0.1 (private)"),
  );
});

Deno.test("next hop: what ends mail for good, and what defers it", async () => {
  await using dns = startDnsServer({
    "null.example": { MX: ["0 ."] },
    "address.example": { MX: ["10 192.0.2.1"] },
    "broken.example": { fault: "SERVFAIL" },
    "nullish.example": { MX: ["0 .", "10 mx.example"] },
    "part-address.example": { MX: ["1 192.0.2.1", "10 mx.example"] },
  });
  await using resolver = createResolver([dns], PATIENT);
  const find = (domain: string) => findNextHop(domain, routing(resolver));
  assertEquals<unknown>(
    await find("null.example"),
    permanent(556, "5.1.10", "domain null.example does not accept mail (null MX)"),
  );
  assertEquals<unknown>(await find("gone.example"), permanent(550, "5.1.2", "domain gone.example does not exist"));
  assertEquals<unknown>(await find("a..b"), permanent(550, "5.1.2", "domain a..b does not exist"));
  assertEquals<unknown>(await find("[1.2.3]"), permanent(550, "5.1.2", "[1.2.3] is not an address literal"));
  assertEquals<unknown>(
    await find("address.example"),
    permanent(550, "5.4.4", "the MX record of address.example names an address instead of a host"),
  );
  assertEquals<unknown>(
    await find("broken.example"),
    deferred("DNS lookup of broken.example failed: SERVFAIL from name server 127.0.0.1"),
  );
  assertEquals(names(await find("nullish.example")), ["mx.example"]);
  assertEquals(names(await find("part-address.example")), ["mx.example"]);
});

Deno.test("next hop: mail is not bounced for what the cache says", async () => {
  await using dns = startDnsServer({ "mx.example": { TXT: ["no address yet"] } });
  await using resolver = createResolver([dns], PATIENT);
  const find = () => findNextHop("new.example", routing(resolver));
  assertEquals((await find()).kind, "permanent");
  dns.zone["new.example"] = { MX: ["10 mx.example"] };
  const hop = await find();
  assertEquals(await addresses(hop), permanent(550, "5.4.4", "host mx.example has no address"));
  dns.zone["mx.example"] = { A: ["192.0.2.1"] };
  assertEquals(await addresses(hop), ["192.0.2.1"]);
});

Deno.test("next hop: static routes are taken before MX, need no DNS and may be private", async () => {
  await using dns = startDnsServer({
    "example.com": { MX: ["10 mx.example.com"] },
    "hub.example": { A: ["10.0.0.1"] },
    "broken.example": { fault: "SERVFAIL" },
  });
  await using resolver = createResolver([dns], PATIENT);
  const routes: StaticRoutes = {
    domains: new Map([
      ["example.net", { hostname: "10.1.1.1", port: 2526 }],
      ["xn--bcher-kva.example", { hostname: "hub.example", port: 25 }],
      ["local.example", { hostname: "localhost", port: 25 }],
      ["lost.example", { hostname: "nowhere.example", port: 25 }],
      ["shaky.example", { hostname: "broken.example", port: 25 }],
    ]),
    rest: null,
  };
  const find = (domain: string, rest: StaticRoutes["rest"] = null) =>
    findNextHop(domain, routing(resolver, { routes: { ...routes, rest }, allowPrivate: false }));

  const direct = await find("Example.NET");
  assertEquals([names(direct), way(direct).hosts[0]!.port], [["10.1.1.1"], 2526]);
  assertEquals(await addresses(direct), ["10.1.1.1"]);
  assertEquals(await addresses(await find("local.example")), ["127.0.0.1", "::1"]);
  assertEquals(dns.queries, []);

  assertEquals(await addresses(await find("bücher.example")), ["10.0.0.1"]);
  assertEquals(
    await addresses(await find("lost.example")),
    deferred("host nowhere.example of a static route has no address"),
    "an operator's mistake bounces nothing",
  );
  assertEquals(
    await addresses(await find("shaky.example")),
    deferred("DNS lookup of broken.example failed: SERVFAIL from name server 127.0.0.1"),
  );
  assertEquals(names(await find("example.com")), ["mx.example.com"]);

  const rest = { hostname: "::1", port: 2527 };
  const everything = await Promise.all(["example.com", "[192.0.2.1]", "gone.example"].map((name) => find(name, rest)));
  assertEquals(everything.map(names), [["::1"], ["::1"], ["::1"]]);
  assertEquals(new Set(everything.map((hop) => way(hop).key)).size, 1);
  assertEquals(names(await find("example.net", rest)), ["10.1.1.1"]);
});

Deno.test("next hop: address literals are dialled, unless special", async () => {
  await using dns = startDnsServer();
  await using resolver = createResolver([dns], PATIENT);
  const find = async (domain: string, changes: Partial<Routing> = {}) =>
    await addresses(await findNextHop(domain, routing(resolver, changes)));
  assertEquals(await find("[192.0.2.1]"), ["192.0.2.1"]);
  assertEquals(await find("[IPv6:2001:db8::1]"), ["2001:db8::1"]);
  assertEquals(
    await find("[127.0.0.1]"),
    permanent(550, "5.4.4", "host [127.0.0.1] has an address that mail is not sent to: 127.0.0.1 (loopback)"),
  );
  assertEquals(await find("[127.0.0.1]", { allowPrivate: true }), ["127.0.0.1"]);
  assertEquals(dns.queries, []);
});

Deno.test("next hop: loopback, private and embedded addresses from the DNS are left out unless allowed", async () => {
  await using dns = startDnsServer({
    "mixed.example": {
      A: ["127.0.0.1", "192.0.2.1", "10.0.0.1"],
      AAAA: ["::1", "::ffff:192.168.0.1", "64:ff9b::a00:1"],
    },
    "inside.example": { A: ["169.254.169.254"], AAAA: ["fd00::1"] },
  });
  await using resolver = createResolver([dns], PATIENT);
  assertEquals(await addresses(await findNextHop("mixed.example", routing(resolver))), ["192.0.2.1"]);
  assertEquals(
    await addresses(await findNextHop("inside.example", routing(resolver))),
    permanent(550, "5.4.4", "host inside.example has an address that mail is not sent to: fd00::1 (private)"),
  );
  const allowed = await findNextHop("inside.example", routing(resolver, { allowPrivate: true }));
  assertEquals(await addresses(allowed), ["fd00::1", "169.254.169.254"]);
});

Deno.test("next hop: an answer that changes between two looks is judged anew each time (rebinding)", async () => {
  await using dns = startDnsServer({ "rebind.example": { A: ["192.0.2.1"], ttl: 0 } });
  await using resolver = createResolver([dns], PATIENT);
  const hop = await findNextHop("rebind.example", routing(resolver));
  assertEquals(await addresses(hop), ["192.0.2.1"]);
  dns.zone["rebind.example"] = { A: ["127.0.0.1"], ttl: 0 };
  assertEquals((await addresses(hop) as { kind: string }).kind, "permanent");
});

Deno.test("next hop: half an answer is used; nothing but special addresses and a failure is a deferral", async () => {
  const failed = { kind: "failed", why: "SERVFAIL" } as const;
  const half = (a: string): Resolver => ({
    mx: () => Promise.resolve({ kind: "no-data" }),
    a: () => Promise.resolve({ kind: "found", records: [a] }),
    aaaa: () => Promise.resolve(failed),
    txt: () => Promise.resolve(failed),
    cname: () => Promise.resolve({ kind: "no-data" }),
    fresh: () => half(a),
  });
  assertEquals(await addresses(await findNextHop("half.example", routing(half("192.0.2.1")))), ["192.0.2.1"]);
  assertEquals(
    await addresses(await findNextHop("half.example", routing(half("127.0.0.1")))),
    deferred("DNS lookup of half.example failed: SERVFAIL"),
  );
});

Deno.test("next hop: from our own name on, MX hosts are dropped; with none left the mail loops", async () => {
  await using dns = startDnsServer({
    "backup.example": { MX: ["10 a.example", "20 RELAY.example", "20 b.example", "30 c.example"] },
    "ours.example": { MX: ["10 relay.example", "20 c.example"] },
    "relay.example": { A: ["192.0.2.1"] },
  });
  await using resolver = createResolver([dns], PATIENT);
  assertEquals(names(await findNextHop("backup.example", routing(resolver))), ["a.example"]);
  for (const domain of ["ours.example", "relay.example"]) {
    assertEquals<unknown>(
      await findNextHop(domain, routing(resolver)),
      permanent(554, "5.4.6", `mail for ${domain} loops back to this relay`),
    );
  }
});

Deno.test("next hop: an address and port where this relay listens is left out, even where private ones are allowed", async () => {
  await using dns = startDnsServer({
    "self.example": { A: ["127.0.0.1", "127.0.0.2"] },
    "only.example": { A: ["127.0.0.1"] },
  });
  await using resolver = createResolver([dns], PATIENT);
  const own = {
    allowPrivate: true,
    isOwnEndpoint: (address: string, port: number) => address === "127.0.0.1" && port === 25,
  };
  assertEquals(await addresses(await findNextHop("self.example", routing(resolver, own))), ["127.0.0.2"]);
  assertEquals(
    await addresses(await findNextHop("only.example", routing(resolver, own))),
    permanent(550, "5.4.4", "host only.example has an address that mail is not sent to: 127.0.0.1 (this relay itself)"),
  );
  const elsewhere = await findNextHop("only.example", routing(resolver, { ...own, mxPort: 2526 }));
  assertEquals(await addresses(elsewhere), ["127.0.0.1"]);
});

Deno.test("next hop: huge MX and address sets are cut, each host once at its best preference", async () => {
  await using dns = startDnsServer({
    "huge.example": { MX: Array.from({ length: 50 }, (_, i) => `${i} h${i}.example`), fault: "truncated" },
    "twice.example": { MX: ["20 a.example", "10 a.example", "15 b.example"] },
    "h0.example": { A: Array.from({ length: 30 }, (_, i) => `192.0.2.${i}`) },
  });
  await using resolver = createResolver([dns], PATIENT);
  const huge = await findNextHop("huge.example", routing(resolver));
  assertEquals(names(huge).length, 16);
  assertEquals((await addresses(huge) as string[]).length, 8);
  assertEquals(names(await findNextHop("twice.example", routing(resolver))), ["a.example", "b.example"]);
});

const ENFORCED: StsPolicy = { mode: "enforce", maxAgeSeconds: 86_400, mx: ["a.example.com", "*.example.net"] };

async function wayUnder(policy: StsPolicy, ...mx: string[]): Promise<NextHop> {
  await using dns = startDnsServer({ "example.com": { MX: mx } });
  await using resolver = createResolver([dns], PATIENT);
  const policyOf = (domain: string) => Promise.resolve(domain === "example.com" ? policy : null);
  return await findNextHop("Example.COM", routing(resolver, { policyOf }));
}

/** Host names; "!" where the policy is enforced, "?" where it is only tested, "??" where it does not name the host. */
function flagged(hop: NextHop): string[] {
  return way(hop).hosts.map(({ name, tlsPolicy }) => {
    if (tlsPolicy === undefined) return name;
    return `${name}${tlsPolicy.mode === "enforce" ? "!" : tlsPolicy.named ? "?" : "??"}`;
  });
}

Deno.test("next hop: under an enforced MTA-STS policy, hosts that it does not name are left out", async () => {
  const hop = await wayUnder(ENFORCED, "10 evil.example", "20 A.example.com", "30 b.example.net");
  assertEquals(flagged(hop), ["a.example.com!", "b.example.net!"]);
  const tested = await wayUnder({ ...ENFORCED, mode: "testing" }, "10 evil.example", "20 a.example.com");
  assertEquals(flagged(tested), ["evil.example??", "a.example.com?"]);
});

Deno.test("next hop: an enforced MTA-STS policy that names none of the hosts defers", async () => {
  assertEquals(await wayUnder(ENFORCED, "10 evil.example", "20 x.evil.example"), {
    kind: "deferred",
    code: 451,
    enhanced: "4.7.5",
    text: "the MTA-STS policy of example.com names none of its MX hosts (evil.example, x.evil.example)",
  });
});

Deno.test("next hop: sessions that were opened under another policy, or none, are not shared", async () => {
  const mx = ["10 a.example.com"];
  const modes = ["enforce", "testing", "none"] as const;
  const keys = await Promise.all(modes.map(async (mode) => way(await wayUnder({ ...ENFORCED, mode }, ...mx)).key));
  assertEquals(new Set(keys).size, 3);
  const unnamed = await wayUnder({ ...ENFORCED, mode: "testing", mx: ["other.example"] }, ...mx);
  assertNotEquals(way(unnamed).key, keys[1]);
});

Deno.test("next hop: a static route and an address literal have no MTA-STS policy", async () => {
  await using dns = startDnsServer({});
  await using resolver = createResolver([dns], PATIENT);
  const policyOf = (domain: string) => Promise.reject(new Error(`asked for the policy of ${domain}`));
  const routes = { domains: new Map([["example.com", { hostname: "192.0.2.1", port: 25 }]]), rest: null };
  for (const domain of ["example.com", "[192.0.2.2]"]) {
    assertEquals(flagged(await findNextHop(domain, routing(resolver, { policyOf, routes }))).length, 1);
  }
});
