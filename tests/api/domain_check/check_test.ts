/** The checks of a claimed domain as the API gives them. */
import { assertEquals, assertMatch } from "@std/assert";
import { startControlPlane, type TestControlPlane } from "../control_plane.ts";

const PATH = "/v1/accounts/alice/domains/example.com";

async function withClaim(): Promise<TestControlPlane> {
  const api = await startControlPlane();
  await api.account("alice");
  const { body } = await api.request("POST", "/v1/accounts/alice/domains", { domain: "example.com" });
  api.txt.set(body.record.name, { kind: "found", records: [body.record.value] });
  await api.request("POST", `${PATH}/verify`);
  api.txt.set("relay.example.org", { kind: "found", records: ["v=spf1 ip4:192.0.2.1 -all"] });
  return api;
}

const checks = async (api: TestControlPlane) => (await api.request("GET", PATH)).body.checks;
const publish = (api: TestControlPlane, records: readonly { name: string; value: string }[]) => {
  for (const { name, value } of records) api.txt.set(name, { kind: "found", records: [value] });
};

Deno.test("domain check: what a new domain lacks is shown; once it is published, all is good", async () => {
  await using api = await withClaim();
  const before = await checks(api);
  const verdicts = ({ mx, spf, dkim, dmarc }: typeof before) => [mx, spf, dkim, dmarc].map(({ verdict }) => verdict);
  assertEquals(verdicts(before), ["good", "bad", "warning", "warning"]);
  publish(api, [...before.spf.publish, ...before.dmarc.publish]);
  const { body: keys } = await api.request("POST", `${PATH}/dkim`);
  assertMatch((await checks(api)).dkim.words, /publish their records/);
  publish(api, (await checks(api)).dkim.publish);
  assertMatch((await checks(api)).dkim.words, /have them looked up/);
  await api.request("POST", `${PATH}/dkim/rotate`);
  const after = await checks(api);
  assertEquals(verdicts(after), ["good", "good", "good", "good"]);
  assertEquals(after.dkim.found.length, 2);
  assertEquals(after.dmarc.words, "Mail through this service passes, by SPF and DKIM; the policy is none.");
  // A key whose record is taken away signs in vain.
  api.txt.delete(keys.items[0].record.name);
  const broken = (await checks(api)).dkim;
  assertEquals([broken.verdict, broken.publish[0].name], ["bad", keys.items[0].record.name]);
});

Deno.test("domain check: DMARC that refuses while neither SPF nor DKIM passes is bad", async () => {
  await using api = await withClaim();
  publish(api, [{ name: "_dmarc.example.com", value: "v=DMARC1; p=reject" }]);
  const { dmarc } = await checks(api);
  assertEquals([dmarc.verdict, dmarc.found[0].value], ["bad", "v=DMARC1; p=reject"]);
  assertMatch(dmarc.words, /asked to reject it/);
  publish(api, [{ name: "_dmarc.example.com", value: "v=DMARC1; p=none" }]);
  assertEquals((await checks(api)).dmarc.verdict, "warning");
  api.txt.set("_dmarc.example.com", { kind: "failed", why: "SERVFAIL" });
  assertEquals((await checks(api)).dmarc.verdict, "unknown");
});

Deno.test("domain check: the record of the organizational domain holds for those below it", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  await api.request("POST", "/v1/accounts/alice/domains", { domain: "mail.example.com" });
  publish(api, [{ name: "_dmarc.example.com", value: "v=DMARC1; p=none; sp=quarantine" }]);
  const { body } = await api.request("GET", "/v1/accounts/alice/domains/mail.example.com");
  assertEquals(body.checks.dmarc.found[0].name, "_dmarc.example.com");
});

for (
  const [facts, verdict, words] of [
    [{ existence: "missing", mx: "none", address: "absent" }, "bad", /does not exist/],
    [{ existence: "exists", mx: "null", address: "absent" }, "bad", /null MX/],
    [{ existence: "exists", mx: "names-address", address: "absent" }, "bad", /must name a host/],
    [{ existence: "exists", mx: "none", address: "present" }, "warning", /has no MX/],
    [{ existence: "failed", mx: "failed", address: "failed" }, "unknown", /could not be asked/],
  ] as const
) {
  Deno.test(`domain check: MX ${facts.mx} of a domain that ${facts.existence}: ${verdict}`, async () => {
    await using api = await withClaim();
    api.domains.set("example.com", facts);
    const { mx } = await checks(api);
    assertEquals(mx.verdict, verdict);
    assertMatch(mx.words, words);
  });
}

Deno.test("domain check: an MX that names an alias is a warning, with the records to publish instead", async () => {
  await using api = await withClaim();
  const hosts = ["mail.example.com", "mx2.example.net"];
  api.mx.set("example.com", hosts.map((exchange, n) => ({ preference: 10 * (n + 1), exchange })));
  assertEquals((await checks(api)).mx.verdict, "good");
  api.cname.set("mail.example.com", ["real.example.net"]);
  const { mx } = await checks(api);
  assertEquals(mx.verdict, "warning");
  assertMatch(mx.words, /names mail\.example\.com, which is an alias \(CNAME\) of real\.example\.net\. It is followed/);
  assertEquals(mx.found.map(({ value }: { value: string }) => value), ["10 mail.example.com", "20 mx2.example.net"]);
  assertEquals(mx.publish, [{ name: "example.com", type: "MX", value: "10 real.example.net" }]);
});
