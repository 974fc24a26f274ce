/** Loading, swapping and rolling back modules through the API, and what it refuses. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { moduleHash, ownModule, Reason } from "../../../policy/mod.ts";
import { FAULTS, HOSTILE, onceItIs, policyModule } from "../../support/policy_modules.ts";
import { ADMIN, NOON, startControlPlane, type TestControlPlane } from "../control_plane.ts";

const OWN = ownModule().hash;
const good = policyModule();
const other = policyModule({ cap: 2_000_000 });
const HASH = moduleHash(good), OTHER = moduleHash(other);

/** PUT of raw octets. */
async function load(api: TestControlPlane, octets: BodyInit, query = "", token = ADMIN) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/wasm" };
  const response = await api.app.request(`/v1/policy${query}`, { method: "PUT", headers, body: octets });
  return { status: response.status, body: await response.json() };
}

const patch = (api: TestControlPlane, body: unknown) => api.request("PATCH", "/v1/policy", body);

/** What the node "n1" says of itself whenever it asks. */
const report = (api: TestControlPlane, changes: Record<string, unknown> = {}) =>
  api.nodeCall("policy", {
    ...{ version: 0, module: OWN, shadow: null, faults: [], compared: null, dropped: 0 },
    ...changes,
  });

Deno.test("policy: at first the program's own module decides, by the parameters of the settings", async () => {
  await using api = await startControlPlane();
  const { status, body } = await api.request("GET", "/v1/policy");
  assertEquals(status, 200);
  const { parameters, ...rest } = body;
  assertEquals(rest, {
    abi: 1,
    version: 0,
    active: { hash: OWN, own: true, since: null },
    shadow: null,
    lastGood: { hash: OWN, own: true },
    nodes: [],
  });
  assertEquals(parameters.length, 18);
  assertEquals(parameters[3], {
    ...{ name: "maxRecipients", value: 100, default: 100, isSet: false, least: 1, most: 1000 },
    ...{ unit: "recipients", meaning: "of one message" },
  });
});

Deno.test("policy: a module that is loaded decides; the API's own answers come from it too", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  const { status, body } = await load(api, good);
  assertEquals(status, 200);
  assertEquals(body.version, 1);
  assertEquals(body.active, { hash: HASH, own: false, since: "2026-11-23T12:00:00Z" });
  assertEquals((await api.request("GET", "/v1/accounts/alice/quota")).body.limit, 1_000_000);
});

Deno.test("policy: a module that is loaded as shadow runs beside, and what it would do otherwise is shown", async () => {
  await using api = await startControlPlane();
  const { body } = await load(api, good, "?as=shadow");
  assertEquals(body.active, { hash: OWN, own: true, since: null });
  assertEquals(body.shadow, { hash: HASH, own: false, compared: 0, left: 0, differences: [] });
  const compared = (count: number) => ({
    ...{ module: HASH, compared: 100, left: 3 },
    differences: [
      { stage: "mail", was: Reason.NoBlock, would: Reason.Accepted, count },
      { stage: "login", was: Reason.TooManyFailedLogins, would: Reason.Accepted, count: 5 },
    ],
  });
  await report(api, { version: 1, shadow: HASH, compared: compared(7) });
  await report(api, { version: 1, shadow: HASH, compared: compared(1) });
  assertEquals((await api.request("GET", "/v1/policy")).body.shadow, {
    ...{ hash: HASH, own: false, compared: 200, left: 6 },
    differences: [
      { stage: "login", was: "too-many-failed-logins", would: "accepted", count: 10 },
      { stage: "mail", was: "no-block", would: "accepted", count: 8 },
    ],
  });
  // Set beside anew, it is counted anew.
  assertEquals((await patch(api, { shadow: HASH })).body.shadow.compared, 0);
  assertEquals((await patch(api, { shadow: null })).body.shadow, null);
});

Deno.test("policy: a shadow that becomes the active module runs beside itself no longer", async () => {
  await using api = await startControlPlane();
  await load(api, good, "?as=shadow");
  const { body } = await patch(api, { active: HASH });
  assertEquals([body.active.hash, body.shadow], [HASH, null]);
  // The program's own can run beside somebody else's.
  assertEquals((await patch(api, { shadow: "own" })).body.shadow.own, true);
});

Deno.test("policy: nodes are shown with what they decide by, for a minute after they were heard of", async () => {
  await using api = await startControlPlane();
  await load(api, good);
  await report(api, { version: 0, dropped: 2 });
  const node = { node: "n1", version: 0, module: OWN, upToDate: false, seenAt: "2026-11-23T12:00:00Z", dropped: 2 };
  assertEquals((await api.request("GET", "/v1/policy")).body.nodes, [node]);
  api.clock.now += 1000;
  await report(api, { version: 1, module: HASH });
  const [upToDate] = (await api.request("GET", "/v1/policy")).body.nodes;
  assertEquals([upToDate.upToDate, upToDate.seenAt], [true, "2026-11-23T12:00:01Z"]);
  api.clock.now += 60_001;
  assertEquals((await api.request("GET", "/v1/policy")).body.nodes, []);
});

Deno.test("policy: a roll back leads to the module before, and so to the program's own", async () => {
  await using api = await startControlPlane();
  await load(api, good);
  await load(api, other);
  assertEquals((await api.request("GET", "/v1/policy")).body.lastGood, { hash: HASH, own: false });
  assertEquals((await api.request("POST", "/v1/policy/rollback")).body.active.hash, HASH);
  await patch(api, { active: "own" });
  await patch(api, { active: OTHER });
  assertEquals((await api.request("POST", "/v1/policy/rollback")).body.active.own, true);
});

Deno.test("policy: with nothing to go back to, a roll back says so and changes nothing", async () => {
  await using api = await startControlPlane();
  const { status, body } = await api.request("POST", "/v1/policy/rollback");
  assertEquals([status, body.type], [409, "/problems/no-module-before"]);
  assertEquals((await api.request("GET", "/v1/policy")).body.version, 0);
});

Deno.test("policy: a module that failed at a node is rolled back for all, with a notice, and never rolled back to", async () => {
  await using api = await startControlPlane();
  await load(api, good);
  await load(api, other);
  const fault = { module: OTHER, shadow: false, detail: "timeout: no answer within 100 ms" };
  const { body: state } = await report(api, { version: 2, module: HASH, faults: [fault] });
  assertEquals([state.version, state.active], [3, HASH]);
  // Another node that says the same changes nothing more.
  await api.nodeCall("policy", {
    ...{ node: "n2", version: 2, module: HASH, shadow: null, faults: [fault], compared: null, dropped: 0 },
  });
  const { body } = await api.request("GET", "/v1/policy");
  assertEquals([body.version, body.active.hash, body.lastGood.own], [3, HASH, true]);
  const { items } = (await api.request("GET", "/v1/policy/history")).body;
  assertEquals([items[0].who, items[0].what, items[0].detail], ["n1", "fault", "timeout: no answer within 100 ms"]);
  const notices = (await api.request("GET", "/v1/notices")).body.items;
  assertEquals(notices.map(({ type, account, detail }: Record<string, unknown>) => ({ type, account, detail })), [
    { type: "policy-fault", account: null, detail: { node: "n1", ...fault } },
  ]);
});

for (const [name, [octets, says]] of Object.entries(HOSTILE)) {
  Deno.test(`policy: a module with ${name} is refused, and nothing changes`, async () => {
    await using api = await startControlPlane();
    const { status, body } = await load(api, octets());
    const tooLong = name === "too many octets";
    assertEquals([status, body.type], tooLong ? [413, "/problems/body-too-large"] : [422, "/problems/module-refused"]);
    if (!tooLong) assertMatch(body.detail, says);
    assertEquals((await api.request("GET", "/v1/policy")).body.version, 0);
    assertEquals((await api.request("GET", `/v1/policy/modules/${moduleHash(octets())}`)).status, 404);
  });
}

Deno.test("policy: all that is wrong with a module is said at once", async () => {
  await using api = await startControlPlane();
  const fields = '(import "env" "now" (func $now (result f64))) (start $begin) (func $begin (drop (call $now)))';
  const { body } = await load(api, policyModule({ fields, memory: '(memory (export "memory") 2)' }));
  for (const complaint of ["It imports env.now", "It has a start function", "Its memory must have a maximum"]) {
    assertStringIncludes(body.detail, complaint);
  }
});

Deno.test("policy: an empty body is no module; a query that is not known is refused", async () => {
  await using api = await startControlPlane();
  assertEquals((await load(api, "")).status, 422);
  const { status, body } = await load(api, good, "?as=boss");
  assertEquals([status, body.errors[0].field], [400, "as"]);
});

Deno.test("policy: a body of half a megabyte is not read, whatever it says of its length", async () => {
  await using api = await startControlPlane();
  const chunks = ReadableStream.from(Array.from({ length: 8 }, () => new Uint8Array(65_536)));
  assertEquals((await load(api, chunks)).status, 413);
});

Deno.test("policy: octets are given back as they came; the program's own too", async () => {
  await using api = await startControlPlane();
  await load(api, good);
  for (const [name, expected] of [[HASH, good], ["own", ownModule().octets], [OWN, ownModule().octets]] as const) {
    const response = await api.app.request(`/v1/policy/modules/${name}`, {
      headers: { authorization: `Bearer ${ADMIN}` },
    });
    assertEquals([response.status, response.headers.get("content-type")], [200, "application/wasm"]);
    assertEquals(await response.bytes(), expected);
  }
});

Deno.test("policy: what names no module, or changes nothing, is refused", async () => {
  await using api = await startControlPlane();
  const unknown = "0".repeat(64);
  for (const body of [{ active: unknown }, { shadow: unknown }, { active: "own", shadow: unknown }]) {
    assertEquals((await patch(api, body)).status, 404);
  }
  for (const body of [{}, { active: null }, { active: "mine" }, { shadow: "" }, { module: "own" }, "[]", "nonsense"]) {
    assertEquals((await patch(api, body)).status, 400, JSON.stringify(body));
  }
  assertEquals((await api.request("GET", "/v1/policy")).body.version, 0);
  assertEquals((await api.request("GET", "/v1/policy/modules/mine")).status, 400);
  assertEquals((await api.request("GET", `/v1/policy/modules/${unknown}`)).status, 404);
});

Deno.test("policy: the history has each change, the newest first, page by page", async () => {
  await using api = await startControlPlane();
  await load(api, good);
  await load(api, other, "?as=shadow");
  await api.request("PATCH", "/v1/policy/parameters", { maxRecipients: 50 });
  await api.request("POST", "/v1/policy/rollback");
  const first = (await api.request("GET", "/v1/policy/history?limit=3")).body;
  const rows = first.items.map(({ version, who, what }: Record<string, unknown>) => [version, who, what]);
  assertEquals(rows, [[4, "operator", "roll back"], [3, "operator", "parameters"], [2, "operator", "shadow"]]);
  assertEquals(first.items[1], {
    ...{ version: 3, at: "2026-11-23T12:00:00Z", who: "operator", what: "parameters", detail: "maxRecipients 50" },
    ...{ active: HASH, shadow: OTHER, parameters: { maxRecipients: 50 } },
  });
  const second = (await api.request("GET", `/v1/policy/history?limit=3&cursor=${first.next}`)).body;
  assertEquals([second.items.length, second.items[0].what, second.next], [1, "activate", null]);
  assertEquals((await api.request("GET", "/v1/policy/history?cursor=x")).status, 400);
});

Deno.test("policy: a module that fails at the control plane itself is answered with 500, and rolled back", async () => {
  await using api = await startControlPlane();
  await api.account("alice");
  // The self-test asks for noon of this day.
  const trapping = policyModule({ beforeCap: onceItIs(NOON + 1, FAULTS.trap) });
  assertEquals((await load(api, trapping)).status, 200);
  assertEquals((await api.request("GET", "/v1/accounts/alice/quota")).status, 200);
  api.clock.now += 1;
  const { status, body, headers } = await api.request("GET", "/v1/accounts/alice/quota");
  assertEquals([status, body.type, body.detail], [500, "/problems/policy-fault", "trap: unreachable"]);
  assertEquals(headers.get("content-type"), "application/problem+json");
  assertEquals((await api.request("GET", "/v1/accounts/alice/quota")).body.limit, 0);
  // Whoever asks for what holds waits for the fault to be recorded.
  assertEquals((await api.request("GET", "/v1/policy")).body.active.own, true);
  const { items: [change] } = (await api.request("GET", "/v1/policy/history")).body;
  assertEquals([change.who, change.what, change.active], ["control plane", "fault", "own"]);
});
