/** Recorded decisions, as the API gives them out; and notices. */
import { assertEquals } from "@std/assert";
import {
  chunkFromJson,
  chunkToJson,
  type DecisionChunk,
  decodeChunk,
  encodeChunk,
  Reason,
} from "../../../policy/mod.ts";
import { brakedDecision, decisionOf, quotaDecision } from "../../support/decisions.ts";
import { NOON, startControlPlane, type TestControlPlane } from "../control_plane.ts";

const at = (ms: number) => new Date(NOON + ms).toISOString();

let chunks = 0;
const send = (api: TestControlPlane, chunk: DecisionChunk, id = `chunk ${++chunks}`) =>
  api.nodeCall("decisions", { chunks: [{ id, ...chunkToJson(chunk) }] });

/** A chunk of decisions made at these times (ms from noon), each of connection n. */
const chunk = (...times: number[]) =>
  encodeChunk(times.map((ms) => decisionOf("connection", { open: ms + 1, fromAddress: 1 }, { at: NOON + ms })));

const fetch = async (api: TestControlPlane, query = "") => {
  const { body } = await api.request("GET", `/v1/policy/decisions${query}`);
  const times = body.items.map((item: Parameters<typeof chunkFromJson>[0]) =>
    [...decodeChunk(chunkFromJson(item))].map((decision) => decision.at - NOON)
  );
  return { ...body, times };
};

Deno.test("decisions: chunks come in the order of their arrival, page by page, with the total", async () => {
  await using api = await startControlPlane();
  for (const times of [[0, 1], [2], [3, 4, 5]]) assertEquals((await send(api, chunk(...times))).status, 200);
  const first = await fetch(api, "?limit=2");
  assertEquals([first.times, first.total], [[[0, 1], [2]], 6]);
  const second = await fetch(api, `?limit=2&cursor=${first.next}`);
  assertEquals([second.times, second.next, second.total], [[[3, 4, 5]], null, 6]);
});

Deno.test("decisions: a chunk that comes again is kept once, and one of another format is refused", async () => {
  await using api = await startControlPlane();
  for (let times = 0; times < 2; times++) assertEquals((await send(api, chunk(0, 1), "the same")).status, 200);
  assertEquals((await fetch(api)).times, [[0, 1]]);
  assertEquals((await send(api, { ...chunk(2), format: 99 })).status, 400);
});

Deno.test("decisions: only those of the time in question are given out, to the millisecond", async () => {
  await using api = await startControlPlane();
  for (const times of [[0, 1000], [1001, 2000], [5000]]) await send(api, chunk(...times));
  assertEquals((await fetch(api, `?since=${at(1000)}&until=${at(2000)}`)).times, [[1000], [1001]]);
  assertEquals((await fetch(api, `?since=${at(1001)}`)).times, [[1001, 2000], [5000]]);
  assertEquals((await fetch(api, `?until=${at(0)}`)).items, []);
  // A chunk that lies around the time, and has none in it.
  assertEquals((await fetch(api, `?since=${at(1)}&until=${at(1000)}`)).items, []);
});

Deno.test("decisions: a query that is wrong is refused", async () => {
  await using api = await startControlPlane();
  for (const query of ["?since=noon", "?limit=0", "?limit=51", "?limit=x"]) {
    assertEquals((await api.request("GET", `/v1/policy/decisions${query}`)).status, 400, query);
  }
});

Deno.test("notices: the brake's, once for an account and a day, with names for numbers", async () => {
  await using api = await startControlPlane();
  const braked = brakedDecision("alice", NOON);
  assertEquals(braked.reason, Reason.Braked);
  await send(api, encodeChunk([braked, { ...braked, at: NOON + 1 }, { ...braked, account: "bo" }]));
  await send(api, encodeChunk([{ ...braked, at: NOON + 2 }]));
  const notices = (await api.request("GET", "/v1/notices?limit=1")).body;
  const next = (await api.request("GET", `/v1/notices?limit=1&cursor=${notices.next}`)).body;
  assertEquals([notices.items[0].account, next.items[0].account, next.next], ["bo", "alice", null]);
  assertEquals(next.items[0].type, "brake");
  assertEquals(next.items[0].detail, {
    ...{ measure: "relays", used: 451, limit: 450, resetsAt: "2026-11-24T00:00:00Z" },
  });
  const ofAlice = (await api.request("GET", "/v1/notices?account=alice")).body;
  assertEquals(ofAlice.items.map(({ at }: { at: string }) => at), ["2026-11-23T12:00:00Z"]);
});

for (
  const [type, reason, isNdr] of [
    ["quota-100", Reason.QuotaExceeded, false],
    ["ndr-share", Reason.NdrShareExceeded, true],
  ] as const
) {
  Deno.test(`notices: ${type} is of the day that was refused for, though it was decided across midnight`, async () => {
    await using api = await startControlPlane();
    const midnight = Date.parse("2026-11-24T00:00:00Z");
    /** @param now of the counters' clock @param at of the node's */
    const refuse = async (now: number, at: number) => {
      const decision = quotaDecision("alice", isNdr, now, at);
      assertEquals(decision.reason, reason);
      await send(api, encodeChunk([decision]));
      const { items } = (await api.request("GET", "/v1/notices")).body;
      return items.map(({ type, detail }: { type: string; detail: { resetsAt: string } }) => [type, detail.resetsAt]);
    };
    const ofTheOld = [type, "2026-11-24T00:00:00Z"], ofTheNew = [type, "2026-11-25T00:00:00Z"];
    assertEquals(await refuse(midnight - 1, midnight), [ofTheOld]);
    assertEquals(await refuse(midnight + 1, midnight + 1), [ofTheNew, ofTheOld]);
    // The node's clock is behind: told already, of the one day and of the other.
    assertEquals(await refuse(midnight, midnight - 1), [ofTheNew, ofTheOld]);
    assertEquals(await refuse(midnight - 1, midnight - 1), [ofTheNew, ofTheOld]);
  });
}
