/** Claims of domains: who may have one, what proves it, how it ends, and what a node is told. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parseDomain } from "../../api/domain_name.ts";
import { postAtOnce } from "./at_once.ts";
import { type Answer, RELAY, startControlPlane, type TestControlPlane } from "./control_plane.ts";

const DAY_MS = 86_400_000;
const open = new AbortController().signal;

const claim = (api: TestControlPlane, username: string, domain: string): Promise<Answer> =>
  api.request("POST", `/v1/accounts/${username}/domains`, { domain });
const show = (api: TestControlPlane, username: string, domain: string): Promise<Answer> =>
  api.request("GET", `/v1/accounts/${username}/domains/${domain}`);
const verify = (api: TestControlPlane, username: string, domain: string): Promise<Answer> =>
  api.request("POST", `/v1/accounts/${username}/domains/${domain}/verify`);
const remove = (api: TestControlPlane, username: string, domain: string): Promise<Answer> =>
  api.request("DELETE", `/v1/accounts/${username}/domains/${domain}`);

/** Claims, where that has not been done, and publishes the record beside those that are there. */
async function publish(api: TestControlPlane, username: string, domain: string): Promise<void> {
  await claim(api, username, domain);
  const { name, value } = (await show(api, username, domain)).body.record;
  const before = api.txt.get(name);
  api.txt.set(name, { kind: "found", records: [...before?.kind === "found" ? before.records : [], value] });
}

async function own(api: TestControlPlane, username: string, domain: string): Promise<void> {
  await publish(api, username, domain);
  assertEquals((await verify(api, username, domain)).status, 200);
}

async function ownersOf(api: TestControlPlane, ...domains: string[]): Promise<(string | null)[]> {
  return (await api.request("POST", "/v1/node/domain-owners", { domains }, RELAY)).body.owners;
}

async function twoAccounts(): Promise<TestControlPlane> {
  const api = await startControlPlane();
  for (const name of ["alice", "bob"]) await api.account(name);
  return api;
}

Deno.test("domains: claimed, shown, verified, listed, removed", async () => {
  await using api = await twoAccounts();
  const claimed = await claim(api, "alice", "Example.COM.");
  assertEquals(claimed.status, 201);
  const { record, ...rest } = claimed.body;
  assertEquals(rest, {
    domain: "example.com",
    status: "pending",
    createdAt: "2026-11-23T12:00:00Z",
    verifiedAt: null,
    checkedAt: null,
    missedChecks: 0,
  });
  assertEquals([record.name, record.type], ["_mailhop.example.com", "TXT"]);
  assertMatch(record.value, /^mailhop-verification=[0-9a-f]{32}$/);
  const { checks: _, ...shown } = (await show(api, "alice", "EXAMPLE.com")).body;
  assertEquals(shown, claimed.body);
  assertEquals(await ownersOf(api, "example.com"), [null]);

  api.txt.set(record.name, { kind: "found", records: ["v=spf1 -all", ` ${record.value}`] });
  const verified = await verify(api, "alice", "example.com");
  const at = "2026-11-23T12:00:00Z";
  assertEquals(verified.body, { ...claimed.body, status: "verified", verifiedAt: at, checkedAt: at });
  assertEquals((await api.request("GET", "/v1/accounts/alice/domains")).body.items, [verified.body]);
  assertEquals(await ownersOf(api, "example.com"), ["alice"]);

  assertEquals((await remove(api, "alice", "example.com")).status, 204);
  assertEquals((await remove(api, "alice", "example.com")).status, 404);
  assertEquals(await ownersOf(api, "example.com"), [null]);
});

Deno.test("domains: without the record nothing is verified, and trouble in the DNS is not the customer's", async () => {
  await using api = await twoAccounts();
  await claim(api, "alice", "example.com");
  const name = "_mailhop.example.com";
  for (
    const answer of [
      { kind: "no-domain" },
      { kind: "no-data" },
      { kind: "found", records: ["mailhop-verification=", "mailhop-verification=0123"] },
    ] as const
  ) {
    api.txt.set(name, answer);
    const { status, body } = await verify(api, "alice", "example.com");
    assertEquals([status, body.type], [422, "/problems/proof-missing"]);
  }
  api.txt.set(name, { kind: "failed", why: "SERVFAIL" });
  const failed = await verify(api, "alice", "example.com");
  assertEquals([failed.status, failed.body.type], [503, "/problems/dns-failed"]);
  assertEquals(failed.body.detail, "The look-up of _mailhop.example.com failed: SERVFAIL");
  assertEquals((await show(api, "alice", "example.com")).body.status, "pending");
});

Deno.test("domains: several accounts may try, the first that is verified has it, the others get 409", async () => {
  await using api = await twoAccounts();
  await publish(api, "alice", "example.com");
  await publish(api, "bob", "example.com");
  const answers = await Promise.all(["bob", "alice"].map((name) => verify(api, name, "example.com")));
  assertEquals(answers.map(({ status }) => status).toSorted(), [200, 409]);
  const winner = answers[0]!.status === 200 ? "bob" : "alice";
  const loser = winner === "bob" ? "alice" : "bob";
  assertEquals(await ownersOf(api, "example.com"), [winner]);
  const refused = await verify(api, loser, "example.com");
  assertEquals([refused.status, refused.body.type], [409, "/problems/domain-taken"]);
  // Given up, it is free for who can prove it.
  await remove(api, winner, "example.com");
  assertEquals((await verify(api, loser, "example.com")).status, 200);
  assertEquals((await claim(api, winner, "example.com")).body.type, "/problems/domain-taken");
});

Deno.test("domains: what lies below another account's domain cannot be claimed, nor verified later", async () => {
  await using api = await twoAccounts();
  await publish(api, "bob", "shop.example.com");
  await own(api, "alice", "example.com");
  assertEquals((await claim(api, "bob", "a.b.example.com")).body.type, "/problems/domain-taken");
  assertEquals((await verify(api, "bob", "shop.example.com")).body.type, "/problems/domain-taken");
  // Names that merely end alike are others.
  assertEquals((await claim(api, "bob", "notexample.com")).status, 201);
  await own(api, "alice", "shop.example.com");
});

Deno.test("domains: a node is told the owner of the longest claim around a domain", async () => {
  await using api = await twoAccounts();
  await own(api, "bob", "shop.example.com");
  await own(api, "alice", "example.com");
  await claim(api, "bob", "pending.example");
  assertEquals(
    await ownersOf(api, "example.com", "a.example.com", "shop.example.com", "x.y.shop.example.com", "example.com"),
    ["alice", "alice", "bob", "bob", "alice"],
  );
  assertEquals(await ownersOf(api, "notexample.com", "com", "pending.example", "[192.0.2.1]", ""), Array(5).fill(null));
  const deepest = Array.from({ length: 127 }, () => "x").join(".");
  assertEquals(await ownersOf(api, ...Array(512).fill(deepest)), Array(512).fill(null));
  assertEquals(
    (await api.request("POST", "/v1/node/domain-owners", { domains: ["x".repeat(254)] }, RELAY)).status,
    400,
  );
});

Deno.test("domains: a claim is its account's own: another account sees and changes nothing of it", async () => {
  await using api = await twoAccounts();
  await own(api, "alice", "example.com");
  for (const ask of [show, verify, remove]) assertEquals((await ask(api, "bob", "example.com")).status, 404);
  assertEquals((await api.request("GET", "/v1/accounts/bob/domains")).body.items, []);
  assertEquals((await show(api, "alice", "example.com")).body.status, "verified");
  assertEquals((await claim(api, "nobody", "example.org")).status, 404);
  assertEquals((await api.request("GET", "/v1/accounts/nobody/domains")).status, 404);
});

Deno.test("domains: two accounts never have the same token, and a claim made anew has another one", async () => {
  await using api = await twoAccounts();
  const values = [];
  for (const name of ["alice", "bob"]) values.push((await claim(api, name, "example.com")).body.record.value);
  assertEquals((await claim(api, "alice", "example.com")).body.type, "/problems/domain-claimed");
  await remove(api, "alice", "example.com");
  values.push((await claim(api, "alice", "example.com")).body.record.value);
  assertEquals(new Set(values).size, 3);
  // Another account's record proves nothing.
  api.txt.set("_mailhop.example.com", { kind: "found", records: [values[1]] });
  assertEquals((await verify(api, "alice", "example.com")).status, 422);
});

Deno.test("domains: U-labels are claimed as A-labels; what is no domain is refused", async () => {
  await using api = await twoAccounts();
  assertEquals((await claim(api, "alice", "BÜCHER.example")).body.domain, "xn--bcher-kva.example");
  assertEquals((await show(api, "alice", encodeURIComponent("bücher.example"))).status, 200);
  for (
    const text of [
      ...["", ".", "com", "com.", "localhost", "a..example", ".example.com", "-a.example", "a-.example"],
      ...["192.0.2.1", "[192.0.2.1]", "[IPv6:2001:db8::1]", "１９２.0.2.1", "example.123", "*.example.com"],
      ...["a@example.com", "http://example.com", "example.com/a", "a b.example", "a\0.example", "example.c"],
      ...[`${"x".repeat(64)}.example`, `${"x.".repeat(120)}example`, "x".repeat(600)],
    ]
  ) assertEquals((await claim(api, "alice", text)).status, 400, text);
  assertEquals(parseDomain("localhost"), { expected: "expected a domain of two labels or more, such as example.com" });
});

Deno.test("recheck: once a day; a record that is gone for three looks in a row ends the claim", async () => {
  await using api = await twoAccounts();
  await own(api, "alice", "example.com");
  await publish(api, "bob", "other.example");
  const { name } = (await show(api, "alice", "example.com")).body.record;
  const published = api.txt.get(name)!;
  const lookAfter = async (ms: number) => {
    api.clock.now += ms;
    await api.recheckDomains(open);
    const { status, missedChecks } = (await show(api, "alice", "example.com")).body;
    return [status, missedChecks];
  };
  api.txt.delete(name);
  assertEquals(await lookAfter(DAY_MS - 1), ["verified", 0]); // not due yet
  assertEquals(await lookAfter(1), ["verified", 1]);
  assertEquals(await lookAfter(DAY_MS / 2), ["verified", 1]);
  assertEquals(await lookAfter(DAY_MS / 2), ["verified", 2]);
  api.txt.set(name, published);
  assertEquals(await lookAfter(DAY_MS), ["verified", 0]);
  api.txt.set(name, { kind: "no-data" });
  assertEquals(await lookAfter(DAY_MS), ["verified", 1]);
  assertEquals(await lookAfter(DAY_MS), ["verified", 2]);
  assertEquals(await ownersOf(api, "example.com"), ["alice"]);
  assertEquals(await lookAfter(DAY_MS), ["pending", 0]);
  assertEquals(await ownersOf(api, "example.com"), [null]);
  assertEquals(api.logged, ["the claim of a domain has lapsed"]);
  // The claim is still there: publishing the record again and verifying mends it.
  api.txt.set(name, published);
  assertEquals((await verify(api, "alice", "example.com")).status, 200);
});

Deno.test("recheck: trouble in the DNS neither counts nor forgives, and is looked at again in the next run", async () => {
  await using api = await twoAccounts();
  await own(api, "alice", "example.com");
  const { name } = (await show(api, "alice", "example.com")).body.record;
  const missed = async () => (await show(api, "alice", "example.com")).body.missedChecks;
  const days = async (kind: "no-domain" | "failed", count: number) => {
    api.txt.set(name, kind === "failed" ? { kind, why: "time-out" } : { kind });
    for (let day = 0; day < count; day++) {
      api.clock.now += DAY_MS;
      await api.recheckDomains(open);
    }
    return await missed();
  };
  assertEquals(await days("no-domain", 2), 2);
  assertEquals(await days("failed", 10), 2);
  assertEquals((await show(api, "alice", "example.com")).body.status, "verified");
  api.clock.now += 1; // no day has to go by after a look that failed
  api.txt.set(name, { kind: "no-domain" });
  await api.recheckDomains(open);
  assertEquals((await show(api, "alice", "example.com")).body.status, "pending");
});

Deno.test("recheck: verifying by hand without the record takes nothing away, with it the count starts again", async () => {
  await using api = await twoAccounts();
  await own(api, "alice", "example.com");
  const { name } = (await show(api, "alice", "example.com")).body.record;
  const published = api.txt.get(name)!;
  api.txt.delete(name);
  for (let n = 0; n < 5; n++) assertEquals((await verify(api, "alice", "example.com")).status, 422);
  assertEquals((await show(api, "alice", "example.com")).body.status, "verified");
  api.clock.now += DAY_MS;
  await api.recheckDomains(open);
  api.txt.set(name, published);
  const { verifiedAt, checkedAt, missedChecks } = (await verify(api, "alice", "example.com")).body;
  assertEquals([verifiedAt, checkedAt, missedChecks], ["2026-11-23T12:00:00Z", "2026-11-24T12:00:00Z", 0]);
});

Deno.test("recheck: more claims than are looked up at a time, each once; two runs at once count once", async () => {
  await using api = await twoAccounts();
  const names = Array.from({ length: 45 }, (_, n) => `d${n}.example`);
  for (const name of names) await own(api, "alice", name);
  api.txt.clear();
  api.clock.now += DAY_MS;
  await Promise.all([api.recheckDomains(open), api.recheckDomains(open)]);
  const { items } = (await api.request("GET", "/v1/accounts/alice/domains?limit=200")).body;
  assertEquals(items.length, names.length);
  assert(items.every((item: { missedChecks: number }) => item.missedChecks === 1));
  const closing = AbortSignal.abort();
  api.clock.now += DAY_MS;
  await api.recheckDomains(closing);
  assertEquals((await show(api, "alice", "d1.example")).body.missedChecks, 1);
});

Deno.test("domains: an account has at most a thousand claims, be they made at the same time", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const claim = (n: number) => api.request("POST", "/v1/accounts/alice/domains", { domain: `d${n}.example` });
  for (let n = 0; n < 980; n++) assertEquals((await claim(n)).status, 201);
  const bodies = Array.from({ length: 50 }, (_, n) => ({ domain: `at-once${n}.example` }));
  assertEquals(await postAtOnce(api, "/v1/accounts/alice/domains", bodies), { 201: 20, 409: 30 });
  const more = await claim(1000);
  assertEquals([more.status, more.body.type], [409, "/problems/limit-reached"]);
  await api.request("DELETE", "/v1/accounts/alice/domains/d7.example");
  assertEquals((await claim(1000)).status, 201);
});
