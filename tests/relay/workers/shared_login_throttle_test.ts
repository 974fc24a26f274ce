import { assertEquals } from "@std/assert";
import type { LoginNews } from "../../../relay/workers/messages.ts";
import { SharedLoginThrottle } from "../../../relay/workers/shared_login_throttle.ts";

const HOME = "192.0.2.1", ELSEWHERE = "198.51.100.1";
const NOW = 0;

/** Two nodes that tell each other; `news` is what went between them. */
function twoNodes(maxFailures: number) {
  const news: LoginNews[] = [];
  const one = new SharedLoginThrottle(maxFailures, (told) => {
    news.push(told);
    two.hear(told, NOW);
  });
  const two: SharedLoginThrottle = new SharedLoginThrottle(maxFailures, (told) => {
    news.push(told);
    one.hear(told, NOW);
  });
  return { one, two, news };
}

Deno.test("login throttle: failures at several nodes count together", () => {
  const { one, two } = twoNodes(2);
  one.failed("anna", HOME, NOW);
  assertEquals([one.waitMs("anna", HOME, NOW), two.waitMs("anna", HOME, NOW)], [0, 0]);
  two.failed("anna", HOME, NOW);
  assertEquals([one.waitMs("anna", HOME, NOW), two.waitMs("anna", HOME, NOW)], [600_000, 600_000]);
});

Deno.test("login throttle: who logged in at one node is not locked out at another by a stranger", () => {
  const { one, two } = twoNodes(1);
  one.succeeded("anna", HOME);
  one.failed("anna", ELSEWHERE, NOW);
  assertEquals([two.waitMs("anna", HOME, NOW), two.waitMs("anna", ELSEWHERE, NOW)], [0, 600_000]);
});

Deno.test("login throttle: a login from a known place is told once", () => {
  const { one, two, news } = twoNodes(1);
  for (const node of [one, one, two]) node.succeeded("anna", HOME);
  assertEquals(news, [{ succeeded: true, username: "anna", address: HOME }]);
});
