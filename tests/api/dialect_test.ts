/** What the store may take for granted of either engine. */
import { assertEquals } from "@std/assert";
import { sql } from "kysely";
import { openDatabase } from "../../api/store/database.ts";
import { newDatabase } from "./database.ts";

Deno.test("engine: nothing is in an empty list, and everything is not in it", async () => {
  await using place = await newDatabase();
  await using database = await openDatabase(place.location);
  const { db } = database;
  await db.insertInto("usage").values({
    username: "alice",
    day: "2026-11-23",
    used: 1,
    ndr: 0,
    leased: 0,
    wanted_at: 0,
  }).execute();
  const found = async (operator: "in" | "not in") =>
    (await db.selectFrom("usage").select("used").where("used", operator, []).execute()).length;
  assertEquals([await found("in"), await found("not in")], [0, 1]);
});

Deno.test("engine: counts, sums and times are numbers, however large", async () => {
  await using place = await newDatabase();
  await using database = await openDatabase(place.location);
  const { db } = database;
  const used = Number.MAX_SAFE_INTEGER - 1;
  const common = { username: "alice", ndr: 0, leased: 0, wanted_at: 0 };
  const rows = [{ ...common, day: "1", used }, { ...common, day: "2", used: 1 }];
  await db.insertInto("usage").values(rows).execute();
  const sums = await db.selectFrom("usage").select((row) => [
    row.fn.sum<number>("used").as("sum"),
    row.fn.max("used").as("most"),
    row.fn.countAll<number>().as("count"),
  ]).executeTakeFirstOrThrow();
  assertEquals(sums, { sum: Number.MAX_SAFE_INTEGER, most: used, count: 2 });
});

Deno.test("engine: octets come back as they were", async () => {
  await using place = await newDatabase();
  await using database = await openDatabase(place.location);
  const { db } = database;
  const octets = Uint8Array.from({ length: 256 }, (_, n) => n);
  await db.insertInto("policy_module").values({ hash: "h", octets, loaded_at: 1, failed_at: null }).execute();
  const { rows } = await sql<{ octets: Uint8Array }>`select octets from policy_module`.execute(db);
  assertEquals(rows.map((row) => [...row.octets]), [[...octets]]);
});
