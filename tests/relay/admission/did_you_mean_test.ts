import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { closestDomain } from "../../../relay/admission/did_you_mean.ts";

Deno.test("did you mean: one edit of each kind leads to the domain", () => {
  for (
    const typed of ["doamin.com", "domin.com", "domaain.com", "domain.con", "domain.co", "xdomain.com", "omain.com"]
  ) {
    assertEquals(closestDomain(typed, ["other.example", "domain.com"]), "domain.com", typed);
  }
});

Deno.test("did you mean: two edits, far swaps and other names lead nowhere", () => {
  for (const typed of ["doamni.com", "omain.co", "niamod.com", "mdoain.com", "com.domain", ""]) {
    assertEquals(closestDomain(typed, ["domain.com"]), undefined, typed);
  }
});

Deno.test("did you mean: a domain that is itself known is no mistake; of several the first is named", () => {
  assertEquals(closestDomain("domain.com", ["domain.co", "domain.com"]), undefined);
  assertEquals(closestDomain("domain.cox", ["domain.com", "domain.co"]), "domain.com");
  assertEquals(closestDomain("domain.cox", []), undefined);
});

Deno.test("did you mean: agrees with a naive search through all edits", () => {
  const letter = fc.constantFrom("a", "b", "c");
  const word = fc.array(letter, { maxLength: 5 }).map((letters) => letters.join(""));
  fc.assert(fc.property(word, word, (typed, known) => {
    const expected = typed !== known && allEdits(typed).has(known) ? known : undefined;
    assertEquals(closestDomain(typed, [known]), expected);
  }));
});

function allEdits(word: string): Set<string> {
  const edits = new Set<string>();
  for (let at = 0; at <= word.length; at++) {
    const [before, after] = [word.slice(0, at), word.slice(at)];
    edits.add(before + after.slice(1));
    if (after.length > 1) edits.add(before + after[1] + after[0] + after.slice(2));
    for (const letter of "abc") {
      edits.add(before + letter + after);
      if (after !== "") edits.add(before + letter + after.slice(1));
    }
  }
  return edits;
}
