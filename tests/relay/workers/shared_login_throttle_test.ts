import { assertEquals } from "@std/assert";
import type { LoginThrottle } from "../../../relay/admission/login_throttle.ts";
import type { LoginNews } from "../../../relay/workers/messages.ts";
import { SharedLoginThrottle } from "../../../relay/workers/shared_login_throttle.ts";

const HOME = "192.0.2.1", ELSEWHERE = "198.51.100.1";
const NOW = 0, WINDOW_MS = 600_000;

/** Two nodes that tell each other; `news` is what went between them. */
function twoNodes() {
  const news: LoginNews[] = [];
  const one = new SharedLoginThrottle((told) => {
    news.push(told);
    two.hear(told, NOW);
  });
  const two: SharedLoginThrottle = new SharedLoginThrottle((told) => {
    news.push(told);
    one.hear(told, NOW);
  });
  return { one, two, news };
}

const counted = (throttle: LoginThrottle, address: string, now = NOW) => {
  const { ofAccount, fromPrefix, knownPlace } = throttle.facts("anna", address, now);
  return [ofAccount.count, fromPrefix.count, knownPlace];
};

Deno.test("login throttle: failures at several nodes count together", () => {
  const { one, two } = twoNodes();
  one.failed("anna", HOME, WINDOW_MS, NOW);
  two.failed("anna", HOME, WINDOW_MS, NOW);
  for (const node of [one, two]) assertEquals(counted(node, HOME), [2, 2, false]);
  for (const node of [one, two]) assertEquals(counted(node, ELSEWHERE), [2, 0, false]);
});

Deno.test("login throttle: a window begins with the first failure and is over for all nodes at once", () => {
  const { one, two } = twoNodes();
  one.failed("anna", HOME, WINDOW_MS, NOW);
  assertEquals(two.facts("anna", HOME, WINDOW_MS - 1).ofAccount, { count: 1, ageMs: WINDOW_MS - 1 });
  one.failed("anna", HOME, WINDOW_MS, WINDOW_MS);
  assertEquals(one.facts("anna", HOME, WINDOW_MS).ofAccount, { count: 1, ageMs: 0 });
});

Deno.test("login throttle: where an account logged in at one node is a known place at all", () => {
  const { one, two } = twoNodes();
  one.succeeded("anna", HOME);
  one.failed("anna", ELSEWHERE, WINDOW_MS, NOW);
  assertEquals([counted(two, HOME), counted(two, ELSEWHERE)], [[1, 0, true], [1, 1, false]]);
});

Deno.test("login throttle: a login from a known place is told once", () => {
  const { one, two, news } = twoNodes();
  for (const node of [one, one, two]) node.succeeded("anna", HOME);
  assertEquals(news, [{ succeeded: true, username: "anna", address: HOME }]);
});
