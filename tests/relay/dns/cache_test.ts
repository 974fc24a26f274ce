import { assertEquals } from "@std/assert";
import { AnswerCache } from "../../../relay/dns/cache.ts";

const entry = (text: string, octets = 10, expiresAt = 100, serial = 1) => ({
  answer: Promise.resolve(text),
  expiresAt,
  serial,
  octets,
});

Deno.test("cache: the least recently used entries make room for new ones", async () => {
  const cache = new AnswerCache<string>(30);
  for (const name of ["a", "b", "c"]) cache.set(name, entry(name));
  assertEquals(await cache.get("a", 0, 0), "a");
  cache.set("d", entry("d"));
  assertEquals(cache.get("b", 0, 0), undefined);
  assertEquals(await cache.get("a", 0, 0), "a");
  cache.set("big", entry("big", 25));
  assertEquals([cache.get("a", 0, 0), cache.get("c", 0, 0), cache.get("d", 0, 0), cache.size], [
    undefined,
    undefined,
    undefined,
    1,
  ]);
});

Deno.test("cache: replaced, expired and deleted entries give their room back", () => {
  const cache = new AnswerCache<string>(30);
  for (let i = 0; i < 10; i++) cache.set("a", entry("a", 30));
  assertEquals(cache.size, 1);
  assertEquals(cache.get("a", 100, 0), undefined);
  cache.set("b", entry("b", 30));
  cache.delete("b");
  cache.set("c", entry("c", 30));
  assertEquals(cache.size, 1);
});

Deno.test("cache: an entry larger than the whole cache is not kept", () => {
  const cache = new AnswerCache<string>(30);
  cache.set("a", entry("a", 31));
  assertEquals(cache.size, 0);
});

Deno.test("cache: an entry that is too old for one asker stays for the others", async () => {
  const cache = new AnswerCache<string>(30);
  cache.set("a", entry("a", 10, 100, 5));
  assertEquals(cache.get("a", 0, 5), undefined);
  assertEquals(await cache.get("a", 0, 4), "a");
});
