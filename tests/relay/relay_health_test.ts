import { assertEquals } from "@std/assert";
import { REMEMBERED_MS } from "../../relay/control_plane.ts";
import { ReachOfControlPlane } from "../../relay/reach_of_control_plane.ts";
import { type Check, relayHealth } from "../../relay/relay_health.ts";

const ask = (checks: Record<string, Check>, path: string, method = "GET") =>
  relayHealth(() => checks)(new Request(`http://relay.test${path}`, { method }));
const GOOD = { ok: true, words: "ok" };

Deno.test("relay's health: it is alive; and ready if all that must work does, with words for each", async () => {
  const bad = { ok: false, words: "not up: 0 of 2" };
  const alive = ask({ nodes: bad }, "/healthz");
  assertEquals([alive.status, await alive.json()], [200, { status: "ok" }]);
  const ready = ask({ nodes: GOOD }, "/readyz");
  assertEquals([ready.status, await ready.json()], [200, { status: "ready", checks: { nodes: "ok" } }]);
  const notReady = ask({ nodes: bad, clock: GOOD }, "/readyz");
  assertEquals([notReady.status, await notReady.json()], [503, {
    status: "not ready",
    checks: { nodes: "not up: 0 of 2", clock: "ok" },
  }]);
});

Deno.test("relay's health: there is nothing else on that port, and nothing to change", () => {
  for (const path of ["/", "/v1/accounts", "/v1/node/login", "/help"]) assertEquals(ask({}, path).status, 404, path);
  assertEquals(ask({}, "/readyz", "POST").status, 405);
});

/** At a clock that stands at 1000 ms. */
function startReach() {
  const clock = { now: 1000 };
  const refusals: number[] = [];
  const reach = new ReachOfControlPlane({
    monotonic: () => clock.now,
    onRefused: (_, status) => refusals.push(status),
  });
  const answered = (status: number, headers: Record<string, string> = {}) =>
    reach.answered({ status, headers: new Headers(headers) });
  return { clock, reach, refusals, answered };
}
const CHALLENGE = { "www-authenticate": "Bearer" };
const REFUSED = "refuses the token in MAILHOP_RELAY_TOKEN (mailhop relay-token create makes another one)";

Deno.test("reach of the control plane: ready while somebody can be served: by it, or by what is remembered", () => {
  const { clock, reach, answered } = startReach();
  assertEquals(reach.check, { ok: false, words: "not reached yet" });
  answered(503);
  assertEquals(reach.check, { ok: false, words: "not reached yet" });
  answered(200);
  const at = (ms: number) => {
    clock.now = 1000 + ms;
    return reach.check;
  };
  assertEquals(at(4999), { ok: true, words: "ok" });
  assertEquals(at(60_000), { ok: true, words: "away for 60 s: clients that are remembered are served" });
  answered(503);
  assertEquals(at(REMEMBERED_MS - 1).ok, true);
  assertEquals(at(REMEMBERED_MS), { ok: false, words: "away for 900 s: nobody is remembered any more" });
  answered(404);
  assertEquals(reach.check, { ok: true, words: "ok" });
});

Deno.test("reach of the control plane: one that refuses the token is none, nor one that refuses a node", () => {
  const { clock, reach, answered } = startReach();
  answered(200);
  answered(401, CHALLENGE);
  assertEquals(reach.check, { ok: false, words: REFUSED });
  // Another node's call.
  answered(200);
  assertEquals(reach.check.ok, false);
  clock.now += 10_000;
  answered(200);
  assertEquals(reach.check.ok, true);
  answered(403);
  assertEquals(reach.check, {
    ok: false,
    words:
      "refuses a node, which belongs to another token (mailhop relay-token create LABEL --node NODE hands it over)",
  });
});

Deno.test("reach of the control plane: that a customer's password is wrong says nothing of the token", () => {
  const { reach, refusals, answered } = startReach();
  answered(200);
  answered(401);
  assertEquals([reach.check.ok, refusals], [true, []]);
  answered(401, CHALLENGE);
  answered(401);
  assertEquals(reach.check.ok, false);
});

Deno.test("reach of the control plane: that the token is refused is said at once, and again after a minute", () => {
  const { clock, refusals, answered } = startReach();
  for (let second = 0; second < 130; second++, clock.now += 1000) {
    for (let call = 0; call < 3; call++) answered(second < 100 ? 401 : 403, CHALLENGE);
  }
  assertEquals(refusals, [401, 401, 403]);
});
