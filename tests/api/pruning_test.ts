/** What is kept for a stated time goes in small steps, and what is told late of it changes nothing. */
import { assertEquals } from "@std/assert";
import { recordEvents } from "../../api/history.ts";
import { prune, type Pruning } from "../../api/pruning.ts";
import { chunks } from "../../api/store/chunks.ts";
import { type ControlDatabase, openDatabase } from "../../api/store/database.ts";
import type { Database } from "../../api/store/schema.ts";
import { newDatabase } from "./database.ts";
import { accepted, attempt, N1 } from "./history_events.ts";
import { NOON, RELAY, startControlPlane, type TestControlPlane } from "./control_plane.ts";

const DAY_MS = 86_400_000;
const BOB = ["bob@example.net"];
const NEVER = new AbortController().signal;

const rows = async ({ db }: ControlDatabase, table: keyof Database): Promise<number> =>
  (await db.selectFrom(table).select((all) => all.fn.countAll<number>().as("n")).executeTakeFirstOrThrow()).n;

const pruning = ({ db }: ControlDatabase, more: Partial<Pruning> = {}): Pruning => ({
  ...{ db, keepDecisionsMs: DAY_MS, keepHistoryMs: 30 * DAY_MS, expiryMs: 5 * DAY_MS, pause: () => Promise.resolve() },
  ...more,
});

/** A message that was delivered. */
const delivered = (id: string, at: number) => [accepted(id, BOB, { at }), attempt(id, "delivered", BOB)];

Deno.test("pruning: messages that are too old and have ended are deleted with all that is stored of them", async () => {
  await using place = await newDatabase();
  await using database = await openDatabase(place.location);
  const old = NOON - 30 * DAY_MS - 1;
  await recordEvents(database.db, N1, [
    ...delivered("old", old),
    ...delivered("young", old + 1),
    accepted("deferred", BOB, { at: old }),
    attempt("deferred", "deferred", BOB),
    accepted("queued", BOB, { at: old }),
  ]);
  await prune(pruning(database), NOON, NEVER);
  const left = await database.db.selectFrom("message").select("id").orderBy("id").execute();
  assertEquals(left.map(({ id }) => id), ["deferred", "queued", "young"]);
  assertEquals([await rows(database, "recipient"), await rows(database, "event")], [3, 5]);
  await recordEvents(database.db, N1, [attempt("deferred", "delivered", BOB, 2)]);
  await prune(pruning(database), NOON, NEVER);
  assertEquals(await rows(database, "message"), 2);
});

/** Older than the history. */
const OLD = NOON - 31 * DAY_MS;
/** Older than history, delivery and a node's absence together. */
const LOST = NOON - 42 * DAY_MS - 1;

Deno.test("pruning: of an open message nothing is told for the time of history, expiry and a week: it goes, unless it is held", async () => {
  await using place = await newDatabase();
  await using database = await openDatabase(place.location);
  const deferredAt = (id: string, at: number) => [
    accepted(id, BOB, { at: LOST }),
    { ...attempt(id, "deferred", BOB), at },
  ];
  await recordEvents(database.db, N1, [
    accepted("lost", BOB, { at: LOST }),
    ...deferredAt("lost later", LOST),
    accepted("young", BOB, { at: LOST + 1 }),
    ...deferredAt("told of", LOST + 1),
    accepted("held", BOB, { at: LOST }),
    { id: "held-1", messageId: "held", account: "alice", at: LOST, type: "held", recipients: BOB, reason: null },
  ]);
  await prune(pruning(database), NOON, NEVER);
  const left = await database.db.selectFrom("message").select("id").orderBy("id").execute();
  assertEquals(left.map(({ id }) => id), ["held", "told of", "young"]);
  assertEquals([await rows(database, "recipient"), await rows(database, "event")], [3, 5]);
  // Told late, from a node that was thought lost: it leaves nothing behind.
  await recordEvents(database.db, N1, [attempt("lost", "delivered", BOB)]);
  assertEquals(await rows(database, "event"), 5);
});

Deno.test("pruning: of an account's bad addresses the newest 10,000 stay; others have theirs", async () => {
  await using place = await newDatabase();
  await using database = await openDatabase(place.location);
  const { db } = database;
  const of = (username: string, count: number) =>
    Array.from({ length: count }, (_, n) => {
      const address = `${username}${n}@example.net`;
      return { username, address_key: address, address, reply: "550", message_id: "m1", failed_at: NOON + n % 7919 };
    });
  // In one step, in several, and not at all.
  const counts = { alice: 10_001, bob: 11_100, carol: 10_000, dave: 1 };
  for (const [username, count] of Object.entries(counts)) {
    for (const chunk of chunks(of(username, count))) await db.insertInto("suppression").values(chunk).execute();
  }
  await prune(pruning(database), NOON, NEVER);
  for (const [username, count] of Object.entries(counts)) {
    const times = (await db.selectFrom("suppression").select("failed_at").where("username", "=", username).execute())
      .map(({ failed_at }) => failed_at);
    const newest = of(username, count).map(({ failed_at }) => failed_at).sort((a, b) => b - a).slice(0, 10_000);
    assertEquals(times.sort((a, b) => b - a), newest, username);
  }
});

Deno.test("pruning: goes on behind what has not ended, in steps; between them events are taken in", async () => {
  await using place = await newDatabase();
  await using database = await openDatabase(place.location);
  const many = (prefix: string) => Array.from({ length: 120 }, (_, n) => `${prefix}${n}`);
  await recordEvents(database.db, N1, many("open").map((id) => accepted(id, BOB, { at: OLD })));
  for (const id of many("old")) await recordEvents(database.db, N1, delivered(id, OLD + 1));
  const seen: number[] = [];
  const pause = async () => {
    seen.push(await rows(database, "message"));
    await recordEvents(database.db, N1, [accepted(`new${seen.length}`, BOB)]);
  };
  await prune(pruning(database, { pause }), NOON, NEVER);
  assertEquals(seen, [190, 141]);
  assertEquals(await rows(database, "message"), 122);
});

Deno.test("pruning: ends after the step at hand when the process closes", async () => {
  await using place = await newDatabase();
  await using database = await openDatabase(place.location);
  const ids = Array.from({ length: 120 }, (_, n) => `m${n}`);
  await recordEvents(database.db, N1, ids.flatMap((id) => delivered(id, 1)));
  const closing = new AbortController();
  const pause = () => {
    closing.abort();
    return Promise.resolve();
  };
  await prune(pruning(database, { pause }), NOON, closing.signal);
  assertEquals(await rows(database, "message"), 70);
});

Deno.test("pruning: events that are told again after their message has gone come to the same end, and go again", async () => {
  await using place = await newDatabase();
  await using database = await openDatabase(place.location);
  const events = delivered("m1", 1);
  await recordEvents(database.db, N1, events);
  await prune(pruning(database), NOON, NEVER);
  await recordEvents(database.db, N1, events);
  await prune(pruning(database), NOON, NEVER);
  assertEquals([await rows(database, "message"), await rows(database, "event")], [0, 0]);
});

Deno.test("pruning: notices go with the history, decisions after their own time", async () => {
  await using place = await newDatabase();
  await using database = await openDatabase(place.location);
  const { db } = database;
  for (const age of [31, 29]) {
    const id = `notice${age}`, at = NOON - age * DAY_MS;
    await db.insertInto("notice").values({ id, at, account: null, type: "brake", detail: "{}", once: id }).execute();
  }
  for (const age of [2, 0]) {
    const at = NOON - age * DAY_MS, octets = new Uint8Array();
    await db.insertInto("decision_chunk")
      .values({ id: `${age}`, node: "n1", from_at: at, until_at: at, count: 1, head: "{}", octets }).execute();
  }
  await prune(pruning(database), NOON, NEVER);
  assertEquals((await db.selectFrom("notice").select("id").execute()).map(({ id }) => id), ["notice29"]);
  assertEquals((await db.selectFrom("decision_chunk").select("id").execute()).map(({ id }) => id), ["0"]);
});

const KEPT_DAYS = 35;
const item = (id: string) => ({ id, username: "alice", relays: 10, ndr: false });

const withBlocks = async (): Promise<TestControlPlane> => {
  const api = await startControlPlane();
  await api.account("alice");
  await api.blocks("alice", 1);
  return api;
};

Deno.test("pruning: what is told of a day after its counters have gone charges nobody, and takes nothing back", async () => {
  await using api = await withBlocks();
  await api.nodeCall("reservations", { items: [item("settled"), item("left open")] });
  const day = "2026-11-23";
  await api.nodeCall("settlements", { items: [{ ...item("settled"), day }] });
  api.clock.now += (KEPT_DAYS + 1) * DAY_MS;
  await api.prune(NEVER);
  await api.nodeCall("reservations", { items: [item("today")] });
  for (const id of ["settled", "left open", "unknown"]) {
    assertEquals((await api.nodeCall("settlements", { items: [{ ...item(id), day }] })).status, 200);
    assertEquals((await api.nodeCall("refunds", { items: [{ ...item(id), day }] })).status, 200);
  }
  assertEquals((await api.nodeCall("recover", { boot: "b2" })).status, 200);
  assertEquals(await api.used("alice"), 0);
  api.clock.now -= (KEPT_DAYS + 1) * DAY_MS;
  assertEquals(await api.used("alice"), 0);
});

Deno.test("pruning: within that time a day's counters are as they were", async () => {
  await using api = await withBlocks();
  await api.nodeCall("reservations", { items: [item("settled"), item("refunded"), item("left open")] });
  const day = "2026-11-23";
  api.clock.now += (KEPT_DAYS - 1) * DAY_MS;
  await api.prune(NEVER);
  await api.nodeCall("settlements", { items: ["settled", "unknown"].map((id) => ({ ...item(id), day })) });
  await api.nodeCall("refunds", { items: [{ ...item("refunded"), day }] });
  api.clock.now -= (KEPT_DAYS - 1) * DAY_MS;
  assertEquals(await api.used("alice"), 30);
});

Deno.test("pruning: by a clock that is set forward by a day and back, it takes no day that a habit or a node still needs", async () => {
  await using api = await withBlocks();
  const now = api.clock.now, oldest = NOON - 28 * DAY_MS, day = "2026-10-26";
  const facts = async () => (await api.request("GET", "/v1/node/accounts/alice", undefined, RELAY)).body.account;
  const tell = () => api.nodeCall("settlements", { items: [{ ...item("m1"), day }] });
  // The oldest day of the habit: tomorrow it is in none.
  await api.nodeCall("events", { items: delivered("m1", oldest) });
  await tell();
  const before = await facts();
  assertEquals([before.habit.days, before.habit.relays, before.habit.recipients], [1, 10, 1]);
  api.clock.now = now + DAY_MS;
  await api.prune(NEVER);
  assertEquals((await facts()).habit.days, 0);
  api.clock.now = now;
  assertEquals(await facts(), before);
  assertEquals((await api.request("GET", "/v1/messages/m1")).status, 200);
  await tell();
  assertEquals((await facts()).habit, before.habit);
});
