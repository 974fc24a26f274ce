import { assertEquals, assertMatch } from "@std/assert";
import { generatePassword } from "../../../api/cli/password.ts";

Deno.test("password: a generated one is four groups of five unmistakable characters", () => {
  const password = generatePassword((length) => crypto.getRandomValues(new Uint8Array(length)));
  assertMatch(password, /^[a-km-np-z2-9]{5}(-[a-km-np-z2-9]{5}){3}$/);
});

Deno.test("password: each of 32 characters stands for eight octets", () => {
  const seen = new Map<string, number>();
  for (let octet = 0; octet < 256; octet++) {
    const character = generatePassword((length) => new Uint8Array(length).fill(octet)).charAt(0);
    seen.set(character, (seen.get(character) ?? 0) + 1);
  }
  assertEquals(seen.size, 32);
  assertEquals([...new Set(seen.values())], [8]);
});
