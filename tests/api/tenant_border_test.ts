/**
 * The border between accounts, over every route of the public API: the table of routes is the app's own, so a new route
 * is tried as well. Each is asked for the victim's things with each kind of token; what must be answered follows from
 * what the route declares.
 */
import { assert, assertEquals } from "@std/assert";
import { type DeclaredRoute, declaredRoutes } from "../../api/declared_routes.ts";
import { ADMIN, type Answer, MINUTE_MS, RELAY, startControlPlane, type TestControlPlane } from "./control_plane.ts";
import { CANARY, furnish, type Furnished } from "./furnished_account.ts";

const VICTIM = "victim-7c1";
const DOMAIN = "canary-domain.example";
const startWorld = async () => {
  const api = await startControlPlane();
  const victim = await furnish(api, VICTIM, DOMAIN, CANARY);
  const other = await furnish(api, "other", "other.example", "other");
  return { api, victim, other };
};

type World = Awaited<ReturnType<typeof startWorld>>;

/** Where a request needs a body to get past its validation. */
const BODIES: Readonly<Record<string, unknown>> = {
  "POST /v1/accounts": { username: "another", password: "long enough" },
  "PATCH /v1/accounts/:username": { ndr: { choice: "refuse" } },
  "PUT /v1/accounts/:username/password": { password: "long enough" },
  "POST /v1/accounts/:username/keys": { label: "x" },
  "POST /v1/accounts/:username/passwords": { label: "x" },
  "POST /v1/accounts/:username/blocks": { quantity: 1 },
  "POST /v1/accounts/:username/networks": { cidr: "198.51.100.1/32" },
  "POST /v1/accounts/:username/domains": { domain: "another.example" },
  "PUT /v1/accounts/:username/suppressions/choice": { choice: "off" },
};

const named = ({ method, path }: DeclaredRoute) => `${method} ${path}`;

/** The route's path to things of `whose`. */
const pathTo = (route: DeclaredRoute, { parts }: Pick<Furnished, "parts">): string =>
  route.path.replaceAll(/(\w+)\/:(\w+)/g, (_, before: string, parameter: string) => {
    const part = parts[parameter] ?? parts[before];
    // Of what is the operator's, nothing is looked up for a key.
    if (part === undefined && route.access !== "operator") {
      throw new Error(`${named(route)}: furnish() has nothing for ${parameter}`);
    }
    return `${before}/${part ?? "x"}`;
  });

const ask = (api: TestControlPlane, route: DeclaredRoute, whose: Pick<Furnished, "parts">, token: string) =>
  api.request(route.method, pathTo(route, whose), BODIES[named(route)], token);

/** All that the operator can see of the victim. */
const everythingOf = async (api: TestControlPlane, victim: Furnished): Promise<unknown[]> => {
  const seen: unknown[] = [];
  for (const route of declaredRoutes(api.app)) {
    if (route.method === "GET" && route.access !== "anyone" && route.path.includes(":")) {
      seen.push((await ask(api, route, victim, ADMIN)).body);
    }
  }
  return seen;
};

const isPast = ({ status }: Answer): boolean => ![401, 403, 404].includes(status) && status < 500;

const assertRefused = (answer: Answer, status: number, what: string) => {
  assertEquals(answer.status, status, what);
  assertEquals(answer.body.status, status, what);
};

const routes = await (async () => {
  await using api = await startControlPlane();
  return declaredRoutes(api.app).filter(({ access }) => access !== "anyone");
})();

Deno.test("border: the table has all routes, and the canary is in what the victim sees", async () => {
  assert(routes.length > 40, `${routes.length} routes`);
  const { api, victim } = await startWorld();
  await using _ = api;
  for (const route of routes) {
    if (route.method !== "GET" || (route.access !== "read" && route.access !== "read own")) continue;
    const answer = await ask(api, route, victim, victim.read);
    assertEquals(answer.status, 200, named(route));
    const told = JSON.stringify(answer.body);
    const hasNoName = /\/(quota|usage|choice|blocks)$/.test(route.path);
    assert(hasNoName || told.includes(CANARY) || told.includes(VICTIM), named(route));
  }
});

const tryBorder = async (test: Deno.TestContext, { api, victim, other }: World, route: DeclaredRoute) => {
  await test.step("no token, nonsense and a node's token are 401", async () => {
    // What failed for the routes before is forgotten.
    api.clock.now += MINUTE_MS;
    for (const token of ["", "nonsense", "mhk_00000000000000000000000000000000", RELAY, `${victim.read}0`]) {
      assertRefused(await ask(api, route, victim, token), 401, `with "${token}"`);
    }
  });

  await test.step("another account's key learns nothing and changes nothing", async () => {
    const before = await everythingOf(api, victim);
    for (const token of [other.read, other.manage]) {
      const answer = await ask(api, route, victim, token);
      const told = JSON.stringify([answer.body, [...answer.headers]]);
      assert(!told.includes(CANARY), told);
      if (route.path.includes(":username")) {
        assertRefused(answer, 404, "somebody else's");
        const nobody = { parts: { ...victim.parts, username: "nobody" } };
        assertEquals((await ask(api, route, nobody, token)).body, answer.body, "as what does not exist");
      } else if (route.access === "operator") assertRefused(answer, 403, "the operator's");
      else if (route.path.includes(":")) assertRefused(answer, 404, "somebody else's");
      else {
        assertEquals(answer.status, 200);
        assert(!told.includes(VICTIM), told);
      }
    }
    assertEquals(await everythingOf(api, victim), before);
  });

  await test.step("the account's own keys may what the route declares", async () => {
    const byReading = await ask(api, route, victim, victim.read);
    if (route.access === "read" || route.access === "read own") assertEquals(byReading.status, 200);
    else assertRefused(byReading, 403, "read");
    const byManaging = await ask(api, route, victim, victim.manage);
    if (route.access === "operator") assertRefused(byManaging, 403, "manage");
    else assert(isPast(byManaging), `manage: ${byManaging.status}`);
  });

  await test.step("the operator passes", async () => {
    const { status } = await ask(api, route, other, ADMIN);
    assert(status !== 401 && status !== 403, `${status}`);
  });
};

// Looking changes nothing, so one world does for all of them.
Deno.test("border: routes that look", async (test) => {
  const world = await startWorld();
  await using _ = world.api;
  for (const route of routes.filter(({ method }) => method === "GET")) {
    await test.step(`${named(route)} (${route.access})`, (step) => tryBorder(step, world, route));
  }
});

for (const route of routes.filter(({ method }) => method !== "GET")) {
  Deno.test(`border: ${named(route)} (${route.access})`, async (test) => {
    const world = await startWorld();
    await using _ = world.api;
    await tryBorder(test, world, route);
  });
}
