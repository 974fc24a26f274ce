/** Keys for DKIM: made, published, rotated, deleted; who gets the private ones, and that nobody else sees them. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Answer, RELAY, startControlPlane, type TestControlPlane } from "./control_plane.ts";

interface Key {
  readonly selector: string;
  readonly algorithm: string;
  readonly state: string;
  readonly record: { readonly name: string; readonly value: string };
  readonly keepRecordUntil: string | null;
}

const DAY_MS = 86_400_000;
const PATH = "/v1/accounts/alice/domains/example.com/dkim";

const create = (api: TestControlPlane): Promise<Answer> => api.request("POST", PATH);
const rotate = (api: TestControlPlane): Promise<Answer> => api.request("POST", `${PATH}/rotate`);
const list = async (api: TestControlPlane): Promise<Key[]> => (await api.request("GET", PATH)).body.items;
const states = async (api: TestControlPlane): Promise<string[]> =>
  (await list(api)).map(({ algorithm, state }) => `${algorithm} ${state}`);

function publish(api: TestControlPlane, keys: readonly Key[]): void {
  for (const { record: { name, value } } of keys) api.txt.set(name, { kind: "found", records: [value] });
}

/** What a node is told: selectors by the claimed domain. */
async function signing(api: TestControlPlane, account: string | null, domain: string) {
  const { body } = await api.request("POST", "/v1/node/dkim-keys", { items: [{ account, domain }] }, RELAY);
  const [set] = body.sets;
  return set === null ? null : [set.domain, ...set.keys.map(({ selector }: { selector: string }) => selector)];
}

async function claim(api: TestControlPlane, username: string, domain: string): Promise<void> {
  const { body } = await api.request("POST", `/v1/accounts/${username}/domains`, { domain });
  api.txt.set(body.record.name, { kind: "found", records: [body.record.value] });
  await api.request("POST", `/v1/accounts/${username}/domains/${domain}/verify`);
}

async function withClaim(): Promise<TestControlPlane> {
  const api = await startControlPlane();
  for (const name of ["alice", "bob"]) await api.account(name);
  await claim(api, "alice", "example.com");
  return api;
}

async function withKeys(): Promise<TestControlPlane> {
  const api = await withClaim();
  await create(api);
  publish(api, await list(api));
  await rotate(api);
  return api;
}

Deno.test("DKIM keys: an RSA and an Ed25519 one, with the records to publish, and never the private key", async () => {
  await using api = await withClaim();
  const created = await create(api);
  assertEquals(created.status, 201);
  const [rsa, ed25519]: Key[] = created.body.items;
  assertMatch(rsa!.record.name, /^mh-rsa-[0-9a-f]{8}\._domainkey\.example\.com$/);
  // A SubjectPublicKeyInfo of 2048 bits has 294 octets, an Ed25519 key 32.
  assertMatch(rsa!.record.value, /^v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEF[A-Za-z0-9+/]+IDAQAB$/);
  assertMatch(ed25519!.record.name, /^mh-ed25519-[0-9a-f]{8}\._domainkey\.example\.com$/);
  assertMatch(ed25519!.record.value, /^v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=$/);
  assertEquals(Object.keys(rsa!).sort(), [
    "algorithm",
    "changedAt",
    "createdAt",
    "keepRecordUntil",
    "record",
    "selector",
    "state",
  ]);
  assertEquals(await states(api), ["rsa-sha256 pending", "ed25519-sha256 pending"]);
  // A list as the contract has it, which is never longer than a page.
  assertEquals((await api.request("GET", PATH)).body, created.body);
  assertEquals([Object.keys(created.body).sort(), created.body.next], [["items", "next"], null]);
  // Asked again, the same: they may be published already.
  assertEquals((await create(api)).body, created.body);
});

Deno.test("DKIM keys: a key signs when its record was seen, and not before", async () => {
  await using api = await withClaim();
  await create(api);
  assertEquals(await signing(api, "alice", "example.com"), null);
  const missing = await rotate(api);
  assertEquals([missing.status, missing.body.type], [422, "/problems/proof-missing"]);
  const [rsa, ed25519] = await list(api);
  api.txt.set(rsa!.record.name, { kind: "failed", why: "SERVFAIL" });
  assertEquals((await rotate(api)).status, 503);

  // In a zone file the value is cut, and some panels put blanks into it.
  const cut = rsa!.record.value.replace(/.{200}/g, "$& ");
  api.txt.set(rsa!.record.name, { kind: "found", records: ["something else", cut] });
  assertEquals((await rotate(api)).status, 200);
  assertEquals(await states(api), ["rsa-sha256 active", "ed25519-sha256 pending"]);
  assertEquals(await signing(api, "alice", "example.com"), ["example.com", rsa!.selector]);
  publish(api, [ed25519!]);
  await rotate(api);
  assertEquals(await signing(api, "alice", "example.com"), ["example.com", rsa!.selector, ed25519!.selector]);
  assertEquals((await rotate(api)).status, 404);
});

Deno.test("DKIM keys: rotation has two selectors side by side; what a retired key signed stays verifiable", async () => {
  await using api = await withKeys();
  const before = await list(api);
  api.clock.now += 90 * DAY_MS;
  await create(api);
  assertEquals(await signing(api, "alice", "example.com"), ["example.com", ...before.map(({ selector }) => selector)]);
  publish(api, (await list(api)).slice(2));
  await rotate(api);
  const after = await list(api);
  assertEquals(after.map(({ state }) => state), ["retired", "retired", "active", "active"]);
  assertEquals(after[0]!.keepRecordUntil, "2027-02-28T12:00:00Z");
  assertEquals(await signing(api, "alice", "example.com"), [
    "example.com",
    ...after.slice(2).map(({ selector }) => selector),
  ]);
  // The next rotation forgets those that were retired by this one.
  api.clock.now += 90 * DAY_MS;
  await create(api);
  publish(api, (await list(api)).slice(4));
  await rotate(api);
  assertEquals((await list(api)).map(({ state }) => state), ["retired", "retired", "active", "active"]);
});

Deno.test("DKIM keys: a node gets them for the domain and below it, of the account that has the claim", async () => {
  await using api = await withKeys();
  const selectors = (await list(api)).map(({ selector }) => selector);
  const ours = ["example.com", ...selectors];
  assertEquals(await signing(api, "alice", "mail.example.com"), ours);
  assertEquals(await signing(api, null, "relay.example.com"), ours);
  assertEquals(await signing(api, "bob", "example.com"), null);
  assertEquals(await signing(api, "alice", "notexample.com"), null);
  const asked = { items: [{ account: "alice", domain: "example.com" }] };
  assertEquals((await api.request("POST", "/v1/node/dkim-keys", asked)).status, 401);
});

Deno.test("DKIM keys: need a verified claim, and end with it", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  assertEquals((await create(api)).status, 404);
  await api.request("POST", "/v1/accounts/alice/domains", { domain: "example.com" });
  assertEquals((await create(api)).body.type, "/problems/domain-unverified");
  await api.request("DELETE", "/v1/accounts/alice/domains/example.com");

  await using other = await withKeys();
  await other.request("DELETE", "/v1/accounts/alice/domains/example.com");
  assertEquals(await signing(other, "alice", "example.com"), null);
  await claim(other, "alice", "example.com");
  assertEquals(await list(other), []);
});

Deno.test("DKIM keys: a lapsed claim's keys do not sign", async () => {
  await using api = await withKeys();
  api.txt.delete("_mailhop.example.com");
  for (let day = 0; day < 3; day++) {
    api.clock.now += DAY_MS;
    await api.recheckDomains(new AbortController().signal);
  }
  assertEquals(await signing(api, "alice", "example.com"), null);
});

Deno.test("DKIM keys: deleted by selector", async () => {
  await using api = await withKeys();
  const [rsa, ed25519] = await list(api);
  assertEquals((await api.request("DELETE", `${PATH}/${rsa!.selector}`)).status, 204);
  assertEquals(await signing(api, "alice", "example.com"), ["example.com", ed25519!.selector]);
  const gone = await api.request("DELETE", `${PATH}/${rsa!.selector}`);
  assertEquals(gone.status, 404);
  assertStringIncludes(gone.body.detail, rsa!.selector);
});
