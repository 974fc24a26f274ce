/** What admission makes of a login, where it asks nobody. */
import { assertEquals } from "@std/assert";
import { defaultParameters, ModulePolicy, ownModule } from "../../../policy/mod.ts";
import { Admission, type AdmissionParts } from "../../../relay/admission/admission.ts";
import { SharedLoginThrottle } from "../../../relay/workers/shared_login_throttle.ts";
import type { LoginNews } from "../../../relay/workers/messages.ts";
import { NOON } from "../../support/node.ts";

const HOME = "192.0.2.1", ELSEWHERE = "198.51.100.1";
const WINDOW_MS = defaultParameters.loginWindowMs;

Deno.test("login: of a name longer than any account's nothing is kept or told; it counts for the address alone", async () => {
  const told: LoginNews[] = [];
  const throttle = new SharedLoginThrottle((news) => told.push(news));
  const policy = new ModulePolicy(ownModule(), defaultParameters);
  const clocks = { now: () => NOON, monotonic: () => 0 };
  const controlPlane = { login: () => Promise.resolve(null) };
  const admission = new Admission(
    { controlPlane, throttle, policy, helpUrl: null, ...clocks } as unknown as AdmissionParts,
  );
  const username = "n".repeat(9000);
  await admission.login({ username, password: "guess" }, HOME);
  assertEquals(told, [{ username: "", address: HOME, windowMs: WINDOW_MS }]);
  const counted = (name: string, address: string) => {
    const { ofAccount, fromPrefix } = throttle.facts(name, address, 0);
    return [ofAccount.count, fromPrefix.count];
  };
  assertEquals([counted(username, HOME), counted("", HOME), counted("", ELSEWHERE)], [[0, 1], [0, 1], [0, 0]]);
  await admission.login({ username: "anna", password: "guess" }, HOME);
  assertEquals([counted("anna", HOME), counted("anna", ELSEWHERE)], [[1, 2], [1, 0]]);
});
