import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { createResolver, RESOLVER_DEFAULTS } from "../../../relay/dns/resolver.ts";
import { type DnsServer, NEGATIVE_TTL_SECONDS, startDnsServer } from "../../support/dns_server.ts";

/** Long enough for loopback on a busy machine; no test waits for it. */
const PATIENT_MS = 10_000;
/** For servers that are silent on purpose, where nothing else must be answered in time. */
const IMPATIENT_MS = 40;
/** For servers that are silent on purpose, where the next try must succeed. */
const FAIR_MS = 300;

function patient(server: DnsServer, options: Parameters<typeof createResolver>[1] = {}) {
  return createResolver([server], { attemptTimeoutMs: PATIENT_MS, totalTimeoutMs: PATIENT_MS, ...options });
}

Deno.test("resolver: each record type comes back typed, names in lower case without the final dot", async () => {
  await using dns = startDnsServer({
    "example.com": { MX: ["10 MX1.Example.com", "5 mx0.example.com"], TXT: ["v=spf1 -all", "x".repeat(600)] },
    "mx1.example.com": { A: ["192.0.2.1", "192.0.2.2"], AAAA: ["2001:db8::1"] },
    "null.example": { MX: ["0 ."] },
  });
  await using resolver = patient(dns);
  assertEquals(await resolver.mx("Example.COM."), {
    kind: "found",
    records: [{ preference: 10, exchange: "mx1.example.com" }, { preference: 5, exchange: "mx0.example.com" }],
  });
  assertEquals(await resolver.a("mx1.example.com"), { kind: "found", records: ["192.0.2.1", "192.0.2.2"] });
  assertEquals(await resolver.aaaa("mx1.example.com"), { kind: "found", records: ["2001:db8::1"] });
  assertEquals(await resolver.txt("example.com"), { kind: "found", records: ["v=spf1 -all", "x".repeat(600)] });
  assertEquals(await resolver.mx("null.example"), { kind: "found", records: [{ preference: 0, exchange: "" }] });
});

Deno.test("resolver: no such name, no such record, and trouble are three different answers", async () => {
  await using dns = startDnsServer({
    "example.com": { TXT: ["here"] },
    "host.beneath.example": { A: ["192.0.2.1"] },
    "broken.example": { fault: "SERVFAIL" },
    "refused.example": { fault: "REFUSED" },
    "lame.example": { fault: "referral" },
    "odd.example": { fault: "malformed" },
  });
  await using resolver = patient(dns);
  assertEquals(await resolver.mx("missing.example"), { kind: "no-domain" });
  assertEquals(await resolver.mx("example.com"), { kind: "no-data" });
  assertEquals(await resolver.mx("beneath.example"), { kind: "no-data" });
  for (
    const [name, what] of [
      ["broken.example", "SERVFAIL"],
      ["refused.example", "REFUSED"],
      ["lame.example", "a referral"],
      ["odd.example", "a malformed answer"],
    ] as const
  ) {
    assertEquals(await resolver.mx(name), { kind: "failed", why: `${what} from name server 127.0.0.1` });
    assertEquals(dns.count(name), 1, "a server that answered with an error is not asked again");
  }
});

Deno.test("resolver: a name that no DNS message can carry does not exist, and nobody is asked", async () => {
  await using dns = startDnsServer({ "*": { MX: ["10 @"] } });
  await using resolver = patient(dns);
  for (
    const name of [
      "",
      ".",
      "a..b",
      `${"a".repeat(64)}.example`,
      `${"a.".repeat(127)}example`,
      "a b.example",
      "ü.example",
    ]
  ) {
    assertEquals(await resolver.mx(name), { kind: "no-domain" }, name);
  }
  assertEquals(dns.queries, []);
});

Deno.test("resolver: CNAMEs are followed, in one answer and over several, and NXDOMAIN behind one is no-domain", async () => {
  await using dns = startDnsServer({
    "alias.example": { CNAME: "second.example" },
    "second.example": { CNAME: "host.example", ttl: 7 },
    "host.example": { A: ["192.0.2.1"] },
    "partial.example": { CNAME: "alias.example", fault: "no-chasing" },
    "dangling.example": { CNAME: "nowhere.example" },
    "empty.example": { CNAME: "host.example" },
  });
  let now = 0;
  await using resolver = patient(dns, { now: () => now });
  assertEquals(await resolver.a("alias.example"), { kind: "found", records: ["192.0.2.1"] });
  assertEquals(await resolver.a("partial.example"), { kind: "found", records: ["192.0.2.1"] });
  assertEquals(await resolver.a("dangling.example"), { kind: "no-domain" });
  assertEquals(await resolver.mx("empty.example"), { kind: "no-data" });
  now = 6_999;
  await resolver.a("alias.example");
  assertEquals(dns.count("alias.example"), 2, "one of its own and one behind partial.example");
  now = 7_000;
  await resolver.a("alias.example");
  assertEquals(dns.count("alias.example"), 3, "the least TTL of the chain counts");
});

Deno.test("resolver: a CNAME itself is told, not followed; a name that is no alias has none", async () => {
  await using dns = startDnsServer({
    "alias.example": { CNAME: "second.example" },
    "second.example": { CNAME: "host.example" },
    "host.example": { A: ["192.0.2.1"] },
  });
  await using resolver = patient(dns);
  assertEquals(await resolver.cname("alias.example"), { kind: "found", records: ["second.example"] });
  assertEquals(await resolver.cname("host.example"), { kind: "no-data" });
  assertEquals(await resolver.cname("missing.example"), { kind: "no-domain" });
});

Deno.test("resolver: endless CNAME chains end as failed, whether in one answer or in many", async () => {
  const chain = (fault?: "no-chasing") =>
    Object.fromEntries(
      Array.from({ length: 12 }, (_, i) => [`c${i}.example`, { CNAME: `c${i + 1}.example`, ...fault && { fault } }]),
    );
  for (const zone of [chain(), chain("no-chasing"), { "c0.example": { CNAME: "c0.example" } }]) {
    await using dns = startDnsServer({ ...zone, "c12.example": { A: ["192.0.2.1"] } });
    await using resolver = patient(dns);
    assertEquals(await resolver.a("c0.example"), { kind: "failed", why: "a chain of too many CNAMEs" });
  }
});

Deno.test("resolver: an answer of too many records is failed", async () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => `10 mx${i}.example.com`);
  await using dns = startDnsServer({
    "fits.example": { MX: many(64), fault: "truncated" },
    "big.example": { MX: many(65), fault: "truncated" },
    "huge.example": { MX: many(1000), fault: "truncated" },
  });
  await using resolver = patient(dns);
  assertEquals((await resolver.mx("fits.example")).kind, "found");
  assertEquals(await resolver.mx("big.example"), { kind: "failed", why: "an oversized answer" });
  assertEquals(await resolver.mx("huge.example"), {
    kind: "failed",
    why: "an oversized answer from name server 127.0.0.1",
  });
});

Deno.test("resolver: a truncated answer is fetched over TCP; silence there ends with the deadline", async () => {
  await using dns = startDnsServer({
    "long.example": { TXT: ["x".repeat(5_000)], fault: "truncated" },
    "stuck.example": { TXT: ["never"], fault: "truncated-silent-tcp" },
  });
  await using resolver = patient(dns);
  assertEquals(await resolver.txt("long.example"), { kind: "found", records: ["x".repeat(5_000)] });
  assertEquals(dns.queries.map((query) => query.transport), ["udp", "tcp"]);
  await using hasty = createResolver([dns], { attemptTimeoutMs: IMPATIENT_MS, rounds: 1 });
  assertEquals(await hasty.txt("stuck.example"), {
    kind: "failed",
    why: "no answer in time from name server 127.0.0.1",
  });
});

Deno.test("resolver: responses with another id or question are passed over, and a flood of them sends us to TCP", async () => {
  await using dns = startDnsServer({
    "target.example": { A: ["192.0.2.1"], fault: "forged-before" },
    "flooded.example": { A: ["192.0.2.2"], fault: "forged-only" },
  });
  await using resolver = patient(dns);
  assertEquals(await resolver.a("target.example"), { kind: "found", records: ["192.0.2.1"] });
  assertEquals(await resolver.a("flooded.example"), { kind: "found", records: ["192.0.2.2"] });
  assertEquals(dns.queries.map((query) => query.transport), ["udp", "udp", "tcp"]);
});

Deno.test("resolver: octets from another port than the server's are passed over", async () => {
  using sockets = new DisposableStack();
  const listen = () => {
    const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    return sockets.adopt(socket, (open) => open.close());
  };
  const [server, stranger] = [listen(), listen()];
  const { port } = server.addr as Deno.NetAddr;
  await using resolver = createResolver([{ hostname: "127.0.0.1", port }], { attemptTimeoutMs: PATIENT_MS });
  const answer = resolver.a("example.com");
  const [query, from] = await server.receive();
  const respond = (octet: number) => {
    const response = Uint8Array.from([...query.subarray(0, 12), ...query.subarray(12, 29), 0xc0, 12, 0, 1, 0, 1]);
    response.set([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0], 2);
    return Uint8Array.from([...response, 0, 0, 0, 60, 0, 4, 192, 0, 2, octet]);
  };
  await stranger.send(respond(66), from);
  await server.send(respond(1), from);
  assertEquals(await answer, { kind: "found", records: ["192.0.2.1"] });
});

Deno.test("resolver: ids and source ports differ from query to query", async () => {
  await using dns = startDnsServer({ "*": { A: ["192.0.2.1"] } });
  await using resolver = patient(dns);
  await Promise.all(Array.from({ length: 8 }, (_, i) => resolver.a(`host${i}.example`)));
  // Eight equal random numbers of 16 bits do not happen.
  assert(new Set(dns.queries.map((query) => query.id)).size > 1);
  assert(new Set(dns.queries.map((query) => query.port)).size > 1);
});

Deno.test("resolver: a server that does not know EDNS is asked again without it", async () => {
  await using dns = startDnsServer({ "old.example": { A: ["192.0.2.1"], fault: "FORMERR-on-EDNS" } });
  await using resolver = patient(dns);
  assertEquals(await resolver.a("old.example"), { kind: "found", records: ["192.0.2.1"] });
  assertEquals(dns.queries.map((query) => query.edns), [true, false]);
});

Deno.test("resolver: the next server is asked when one is silent or broken, and remembered", async () => {
  for (const fault of ["silent", "SERVFAIL"] as const) {
    await using first = startDnsServer({ "*": { fault } });
    await using second = startDnsServer({ "*": { A: ["192.0.2.1"] } });
    await using resolver = createResolver([first, second], {
      attemptTimeoutMs: fault === "silent" ? FAIR_MS : PATIENT_MS,
      totalTimeoutMs: PATIENT_MS,
    });
    assertEquals(await resolver.a("one.example"), { kind: "found", records: ["192.0.2.1"] });
    assertEquals(await resolver.a("two.example"), { kind: "found", records: ["192.0.2.1"] });
    assertEquals(first.queries.length, 1, "only the first look-up met the dead server");
  }
});

Deno.test("resolver: a lost packet is asked for again; silence for good is failed within the total deadline", async () => {
  await using dns = startDnsServer({
    "lossy.example": { A: ["192.0.2.1"], fault: "silent-once" },
    "silent.example": { fault: "silent" },
  });
  await using resolver = createResolver([dns], { attemptTimeoutMs: FAIR_MS, totalTimeoutMs: PATIENT_MS });
  assertEquals(await resolver.a("lossy.example"), { kind: "found", records: ["192.0.2.1"] });
  await using limited = createResolver([dns], { attemptTimeoutMs: PATIENT_MS, totalTimeoutMs: IMPATIENT_MS });
  assertEquals((await limited.a("silent.example")).kind, "failed");
  await dns.asked("silent.example", "A", 1);
  assertEquals(dns.count("silent.example"), 1, "the total deadline ends the attempt that is under way");
});

Deno.test("resolver: a server that cannot be reached is failed, not thrown", async () => {
  await using resolver = createResolver([{ hostname: "127.0.0.1", port: 1 }], { attemptTimeoutMs: IMPATIENT_MS });
  assertEquals((await resolver.a("example.com")).kind, "failed");
});

Deno.test("resolver: answers are kept for their TTL, within the bounds for each kind", async () => {
  await using dns = startDnsServer({
    "short.example": { A: ["192.0.2.1"], ttl: 10 },
    "never.example": { A: ["192.0.2.1"], ttl: 0 },
    "week.example": { A: ["192.0.2.1"], ttl: 604_800 },
    "nonsense.example": { A: ["192.0.2.1"], ttl: 0x80000001 },
    "no-soa.example": { fault: "no-soa" },
    "broken.example": { fault: "SERVFAIL" },
  });
  let now = 1_000_000;
  await using resolver = patient(dns, { now: () => now });
  const cases: [name: string, heldMs: number][] = [
    ["short.example", 10_000],
    ["week.example", RESOLVER_DEFAULTS.maxTtlMs],
    ["missing.example", NEGATIVE_TTL_SECONDS * 1_000],
    ["broken.example", RESOLVER_DEFAULTS.failureTtlMs],
  ];
  for (const [name, heldMs] of cases) {
    const answer = await resolver.a(name);
    now += heldMs - 1;
    assertEquals(await resolver.a(name), answer);
    assertEquals(dns.count(name), 1, name);
    now += 1;
    await resolver.a(name);
    assertEquals(dns.count(name), 2, name);
  }
  for (const name of ["never.example", "nonsense.example", "no-soa.example"]) {
    await resolver.a(name);
    await resolver.a(name);
    assertEquals(dns.count(name), 2, name);
  }
});

Deno.test("resolver: a negative answer is kept no longer than the negative bound", async () => {
  await using dns = startDnsServer();
  let now = 0;
  await using resolver = patient(dns, { now: () => now, maxNegativeTtlMs: 1_000 });
  await resolver.a("missing.example");
  now = 1_000;
  await resolver.a("missing.example");
  assertEquals(dns.count("missing.example"), 2);
});

Deno.test("resolver: equal questions at the same time are one look-up; a hit gives the very same promise", async () => {
  await using dns = startDnsServer({ "example.com": { MX: ["10 @"] } });
  await using resolver = patient(dns);
  const answers = await Promise.all(Array.from({ length: 100 }, () => resolver.mx("example.com")));
  assertEquals(new Set(answers).size, 1);
  assertEquals(dns.queries.length, 1);
  assert(resolver.mx("example.com") === resolver.mx("example.com"));
});

Deno.test("resolver: fresh() asks again for what was known before it, and only for that", async () => {
  await using dns = startDnsServer({ "old.example": { A: ["192.0.2.1"] }, "new.example": { A: ["192.0.2.2"] } });
  await using resolver = patient(dns, { now: () => 0 });
  await resolver.a("old.example");
  const fresh = resolver.fresh();
  await resolver.a("new.example");
  dns.zone["old.example"] = { A: ["192.0.2.9"] };
  assertEquals(await fresh.a("old.example"), { kind: "found", records: ["192.0.2.9"] });
  await fresh.a("new.example");
  await fresh.a("old.example");
  assertEquals([dns.count("old.example"), dns.count("new.example")], [2, 1]);
  assertEquals(await resolver.a("old.example"), { kind: "found", records: ["192.0.2.9"] }, "the cache is updated");
  assertEquals(dns.count("old.example"), 2);
});

Deno.test("resolver: a fresh answer that must not be kept takes the old one out of the cache", async () => {
  await using dns = startDnsServer({ "example.com": { A: ["192.0.2.1"] } });
  await using resolver = patient(dns, { now: () => 0 });
  await resolver.a("example.com");
  dns.zone["example.com"] = { A: ["192.0.2.2"], ttl: 0 };
  await resolver.fresh().a("example.com");
  assertEquals(await resolver.a("example.com"), { kind: "found", records: ["192.0.2.2"] });
});

Deno.test("resolver: no more look-ups at once than allowed; the others wait their turn", async () => {
  await using dns = startDnsServer({ "*": { A: ["192.0.2.1"] }, "silent.example": { fault: "silent" } });
  await using resolver = patient(dns, { concurrency: 1, attemptTimeoutMs: FAIR_MS, rounds: 1 });
  const silent = resolver.a("silent.example");
  const waiting = resolver.a("host.example");
  await dns.asked("silent.example", "A", 1);
  assertEquals(dns.count("host.example"), 0);
  assertEquals((await silent).kind, "failed");
  assertEquals((await waiting).kind, "found");
});

Deno.test("resolver: disposal ends look-ups that are under way, over UDP, over TCP and in line", async () => {
  await using dns = startDnsServer({
    "silent.example": { fault: "silent" },
    "stuck.example": { fault: "truncated-silent-tcp" },
  });
  const resolver = patient(dns, { concurrency: 2 });
  const answers = Promise.all(["silent.example", "stuck.example", "waiting.example"].map((name) => resolver.a(name)));
  await dns.asked("silent.example", "A", 1);
  await dns.asked("stuck.example", "A", 2);
  await resolver[Symbol.asyncDispose]();
  for (const answer of await answers) assertEquals(answer.kind, "failed");
  assertEquals((await resolver.a("later.example")).kind, "failed");
});

Deno.test("resolver: a server list that is empty or names a host is a mistake of the caller", () => {
  assertThrows(() => createResolver([]), RangeError);
  assertThrows(() => createResolver([{ hostname: "dns.example", port: 53 }]), RangeError, "dns.example");
});

Deno.test("resolver: the default ids are random", () => {
  const ids = Array.from({ length: 8 }, RESOLVER_DEFAULTS.randomId);
  assertNotEquals(new Set(ids).size, 1);
});
