/** Which policy stands when: found, refreshed, kept while DNS or HTTPS fail, expired. */
import { assertEquals } from "@std/assert";
import type { DnsAnswer } from "../../../relay/dns/types.ts";
import type { KnownPolicies } from "../../../relay/mta_sts/policy_file.ts";
import { type FetchLimits, StsPolicies } from "../../../relay/mta_sts/policies.ts";
import type { StsPolicy } from "../../../relay/mta_sts/policy.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const ENFORCE: StsPolicy = { mode: "enforce", maxAgeSeconds: 7 * DAY_MS / 1000, mx: ["mx.example.com"] };
const TESTING: StsPolicy = { ...ENFORCE, mode: "testing" };
const NONE: StsPolicy = { ...ENFORCE, mode: "none", mx: [] };
const GONE: DnsAnswer<string> = { kind: "no-domain" };
const BROKEN: DnsAnswer<string> = { kind: "failed", why: "SERVFAIL" };

const announced = (id: string): DnsAnswer<string> => ({ kind: "found", records: [`v=STSv1; id=${id};`] });

/** A domain's DNS and its policy's server, with a clock. */
class Scene {
  now = 0;
  record: DnsAnswer<string> = announced("1");
  policy: StsPolicy | string = ENFORCE;
  fetches = 0;
  /** Domains whose policy's server never answers, until it is `released`. */
  readonly silent = new Set<string>();
  readonly released = Promise.withResolvers<void>();
  known: () => KnownPolicies = () => new Map();
  readonly troubles: string[] = [];
  readonly #policies: StsPolicies;
  #underWay = 0;
  #idle = Promise.withResolvers<void>();

  /** @param kept what an earlier process left. */
  constructor(kept: KnownPolicies = new Map(), limits?: FetchLimits) {
    this.#policies = new StsPolicies({
      resolver: { txt: (name) => Promise.resolve(name === "_mta-sts.example.com" ? this.record : announced("other")) },
      fetchPolicy: async (domain) => {
        this.fetches++;
        this.#underWay++;
        if (this.silent.has(domain)) await this.released.promise;
        return this.policy;
      },
      now: () => this.now,
      kept,
      onChange: (known) => {
        this.known = known;
        if (--this.#underWay > 0) return;
        this.#idle.resolve();
        this.#idle = Promise.withResolvers();
      },
      onTrouble: (domain, why, kept) => this.troubles.push(`${domain} ${why}, ${kept ? "kept" : "none"}`),
      ...(limits && { limits }),
    });
  }

  /** Resolves when no fetch is under way any more, in the background or not. */
  async idle(): Promise<void> {
    if (this.#underWay > 0) await this.#idle.promise;
  }

  async mode(domain = "example.com"): Promise<string | null> {
    return (await this.#policies.of(domain))?.mode ?? null;
  }
}

Deno.test("MTA-STS: no record, no fetch", async () => {
  const scene = new Scene();
  for (scene.record of [GONE, BROKEN]) assertEquals(await scene.mode(), null);
  assertEquals(scene.fetches, 0);
});

Deno.test("MTA-STS: fetched once for many messages, also for those that come at the same time", async () => {
  const scene = new Scene();
  assertEquals(await Promise.all([scene.mode(), scene.mode(), scene.mode()]), ["enforce", "enforce", "enforce"]);
  scene.now = DAY_MS - 1;
  assertEquals([await scene.mode(), scene.fetches], ["enforce", 1]);
  scene.now = DAY_MS;
  assertEquals(await Promise.all([scene.mode(), scene.mode()]), ["enforce", "enforce"]);
  await scene.idle();
  assertEquals([await scene.mode(), scene.fetches], ["enforce", 2]);
});

Deno.test("MTA-STS: another id in the record fetches the policy again, whatever it says now", async () => {
  const scene = new Scene();
  await scene.mode();
  scene.policy = TESTING;
  assertEquals(await scene.mode(), "enforce");
  scene.record = announced("2");
  await scene.mode();
  await scene.idle();
  assertEquals(await scene.mode(), "testing");
  [scene.record, scene.policy] = [announced("3"), NONE];
  await scene.mode();
  await scene.idle();
  assertEquals([await scene.mode(), scene.fetches], [null, 3]);
});

Deno.test("MTA-STS: a policy that stands is used while another one is fetched, however long that takes", async () => {
  for (const change of ["another id", "its age"]) {
    const scene = new Scene();
    await scene.mode();
    scene.silent.add("example.com");
    scene.policy = TESTING;
    if (change === "its age") scene.now = DAY_MS;
    else scene.record = announced("2");
    assertEquals([await scene.mode(), await scene.mode(), scene.fetches], ["enforce", "enforce", 2], change);
    scene.released.resolve();
    await scene.idle();
    assertEquals([await scene.mode(), scene.fetches], ["testing", 2], change);
  }
});

Deno.test("MTA-STS: a policy that stands is not taken away by trouble in DNS or HTTPS, until it expires", async () => {
  const scene = new Scene();
  await scene.mode();
  for (scene.record of [GONE, BROKEN, announced("a-b")]) assertEquals(await scene.mode(), "enforce");
  [scene.record, scene.policy] = [announced("2"), "could not be fetched"];
  assertEquals(await scene.mode(), "enforce");
  await scene.idle();
  assertEquals(scene.troubles, ["example.com could not be fetched, kept"]);
  scene.now = 7 * DAY_MS - 1;
  assertEquals(await scene.mode(), "enforce");
  scene.now = 7 * DAY_MS;
  assertEquals(await scene.mode(), null);
});

Deno.test("MTA-STS: a server that has trouble is asked every five minutes", async () => {
  const scene = new Scene();
  scene.policy = "was answered with HTTP status 500";
  assertEquals([await scene.mode(), await scene.mode(), scene.fetches], [null, null, 1]);
  assertEquals(scene.troubles, ["example.com was answered with HTTP status 500, none"]);
  scene.policy = ENFORCE;
  scene.now = 5 * MINUTE_MS;
  assertEquals([await scene.mode(), scene.fetches], ["enforce", 2]);
});

Deno.test("MTA-STS: ninety-nine servers that never answer keep nobody else's policy from being fetched", async () => {
  const scene = new Scene();
  const dead = Array.from({ length: 99 }, (_, at) => `d${at}.example`);
  for (const domain of dead) scene.silent.add(domain);
  const modes = dead.map((domain) => scene.mode(domain));
  assertEquals([await scene.mode(), scene.fetches], ["enforce", 100]);
  scene.released.resolve();
  await Promise.all(modes);
});

Deno.test("MTA-STS: where the turn to fetch did not come, the next message asks again at once", async () => {
  const scene = new Scene(new Map(), { fetches: 1, longestWaitMs: 1 });
  scene.silent.add("evil.example");
  const evil = scene.mode("evil.example");
  assertEquals([await scene.mode(), scene.fetches], [null, 1]);
  assertEquals(scene.troubles, ["example.com waited for too many others, none"]);
  scene.released.resolve();
  await evil;
  assertEquals([await scene.mode(), scene.fetches], ["enforce", 2]);
});

Deno.test("MTA-STS: what is remembered is bounded, and what is used stays", async () => {
  const scene = new Scene();
  await scene.mode();
  for (let at = 0; at < 5000; at++) {
    await scene.mode(`d${at}.example`);
    if (at % 1000 === 0) await scene.mode();
  }
  const { fetches } = scene;
  assertEquals([await scene.mode(), scene.fetches - fetches], ["enforce", 0]);
  assertEquals([await scene.mode("d0.example"), scene.fetches - fetches], ["enforce", 1]);
});

Deno.test("MTA-STS: what stood goes on after a restart; what could not be fetched is not kept", async () => {
  const before = new Scene();
  await before.mode();
  before.policy = "could not be fetched";
  await before.mode("other.example");
  assertEquals([...before.known().keys()], ["example.com"]);

  const after = new Scene(before.known());
  [after.record, after.policy] = [GONE, "could not be fetched"];
  assertEquals([await after.mode(), after.fetches], ["enforce", 0]);
  after.now = 7 * DAY_MS;
  assertEquals(await after.mode(), null);
});
