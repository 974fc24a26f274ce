/** Questions that are asked at the same time, by a clock that stands still. */
import { assertEquals } from "@std/assert";
import { Joined } from "../../relay/joined.ts";

function questions(joins?: (ageMs: number) => boolean) {
  const clock = { now: 0 };
  const asked: PromiseWithResolvers<string>[] = [];
  const joined = new Joined<string>(() => clock.now, joins);
  const ask = (key = "a") =>
    joined.ask(key, () => {
      const question = Promise.withResolvers<string>();
      asked.push(question);
      return question.promise;
    });
  return { clock, asked, ask };
}

Deno.test("joined: the same question is asked once until it is answered, and then anew", async () => {
  const { asked, ask } = questions();
  const [one, two, other] = [ask(), ask(), ask("b")];
  asked[0]!.resolve("first");
  asked[1]!.resolve("of b");
  assertEquals(await Promise.all([one, two, other]), ["first", "first", "of b"]);
  const later = ask();
  asked[2]!.resolve("second");
  assertEquals(await later, "second");
});

Deno.test("joined: who comes too late for a question that hangs asks anew, and is joined by the next; its end changes nothing", async () => {
  const { clock, asked, ask } = questions((ageMs) => ageMs < 1000);
  const hanging = ask();
  clock.now = 999;
  const joining = ask();
  clock.now = 1000;
  const late = ask();
  asked[0]!.resolve("at last");
  assertEquals(await Promise.all([hanging, joining]), ["at last", "at last"]);
  const next = ask();
  assertEquals(asked.length, 2);
  asked[1]!.resolve("anew");
  assertEquals(await Promise.all([late, next]), ["anew", "anew"]);
});
