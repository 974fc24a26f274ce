/**
 * The relay's door to the control plane: what is asked once for all who want to know; and while that is away, or has
 * trouble, or does not let the node in, what is remembered, for how long, and what is never given from memory.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type AccountFacts, createNodeClient, type Fetch } from "../../api/client.ts";
import { ControlPlane, ControlPlaneUnavailable, LoginNotRemembered, REMEMBERED_MS } from "../../relay/control_plane.ts";

const FRESH_MS = 5000, PROBE_MS = 1000, STRANGER_MS = 1000;
const ADDRESS = "192.0.2.1";
const ANNA = { username: "anna", status: "active", suppresses: true } as AccountFacts;

const ok = (body: unknown) => Response.json(body);
const problem = (status: number, name: string) => Response.json({ type: `/problems/${name}` }, { status });
const dead = () => Promise.reject(new TypeError("connection refused"));

/** By the last part of the path. */
type Script = Record<string, () => Response | Promise<Response>>;

const WELL: Script = {
  login: () => ok({ account: ANNA }),
  anna: () => ok({ account: ANNA }),
  [ADDRESS]: () => ok({ account: ANNA }),
  "domain-owners": () => ok({ owners: ["anna"] }),
  suppressions: () => ok({ items: [null] }),
};

function door() {
  const clock = { now: 0 };
  const world: { script: Script; all: (() => Promise<Response>) | undefined } = { script: WELL, all: undefined };
  const asked: string[] = [], news: string[] = [];
  const sleeping: { readonly ms: number; readonly wake: () => void }[] = [];
  const fetch: Fetch = (input) => {
    const name = decodeURIComponent(new URL(input as string).pathname.split("/").at(-1)!);
    asked.push(name);
    return world.all?.() ?? world.script[name]!();
  };
  const plane = new ControlPlane({
    client: createNodeClient(fetch, "token"),
    monotonic: () => clock.now,
    sleep: (ms) => new Promise((wake) => sleeping.push({ ms, wake })),
    closing: new AbortController().signal,
    onTrouble: () => {},
    onAway: () => news.push("away"),
    onBack: (awayMs) => news.push(`back after ${awayMs}`),
  });
  const login = (password = "right") => plane.login({ username: "anna", password, address: ADDRESS });
  const everything = async (fresh: boolean) => [
    (await plane.account("anna", fresh))?.username,
    (await plane.network(ADDRESS, fresh))?.username,
    await plane.owners(["example.com"], fresh),
    await plane.suppression({ account: "anna", address: "a@example.net" }, fresh),
  ];
  return { plane, world, clock, asked, news, sleeping, login, everything };
}

type Door = ReturnType<typeof door>;

Deno.test("control plane: who asks at once for the same account or network asks once; who wants it fresh, by itself", async () => {
  const { plane, asked } = door();
  const two = (fresh: boolean) => [1, 2].flatMap(() => [plane.account("anna", fresh), plane.network(ADDRESS, fresh)]);
  await Promise.all(two(false));
  assertEquals(asked, ["anna", ADDRESS]);
  await Promise.all([...two(true), ...two(true)]);
  assertEquals(asked.length, 2 + 8);
});

Deno.test("control plane: an address that is nobody's is looked at again after a second, by all who wait together", async () => {
  const { plane, world, clock, asked, sleeping } = door();
  world.script = { ...WELL, [ADDRESS]: () => ok({ account: null }) };
  assertEquals(await plane.network(ADDRESS, true), null);
  const waiting = [1, 2, 3].map(() => plane.network(ADDRESS, true));
  clock.now = 400;
  waiting.push(plane.network(ADDRESS, true));
  assertEquals([sleeping.map(({ ms }) => ms), asked.length], [[1000, 1000, 1000, 600], 1]);
  // A network that was added while they wait is met.
  world.script = WELL;
  clock.now = STRANGER_MS;
  for (const { wake } of sleeping) wake();
  assertEquals([await Promise.all(waiting), asked.length], [[ANNA, ANNA, ANNA, ANNA], 2]);
  await plane.network(ADDRESS, true);
  assertEquals([sleeping.length, asked.length], [4, 3], "an account's is asked for anew at once");
});

Deno.test("control plane away: what was known last is used for 15 minutes from when it was learned, and no longer", async () => {
  const { login, everything, world, clock } = door();
  const known = [await login(), await everything(false)];
  world.all = dead;
  clock.now = FRESH_MS;
  assertEquals([await login(), await everything(false)], known);
  clock.now = REMEMBERED_MS - 1;
  assertEquals([await login(), await everything(false)], known);
  clock.now = REMEMBERED_MS;
  await assertRejects(() => login(), ControlPlaneUnavailable);
  await assertRejects(() => everything(false), ControlPlaneUnavailable);
});

Deno.test("control plane away: where a fresh answer is asked for, nothing stands in for it", async () => {
  const { plane, login, everything, world } = door();
  await login();
  await everything(false);
  world.all = dead;
  await assertRejects(() => plane.account("anna", true), ControlPlaneUnavailable);
  await assertRejects(() => plane.network(ADDRESS, true), ControlPlaneUnavailable);
  await assertRejects(() => plane.owners(["example.com"], true), ControlPlaneUnavailable);
  const question = { account: "anna", address: "a@example.net" };
  await assertRejects(() => plane.suppression(question, true), ControlPlaneUnavailable);
});

Deno.test("control plane away: another password of a remembered account may be a guess; of a stranger nothing is known", async () => {
  const { plane, login, world, clock } = door();
  await login();
  world.all = dead;
  clock.now = FRESH_MS;
  await assertRejects(() => login("guess"), LoginNotRemembered);
  const error = await assertRejects(
    () => plane.login({ username: "bob", password: "x", address: ADDRESS }),
    ControlPlaneUnavailable,
  );
  assertEquals(error instanceof LoginNotRemembered, false);
});

Deno.test("control plane up: a password that was changed is forgotten with the first refusal", async () => {
  const { login, world, clock } = door();
  await login();
  clock.now = FRESH_MS;
  world.script = { ...WELL, login: () => problem(401, "login-failed") };
  assertEquals(await login(), null);
  world.all = dead;
  await assertRejects(() => login(), ControlPlaneUnavailable);
});

for (
  const [what, answer] of [
    ["does not know the node's token", () => problem(401, "unauthorized")],
    ["does not let the node in", () => problem(403, "not-its-node")],
    ["has no time for logins", () => problem(503, "busy")],
  ] as const
) {
  Deno.test(`control plane up: where it ${what}, nobody is refused, and no remembered login holds`, async () => {
    const { login, world, clock, news } = door();
    await login();
    clock.now = FRESH_MS;
    world.script = { ...WELL, login: answer };
    await assertRejects(() => login(), ControlPlaneUnavailable);
    await assertRejects(() => login("other"), ControlPlaneUnavailable);
    assertEquals(news, []);
  });
}

Deno.test("control plane up: whom its policy fails for is told to come again, and all others are served", async () => {
  const { plane, world, clock, news } = door();
  const reserve = (id: string) => plane.reserve({ id, username: "anna", relays: 1, ndr: false });
  const granted = { id: "r2", granted: true, account: null };
  world.script = { ...WELL, reservations: () => ok({ items: [null, granted] }) };
  const [failed, other] = await Promise.allSettled([reserve("r1"), reserve("r2")]);
  assertEquals(other, { status: "fulfilled", value: granted } as unknown);
  assert(failed?.status === "rejected" && failed.reason instanceof ControlPlaneUnavailable);
  world.script = { ...WELL, reservations: () => problem(500, "policy-fault") };
  await assertRejects(() => reserve("r3"), ControlPlaneUnavailable);
  clock.now = FRESH_MS;
  assertEquals([(await plane.account("anna", true))?.username, news], ["anna", []]);
});

Deno.test("control plane: a node that is refused hears why, for its log", async () => {
  const { plane, world } = door();
  const answers: [answer: unknown, words: string][] = [
    [{ type: "/problems/not-its-node", detail: "It is another's" }, "the control plane answered 403: It is another's"],
    [{ type: "/problems/not-its-node" }, "the control plane answered 403"],
    [null, "the control plane answered 403"],
  ];
  for (const [answer, words] of answers) {
    world.script = { recover: () => Response.json(answer, { status: 403 }) };
    const { message } = await assertRejects(() => plane.recover(), ControlPlaneUnavailable);
    assertEquals(message, words);
  }
});

Deno.test("control plane away: it is asked once a second, and everybody else is told at once", async () => {
  const { plane, world, clock, asked, news } = door();
  world.all = dead;
  const tries = (count: number) =>
    Promise.allSettled(Array.from({ length: count }, (_, at) => plane.account(`nobody-${at}`, false)));
  await tries(1);
  assertEquals([asked.length, news], [1, ["away"]]);
  await tries(50);
  assertEquals(asked.length, 1);
  clock.now = PROBE_MS;
  await tries(50);
  assertEquals(asked.length, 2);
  world.all = undefined;
  clock.now = 2 * PROBE_MS;
  assertEquals((await plane.account("anna", false))?.username, "anna");
  assertEquals(news, ["away", `back after ${2 * PROBE_MS}`]);
});

Deno.test("control plane away: while it says nothing at all, one call waits and the others do not", async () => {
  const { plane, login, world, clock } = door();
  await login();
  world.all = dead;
  clock.now = FRESH_MS;
  await login();
  const silence = Promise.withResolvers<Response>();
  world.all = () => silence.promise;
  clock.now += PROBE_MS;
  const probe = plane.account("bob", false);
  assertEquals(await login(), "anna");
  await assertRejects(() => plane.account("carol", false), ControlPlaneUnavailable);
  silence.reject(new TypeError("connection lost"));
  await assertRejects(() => probe, ControlPlaneUnavailable);
});

Deno.test("control plane away: who asks just what that one call asks does not wait for it", async () => {
  for (
    const question of [
      ({ login }: Door) => login(),
      ({ plane }: Door) => plane.account("anna", false),
      ({ plane }: Door) => plane.network(ADDRESS, false),
    ]
  ) {
    const there = door();
    const { world, clock } = there;
    const known = await question(there);
    world.all = dead;
    clock.now = FRESH_MS;
    await question(there);
    const silence = Promise.withResolvers<Response>();
    world.all = () => silence.promise;
    clock.now += PROBE_MS;
    let isWaiting = true;
    const probe = question(there).finally(() => isWaiting = false);
    assertEquals(await question(there), known);
    assert(isWaiting);
    silence.reject(new TypeError("connection lost"));
    assertEquals(await probe, known);
  }
});

Deno.test("control plane: one route that fails by itself is no reason not to ask the others", async () => {
  const { plane, login, world, clock, news } = door();
  await login();
  world.script = { ...WELL, login: () => new Response("oops", { status: 500 }) };
  clock.now = FRESH_MS;
  assertEquals(await login(), "anna", "what is remembered holds");
  assertEquals((await plane.account("anna", true))?.username, "anna");
  assertEquals(news, []);
});

Deno.test("control plane: a call that is not tried at another address says nothing of it by failing", async () => {
  const { plane, world, news } = door();
  world.script = { ...WELL, notices: dead, policy: dead };
  await assertRejects(() => plane.noticeMail({ stored: [], wanted: 1 }), ControlPlaneUnavailable);
  await assertRejects(() => plane.policy({} as never), ControlPlaneUnavailable);
  assertEquals((await plane.account("anna", true))?.username, "anna");
  assertEquals(news, []);
});
