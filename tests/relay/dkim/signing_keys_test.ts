/** What a node remembers of keys: for how long, how many, and while the control plane is away. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type KeySet, KeysUnknown, SigningKeys } from "../../../relay/dkim/signing_keys.ts";
import { makeKey } from "../../support/dkim.ts";

const MINUTE_MS = 60_000;
const rsa = await makeKey("r1", "rsa-sha256");
const ed25519 = await makeKey("e1", "ed25519-sha256");
const SET: KeySet = { domain: "example.com", keys: [rsa, ed25519] };
const QUESTION = { account: "alice", domain: "example.com" };

/** Keys with a clock, a count of the questions and the answer to them. */
function scene(answer: KeySet | null | Error = SET) {
  const state = { now: 0, asked: 0, answer, unusable: [] as string[] };
  const keys = new SigningKeys({
    ask: () => {
      state.asked++;
      return state.answer instanceof Error ? Promise.reject(state.answer) : Promise.resolve(state.answer);
    },
    monotonic: () => state.now,
    onUnusable: (domain, selector) => state.unusable.push(`${selector} of ${domain}`),
  });
  const selectors = async () => (await keys.of(QUESTION))?.keys.map(({ selector }) => selector) ?? null;
  return { state, keys, selectors };
}

Deno.test("signing keys: asked for once in five minutes, and once by those who ask at the same time", async () => {
  const { state, selectors } = scene();
  assertEquals(await Promise.all([selectors(), selectors()]), [["r1", "e1"], ["r1", "e1"]]);
  state.now = 5 * MINUTE_MS - 1;
  await selectors();
  assertEquals(state.asked, 1);
  state.now = 5 * MINUTE_MS;
  state.answer = { ...SET, keys: [ed25519] };
  assertEquals(await selectors(), ["e1"]);
  assertEquals(state.asked, 2);
});

Deno.test("signing keys: that there are none is remembered, too", async () => {
  const { state, selectors } = scene(null);
  assertEquals([await selectors(), await selectors(), state.asked], [null, null, 1]);
});

Deno.test("signing keys: while the control plane is away the last answer stands for an hour", async () => {
  const { state, selectors } = scene();
  await selectors();
  state.answer = new Error("away");
  state.now = 60 * MINUTE_MS - 1;
  assertEquals(await selectors(), ["r1", "e1"]);
  state.now = 60 * MINUTE_MS;
  await assertRejects(selectors, KeysUnknown);
});

Deno.test("signing keys: a key that cannot be read is reported, the others sign; without others there are none", async () => {
  const broken = { ...rsa, selector: "broken", privateKey: "AAAA" };
  const { state, selectors } = scene({ ...SET, keys: [broken, ed25519] });
  assertEquals(await selectors(), ["e1"]);
  assertEquals(state.unusable, ["broken of example.com"]);
  assertEquals(await scene({ ...SET, keys: [broken] }).selectors(), null);
});

Deno.test("signing keys: what is remembered is bounded", async () => {
  const { state, keys } = scene(null);
  for (let at = 0; at < 10_001; at++) await keys.of({ account: "alice", domain: `d${at}.example` });
  await keys.of({ account: "alice", domain: "d10000.example" });
  assertEquals(state.asked, 10_001);
  await keys.of({ account: "alice", domain: "d0.example" });
  assert(state.asked === 10_002);
});
