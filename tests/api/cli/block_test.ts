import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Api, runOn, startApi } from "./harness.ts";

const MINUTE_MS = 60 * 1000;

async function withAlice(): Promise<Api> {
  const api = await startApi();
  await runOn(api, "account create alice --generate");
  return api;
}

Deno.test("block buy: says when it becomes active, in absolute time and from the purchase on", async () => {
  await using api = await withAlice();
  const { code, out } = await runOn(api, "block buy alice 2");
  assertEquals(code, 0);
  assertMatch(out, /^Bought {2}2 blocks for alice\nBlock {3}\S+\nActive {2}2026-11-23T12:15:00Z \(in 15 minutes\)$/);
});

Deno.test("block buy: a clock of ours that is wrong does not change the fifteen minutes", async () => {
  await using api = await withAlice();
  const { out } = await runOn(api, "block buy alice", { now: api.clock.now + 3 * 60 * MINUTE_MS });
  assertStringIncludes(out, "Bought  1 block for alice");
  assertStringIncludes(out, "(in 15 minutes)");
});

Deno.test("block list: each with its state as it is now", async () => {
  await using api = await withAlice();
  assertEquals((await runOn(api, "block list alice")).out, "No blocks yet. Buy one with: mailhop block buy alice");
  await runOn(api, "block buy alice 2");
  api.clock.now += 20 * MINUTE_MS;
  const cancelled = JSON.parse((await runOn(api, "block buy alice --json")).out);
  assertEquals(cancelled.quantity, 1);
  assertEquals(
    (await runOn(api, `block cancel alice ${cancelled.id}`)).out,
    `Block ${cancelled.id} of alice is cancelled.`,
  );
  await runOn(api, "block buy alice 3");
  const lines = (await runOn(api, "block list alice")).out.split("\n");
  assertMatch(lines[0]!, /^ID +QUANTITY {2}PURCHASED +STATE$/);
  assertMatch(lines[1]!, / 2 {2}2026-11-23T12:00:00Z {2}active since 2026-11-23T12:15:00Z$/);
  assertMatch(lines[2]!, / 1 {2}2026-11-23T12:20:00Z {2}cancelled 2026-11-23T12:20:00Z$/);
  assertMatch(lines[3]!, / 3 {2}2026-11-23T12:20:00Z {2}active from 2026-11-23T12:35:00Z \(in 15 minutes\)$/);
});

Deno.test("block cancel: an id that is not the account's is refused", async () => {
  await using api = await withAlice();
  const { code, err } = await runOn(api, "block cancel alice nothing");
  assertEquals(code, 1);
  assertStringIncludes(err, "The blocks there are: mailhop block list alice");
});

Deno.test("block cancel --at: it counts until then, and the list says so", async () => {
  await using api = await withAlice();
  const { id } = JSON.parse((await runOn(api, "block buy alice --json")).out);
  api.clock.now += 20 * MINUTE_MS;
  assertEquals(
    (await runOn(api, `block cancel alice ${id} --at 2026-11-25`)).out,
    `Block ${id} of alice is cancelled from 2026-11-25T00:00:00Z on.`,
  );
  assertMatch(
    (await runOn(api, "block list alice")).out,
    /active until 2026-11-25T00:00:00Z \(in 35 hours 40 minutes\)$/,
  );
  assertStringIncludes((await runOn(api, "quota alice")).out, "0 of 150");
  api.clock.now += 36 * 60 * MINUTE_MS;
  assertMatch((await runOn(api, "block list alice")).out, /cancelled 2026-11-25T00:00:00Z$/);
});

Deno.test("block cancel --at: before it is active it never will be, soon after it will be for a while", async () => {
  await using api = await withAlice();
  const state = async (at: string) => {
    const { id } = JSON.parse((await runOn(api, "block buy alice --json")).out);
    await runOn(api, `block cancel alice ${id} --at ${at}`);
    return (await runOn(api, "block list alice")).out.split("\n").at(-1)!;
  };
  assertMatch(await state("2026-11-23T12:10:00Z"), / {2}cancelled 2026-11-23T12:10:00Z$/);
  assertMatch(
    await state("2026-11-23T12:20:00Z"),
    / {2}active from 2026-11-23T12:15:00Z until 2026-11-23T12:20:00Z \(in 20 minutes\)$/,
  );
});

Deno.test("block cancel --at: a cancellation makes no block last longer, and the refusal says when it ends", async () => {
  await using api = await withAlice();
  const { id } = JSON.parse((await runOn(api, "block buy alice --json")).out);
  const cancel = (at: string) => runOn(api, `block cancel alice ${id} ${at}`);
  assertEquals((await cancel("--at 2026-12-31")).code, 0);
  const later = await cancel("--at 2027-01-31");
  assertEquals([later.code, later.out], [1, ""]);
  assertStringIncludes(later.err, "It ends at 2026-12-31T00:00:00Z already");
  assertEquals((await cancel("--at 2026-12-31")).code, 0);
  api.clock.now = Date.parse("2027-01-01T00:00:00Z");
  assertStringIncludes((await cancel("--at 2027-01-31")).err, "It ended at 2026-12-31T00:00:00Z already");
  assertEquals((await cancel("")).out, `Block ${id} of alice is cancelled.`);
});

Deno.test("block cancel --at: an age, or a time in the past, is wrong use and cancels nothing", async () => {
  await using api = await withAlice();
  const { id } = JSON.parse((await runOn(api, "block buy alice --json")).out);
  const age = await runOn(api, `block cancel alice ${id} --at 7d`);
  assertEquals(age.code, 2);
  assertMatch(age.err, /Expected a time such as .*2026-12-31/);
  assertEquals(await runOn(api, `block cancel alice ${id} --at 2020-01-01`), {
    ...{ code: 2, out: "", statuses: [] },
    err: "2020-01-01T00:00:00Z is in the past: leave --at away to cancel the block now.",
  });
  assertMatch((await runOn(api, "block list alice")).out, /active from/);
});

Deno.test("quota: what to do stands below the figures; --days lists the last weeks", async () => {
  await using api = await withAlice();
  await runOn(api, "block buy alice");
  api.clock.now += 15 * MINUTE_MS;
  assertEquals((await runOn(api, "quota alice --days")).out, "No relays were used in the last weeks.");
  const reserve = (id: string, relays: number, ndr: boolean) =>
    api.node.v1.node.reservations.$post({
      json: { node: "n1", boot: "b1", items: [{ id, username: "alice", relays, ndr }] },
    });
  await reserve("r1", 3, true);
  await reserve("r2", 147, false);
  const { out } = await runOn(api, "quota alice", { columns: 200 });
  assertStringIncludes(out, "Reports    3 of them for non-delivery reports\n\n150 of the day's 150 relays are used.");
  assertStringIncludes(out, "\nSee /help/quota\n\n3 of the day's 150 relays were used by non-delivery reports.");
  assertMatch(out, /\nSee \/help\/recipient-filtering$/);
  assertEquals(
    (await runOn(api, "quota alice --days")).out.split("\n").map((line) => line.split(/ +/)),
    [["DAY", "RELAYS", "REPORTS", "RECIPIENTS", "REFUSED"], ["2026-11-23", "150", "3", "0", "0"]],
  );
});

Deno.test("notice list: what happened and what to do, for an account and for all", async () => {
  await using api = await withAlice();
  await runOn(api, "block buy alice");
  api.clock.now += 15 * MINUTE_MS;
  await api.node.v1.node.reservations.$post({
    json: { node: "n1", boot: "b1", items: [{ id: "r1", username: "alice", relays: 120, ndr: false }] },
  });
  for (const line of ["notice list", "notice list --account alice"]) {
    const { out } = await runOn(api, line, { columns: 60 });
    const [head, ...lines] = out.split("\n");
    assertEquals(head, "2026-11-23T12:15:00Z  quota-80  alice");
    assertEquals(lines[0], "  Four fifths of today's relays are used.");
    assertEquals(lines.at(-1), "  See /help/quota");
    assertEquals(lines.filter((each) => each.length > 60), []);
  }
  await runOn(api, "account create bob --generate");
  assertEquals((await runOn(api, "notice list --account bob")).out, "No notices.");
  assertEquals((await runOn(api, "notice list --account bo")).code, 1);
});

Deno.test("quota: bar, figures, reset and what is pending", async () => {
  await using api = await withAlice();
  await runOn(api, "block buy alice 2");
  api.clock.now += 16 * MINUTE_MS;
  await runOn(api, "block buy alice");
  await api.node.v1.node.reservations.$post({
    json: { node: "n1", boot: "b1", items: [{ id: "r1", username: "alice", relays: 17, ndr: false }] },
  });
  assertEquals(
    (await runOn(api, "quota alice")).out,
    [
      "Account    alice",
      "Day        2026-11-23 (UTC)",
      "Used       [█░░░░░░░░░░░░░░░░░░░] 17 of 300 (5 %)",
      "Remaining  283 relays",
      "Resets     2026-11-24T00:00:00Z (in 11 hours 44 minutes)",
      "Pending    1 block, active 2026-11-23T12:31:00Z (in 15 minutes)",
    ].join("\n"),
  );
  assertEquals(JSON.parse((await runOn(api, "quota alice --json")).out).used, 17);
});

Deno.test("quota: without an active block says so; colours tell how much is left", async () => {
  await using api = await withAlice();
  assertStringIncludes((await runOn(api, "quota alice")).out, "0 of 0 (no active block)");
  assertStringIncludes((await runOn(api, "quota alice", { colours: true })).out, "\x1b[31m[░");
  await runOn(api, "block buy alice");
  api.clock.now += 15 * MINUTE_MS;
  assertStringIncludes((await runOn(api, "quota alice", { colours: true })).out, "\x1b[32m[░");
  await api.node.v1.node.reservations.$post({
    json: { node: "n1", boot: "b1", items: [{ id: "r1", username: "alice", relays: 120, ndr: false }] },
  });
  assertStringIncludes((await runOn(api, "quota alice", { colours: true })).out, "\x1b[33m[████████████████░");
});

Deno.test("block buy --idempotency-key: the same again buys nothing more, another quantity is refused", async () => {
  await using api = await startApi();
  await runOn(api, "account create alice --generate");
  const first = await runOn(api, "block buy alice 2 --idempotency-key order-1 --json");
  assertEquals(await runOn(api, "block buy alice 2 --idempotency-key order-1 --json"), first);
  const other = await runOn(api, "block buy alice 3 --idempotency-key order-1");
  assertEquals(other.code, 1);
  assertStringIncludes(other.err, "With this key 2 blocks were bought before");
});
