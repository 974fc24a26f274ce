import { assertEquals } from "@std/assert";
import type { DomainFacts } from "../../../policy/mod.ts";
import { recipientDomainFacts, senderDomainFacts } from "../../../relay/admission/domain_facts.ts";
import { createResolver } from "../../../relay/dns/resolver.ts";
import { startDnsServer, type Zone } from "../../support/dns_server.ts";

const PATIENT = { attemptTimeoutMs: 10_000, totalTimeoutMs: 10_000 };

const ZONE: Zone = {
  "usable.example": { MX: ["10 mx.usable.example"] },
  "mx.usable.example": { A: ["192.0.2.1"] },
  "v6.example": { MX: ["10 mx.v6.example"] },
  "mx.v6.example": { AAAA: ["2001:db8::1"] },
  "alias-mx.example": { MX: ["10 alias.example"] },
  "alias.example": { CNAME: "mx.usable.example" },
  "implicit.example": { A: ["192.0.2.1"] },
  "implicit6.example": { AAAA: ["2001:db8::1"] },
  "nothing.example": { TXT: ["no mail here"] },
  "half-known.example": { TXT: ["x"] },
  "null.example": { MX: ["0 ."] },
  "null-and-more.example": { MX: ["0 .", "10 mx.usable.example"] },
  "address.example": { MX: ["10 192.0.2.1"] },
  "address-and-more.example": { MX: ["10 192.0.2.1", "20 mx.usable.example"] },
  "dead-hosts.example": { MX: ["10 mx1.nowhere.example", "20 nothing.example"] },
  "dead-and-address.example": { MX: ["10 mx1.nowhere.example", "5 192.0.2.1"] },
  "second-best.example": { MX: ["10 mx1.nowhere.example", "20 broken.example", "30 mx.usable.example"] },
  "undecided.example": { MX: ["10 mx1.nowhere.example", "20 broken.example"] },
  "broken.example": { fault: "SERVFAIL" },
  "broken-host.example": { MX: ["10 broken.example"] },
  "xn--bcher-kva.example": { MX: ["10 mx.usable.example"] },
};

const exists = (mx: DomainFacts["mx"], address: DomainFacts["address"] = "absent"): DomainFacts => ({
  existence: "exists",
  mx,
  address,
});
const MISSING: DomainFacts = { existence: "missing", mx: "none", address: "absent" };
const FAILED: DomainFacts = { existence: "failed", mx: "failed", address: "failed" };

const SENDERS: Record<string, DomainFacts> = {
  "usable.example": exists("usable"),
  "v6.example": exists("usable"),
  "alias-mx.example": exists("usable"),
  "implicit.example": exists("none", "present"),
  "implicit6.example": exists("none", "present"),
  "nothing.example": exists("none", "absent"),
  "missing.example": MISSING,
  "null.example": exists("null"),
  "null-and-more.example": exists("usable"),
  "address.example": exists("names-address"),
  "address-and-more.example": exists("usable"),
  "dead-hosts.example": exists("unresolvable"),
  "dead-and-address.example": exists("unresolvable"),
  "second-best.example": exists("usable"),
  "undecided.example": exists("failed"),
  "broken.example": FAILED,
  "broken-host.example": exists("failed"),
  "bücher.example": exists("usable"),
  "USABLE.example": exists("usable"),
  "[192.0.2.1]": exists("none", "present"),
  "[IPv6:2001:db8::1]": exists("none", "present"),
  "[999.0.2.1]": MISSING,
  "a..b": MISSING,
};

Deno.test("sender's domain: each case of the service's rules", async () => {
  await using dns = startDnsServer(ZONE);
  await using resolver = createResolver([dns], PATIENT);
  for (const [domain, facts] of Object.entries(SENDERS)) {
    assertEquals(await senderDomainFacts(domain, resolver), facts, domain);
  }
});

Deno.test("recipient's domain: missing, null MX and trouble; the hosts of its MX are not looked up", async () => {
  await using dns = startDnsServer(ZONE);
  await using resolver = createResolver([dns], PATIENT);
  const recipients: Record<string, DomainFacts> = {
    "usable.example": exists("usable"),
    "dead-hosts.example": exists("usable"),
    "broken-host.example": exists("usable"),
    "address.example": exists("names-address"),
    "null.example": exists("null"),
    "missing.example": MISSING,
    "broken.example": FAILED,
    "implicit.example": exists("none", "present"),
    "nothing.example": exists("none", "absent"),
    "[192.0.2.1]": exists("none", "present"),
  };
  for (const [domain, facts] of Object.entries(recipients)) {
    assertEquals(await recipientDomainFacts(domain, resolver), facts, domain);
  }
  assertEquals(dns.count("mx.usable.example") + dns.count("mx1.nowhere.example"), 0);
});

Deno.test("sender's domain: the common case costs one MX and one A look-up, and nothing the second time", async () => {
  await using dns = startDnsServer(ZONE);
  await using resolver = createResolver([dns], PATIENT);
  for (let message = 0; message < 3; message++) await senderDomainFacts("usable.example", resolver);
  assertEquals(dns.queries.map(({ name, type }) => `${type} ${name}`), ["MX usable.example", "A mx.usable.example"]);
});

Deno.test("sender's domain: a name that is its own MX, on loopback, is usable (load tests live of it)", async () => {
  await using dns = startDnsServer({ "*": { MX: ["10 @"], A: ["127.0.0.1"] } });
  await using resolver = createResolver([dns], PATIENT);
  assertEquals(await senderDomainFacts("bench.example", resolver), exists("usable"));
});

Deno.test("sender's domain: a refusal is never from the cache", async () => {
  await using dns = startDnsServer({
    "null.example": { MX: ["0 ."] },
    "mended.example": { MX: ["10 mx.mended.example"] },
  });
  await using resolver = createResolver([dns], PATIENT);
  for (const domain of ["new.example", "null.example", "mended.example"]) await senderDomainFacts(domain, resolver);
  assertEquals(dns.count("new.example", "MX"), 1, "what was just looked up is not asked for twice");
  Object.assign(dns.zone, {
    "new.example": { MX: ["10 mx.new.example"] },
    "mx.new.example": { A: ["192.0.2.1"] },
    "null.example": { A: ["192.0.2.1"] },
    "mx.mended.example": { A: ["192.0.2.1"] },
  });
  assertEquals(await senderDomainFacts("new.example", resolver), exists("usable"));
  assertEquals(await senderDomainFacts("null.example", resolver), exists("none", "present"));
  assertEquals(await senderDomainFacts("mended.example", resolver), exists("usable"));
});

Deno.test("recipient's domain: a refusal is never from the cache", async () => {
  await using dns = startDnsServer();
  await using resolver = createResolver([dns], PATIENT);
  assertEquals(await recipientDomainFacts("new.example", resolver), MISSING);
  dns.zone["new.example"] = { MX: ["10 mx.new.example"] };
  assertEquals(await recipientDomainFacts("new.example", resolver), exists("usable"));
});

Deno.test("sender's domain: where the second look fails, it is a deferral and no refusal", async () => {
  await using dns = startDnsServer();
  await using resolver = createResolver([dns], PATIENT);
  assertEquals(await senderDomainFacts("shaky.example", resolver), MISSING);
  dns.zone["shaky.example"] = { fault: "SERVFAIL" };
  assertEquals(await senderDomainFacts("shaky.example", resolver), FAILED);
});

Deno.test("sender's domain: a hostile set of MX hosts costs a bounded number of look-ups", async () => {
  const MX = Array.from({ length: 60 }, (_, i) => `${i} host${i}.nowhere.example`);
  await using dns = startDnsServer({ "hostile.example": { MX, fault: "truncated" } });
  await using resolver = createResolver([dns], PATIENT);
  assertEquals(await senderDomainFacts("hostile.example", resolver), exists("unresolvable"));
  assertEquals(dns.queries.filter(({ name }) => name.startsWith("host")).length < 30, true);
});
