import { assertEquals, assertMatch } from "@std/assert";
import { type OwnNames, ownNames } from "../../../api/doctor/own_names.ts";
import { SERVICE, staticDns, type StaticZone } from "../../support/static_dns.ts";
import { startControlPlane } from "../control_plane.ts";

const A = new Map([["relay.example.org", ["192.0.2.1"]], ["node1.example.org", ["192.0.2.1"]]]);
const txt = (record: string) => new Map([["relay.example.org", [record]]]);

async function findings(zone: Partial<StaticZone> = {}, names: Partial<OwnNames> = {}) {
  const found = await ownNames({ ...SERVICE, ...names }, staticDns({ txt: new Map(), a: A, ...zone }));
  return Object.fromEntries(found.map((finding) => [finding.what, finding]));
}

Deno.test("doctor: names with addresses that lead back, and an SPF record that covers them, are good", async () => {
  const found = await findings({ txt: txt("v=spf1 ip4:192.0.2.1 -all") });
  assertEquals(Object.values(found).map(({ what, verdict }) => [what, verdict]), [
    ["service name", "good"],
    ["host name", "good"],
    ["PTR", "good"],
    ["SPF", "good"],
  ]);
});

Deno.test("doctor: an SPF record that does not cover the service shows the one to publish", async () => {
  const { SPF } = await findings({ txt: txt("v=spf1 ip4:198.51.100.7 -all") });
  assertEquals([SPF!.verdict, SPF!.publish], [
    "bad",
    [{ name: "relay.example.org", type: "TXT", value: "v=spf1 ip4:192.0.2.1 -all" }],
  ]);
});

Deno.test("doctor: an address without a name, or with another's, is what many servers refuse", async () => {
  assertMatch(
    (await findings({}, { namesOf: () => Promise.resolve([]) })).PTR!.words,
    /^192\.0\.2\.1 has no name in the DNS: .* set its PTR record to node1\.example\.org\.$/,
  );
  const { PTR } = await findings({}, { namesOf: () => Promise.resolve(["dsl-7.example.net"]) });
  assertEquals(PTR!.verdict, "bad");
  assertMatch(PTR!.words, /leads to dsl-7\.example\.net, not to node1\.example\.org/);
  assertEquals((await findings({}, { namesOf: () => Promise.resolve(null) })).PTR!.verdict, "unknown");
});

Deno.test("doctor: names that are no public ones, or not in the DNS, say which setting it is", async () => {
  const found = await findings({ a: new Map() }, { name: "localhost" });
  assertMatch(found["service name"]!.words, /MAILHOP_SERVICE_NAME/);
  assertMatch(found["host name"]!.words, /node1\.example\.org has no address.*MAILHOP_HOSTNAME/);
});

Deno.test("doctor: the API gives all findings, to the operator alone", async () => {
  await using api = await startControlPlane();
  const { status, body } = await api.request("GET", "/v1/doctor");
  assertEquals([status, body.items.map(({ what }: { what: string }) => what)], [
    200,
    ["service name", "host name", "PTR", "SPF"],
  ]);
  assertEquals((await api.request("GET", "/v1/doctor", undefined, "another")).status, 401);
});
