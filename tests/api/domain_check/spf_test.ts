import { assertEquals, assertMatch } from "@std/assert";
import { checkSpf, withInclude } from "../../../api/domain_check/spf.ts";
import type { TxtAnswer } from "../../../api/domain_proof.ts";
import { staticDns } from "../../support/static_dns.ts";

const SERVICE = { name: "relay.example.org", addresses: ["192.0.2.1"] };
const SERVICE_SPF = { "relay.example.org": ["v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"] };

const check = (records: Record<string, string[]>, service = SERVICE) =>
  checkSpf("example.com", service, staticDns({ txt: new Map(Object.entries({ ...SERVICE_SPF, ...records })) }));

Deno.test("SPF: no record: the one to publish is shown", async () => {
  const { verdict, found, publish } = await check({ "example.com": ["google-site-verification=x"] });
  assertEquals([verdict, found], ["bad", []]);
  assertEquals(publish, [{ name: "example.com", type: "TXT", value: "v=spf1 include:relay.example.org ~all" }]);
});

Deno.test("SPF: a record that covers the service's addresses is good, with the look-ups it takes", async () => {
  const { verdict, words, publish, found } = await check({ "example.com": ["v=spf1 include:relay.example.org -all"] });
  assertEquals([verdict, publish, found.length], ["good", [], 1]);
  assertEquals(words, "Mail from 192.0.2.1 passes; 1 of 10 DNS look-ups are used.");
});

Deno.test("SPF: each of the service's addresses has to pass", async () => {
  const service = { ...SERVICE, addresses: ["192.0.2.1", "203.0.113.9"] };
  const { verdict, words, publish } = await check({ "example.com": ["v=spf1 ip4:192.0.2.1 -all"] }, service);
  assertEquals([verdict, words], ["bad", 'Mail from 203.0.113.9 gets "fail": add include:relay.example.org.']);
  assertEquals(publish[0]!.value, "v=spf1 ip4:192.0.2.1 include:relay.example.org -all");
});

Deno.test("SPF: two records are none", async () => {
  const { verdict, words } = await check({ "example.com": ["v=spf1 -all", "v=spf1 include:relay.example.org -all"] });
  assertEquals(verdict, "bad");
  assertMatch(words, /2 SPF records/);
});

Deno.test("SPF: more than ten look-ups break a record, though it includes the service", async () => {
  const many = Array.from({ length: 10 }, (_, n) => `s${n}.example.com`);
  const records = Object.fromEntries(many.map((name) => [name, ["v=spf1 ip4:198.51.100.1 ?all"]]));
  const record = `v=spf1 ${many.map((name) => `include:${name}`).join(" ")} include:relay.example.org -all`;
  const { verdict, words } = await check({ ...records, "example.com": [record] });
  assertEquals(verdict, "bad");
  assertMatch(words, /more than 10 DNS look-ups/);
});

Deno.test("SPF: a DNS that fails is no verdict", async () => {
  const failed = { kind: "failed", why: "SERVFAIL" } as const;
  const own = await checkSpf("example.com", SERVICE, staticDns({ txt: new Map([["example.com", failed]]) }));
  assertEquals(own.verdict, "unknown");
  const txt = new Map<string, TxtAnswer>([
    ["example.com", { kind: "found", records: ["v=spf1 include:relay.example.org -all"] }],
    ["relay.example.org", failed],
  ]);
  assertEquals((await checkSpf("example.com", SERVICE, staticDns({ txt }))).verdict, "unknown");
});

Deno.test("SPF: where the service does not know its addresses, the include speaks; without a public name nothing does", async () => {
  const blind = { ...SERVICE, addresses: [] };
  assertEquals((await check({ "example.com": ["v=spf1 include:relay.example.org -all"] }, blind)).verdict, "good");
  assertEquals((await check({ "example.com": ["v=spf1 mx -all"] }, blind)).verdict, "warning");
  const nameless = { ...SERVICE, name: "localhost" };
  const { verdict, publish } = await check({ "example.com": ["v=spf1 mx -all"] }, nameless);
  assertEquals([verdict, publish], ["unknown", []]);
});

for (
  const [record, expected] of [
    [undefined, "v=spf1 include:r.test ~all"],
    ["v=spf1 -all", "v=spf1 include:r.test -all"],
    ["v=spf1 mx  a ~all", "v=spf1 mx a include:r.test ~all"],
    ["v=spf1 mx redirect=other.test", "v=spf1 mx include:r.test redirect=other.test"],
    ["v=spf1 mx", "v=spf1 mx include:r.test"],
    ["v=spf1 INCLUDE:r.test all", "v=spf1 INCLUDE:r.test all"],
  ] as const
) {
  Deno.test(`SPF: with the service in it, ${record ?? "nothing"} is ${expected}`, () => {
    assertEquals(withInclude(record, "r.test"), expected);
  });
}
