/** What many sessions that log in at the same moment ask the control plane. */
import { assertEquals, assertRejects } from "@std/assert";
import { ControlPlaneUnavailable } from "../../relay/control_plane.ts";
import { Joined } from "../../relay/joined.ts";
import { type Credentials, Logins } from "../../relay/logins.ts";

const ADDRESS = "192.0.2.1";
const RIGHT = { username: "anna", password: "right", address: ADDRESS };
const WRONG = { ...RIGHT, password: "guess" };

/** Logins of one account, and what was asked about them; `answers` lets go of those who wait. */
function logins(trouble?: Error) {
  const clock = { now: 0 };
  const asked: string[] = [], answered = Promise.withResolvers<void>();
  const ask = async ({ username, password }: Credentials) => {
    asked.push(password);
    await answered.promise;
    if (trouble !== undefined) throw trouble;
    return password === "right" ? username : null;
  };
  const ages = { rememberedMs: 60_000, maxEntries: 10 };
  return {
    clock,
    asked,
    answers: answered.resolve,
    logins: new Logins(ask, new Joined(() => clock.now), ages, () => clock.now),
  };
}

const many = (logins: Logins, credentials: Credentials) => Array.from({ length: 50 }, () => logins.of(credentials));

Deno.test("logins: sessions that log in at once with one password are one question, and each gets the answer", async () => {
  const { asked, answers, logins: all } = logins();
  const right = many(all, RIGHT), wrong = many(all, WRONG);
  answers();
  assertEquals(new Set(await Promise.all(right)), new Set(["anna"]));
  assertEquals(new Set(await Promise.all(wrong)), new Set([null]));
  assertEquals(asked, ["right", "guess", "guess"]);
  assertEquals(await all.of(RIGHT), "anna");
  assertEquals(asked.length, 3, "what holds is believed for a while");
  assertEquals(await all.of(WRONG), null);
  assertEquals(asked.length, 4, "what did not hold is asked anew");
});

Deno.test("logins: neither another name nor another split of name and password gets the answer of one under way", async () => {
  const { asked, answers, logins: all } = logins();
  const others = [{ ...RIGHT, username: "bob" }, { ...RIGHT, username: "annar", password: "ight" }];
  const answered = [RIGHT, ...others].map((credentials) => all.of(credentials));
  answers();
  assertEquals(await Promise.all(answered), ["anna", "bob", null]);
  assertEquals(asked, ["right", "right", "ight"]);
});

Deno.test("logins: trouble is told to all who wait, and asked about again by the next", async () => {
  const { asked, answers, logins: all } = logins(new ControlPlaneUnavailable("no"));
  const waiting = many(all, RIGHT).map((login) => assertRejects(() => login, ControlPlaneUnavailable));
  answers();
  await Promise.all(waiting);
  await assertRejects(() => all.of(RIGHT), ControlPlaneUnavailable);
  assertEquals(asked.length, 2);
});

Deno.test("logins: nobody is refused by the answer to what another asked before", async () => {
  let asked = 0;
  const first = Promise.withResolvers<null>();
  const ask = () => asked++ === 0 ? first.promise : Promise.resolve("anna");
  const all = new Logins(ask, new Joined(() => 0), { rememberedMs: 60_000, maxEntries: 10 }, () => 0);
  const before = all.of(RIGHT);
  const sinceThePasswordIsRight = [all.of(RIGHT), all.of(RIGHT)];
  first.resolve(null);
  assertEquals(await before, null);
  assertEquals(await Promise.all(sinceThePasswordIsRight), ["anna", "anna"]);
  assertEquals(asked, 2);
});

Deno.test("logins: what holds is believed for five seconds since it was asked, however long the answer took", async () => {
  const { clock, asked, answers, logins: all } = logins();
  const slow = all.of(RIGHT);
  clock.now = 4000;
  answers();
  await slow;
  clock.now = 4999;
  await all.of(RIGHT);
  assertEquals(asked.length, 1);
  clock.now = 5000;
  await all.of(RIGHT);
  assertEquals(asked.length, 2);
});
