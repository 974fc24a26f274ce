/** Several control planes on one database: what each does, all the others see, and nothing is counted twice. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { sql } from "kysely";
import { openDatabase } from "../../api/store/database.ts";
import { exclusively } from "../../api/store/dialect.ts";
import { insertNotices } from "../../api/store/notices.ts";
import type { NoticeRow } from "../../api/store/schema.ts";
import { DatabaseUnusable } from "../../api/store/trouble.ts";
import { chunkToJson, encodeChunk, OWN_HASH } from "../../policy/mod.ts";
import { brakedDecision } from "../support/decisions.ts";
import { type TestPostgres, testsOnPostgres } from "../support/postgres.ts";
import { RELAY, startControlPlane, type TestControlPlane } from "./control_plane.ts";

const test = await testsOnPostgres();
const DAY = "2026-11-23";

interface Planes extends AsyncDisposable {
  readonly one: TestControlPlane;
  readonly other: TestControlPlane;
}

/** Each account has a block, 150 relays. */
async function startTwo(postgres: TestPostgres, ...accounts: string[]): Promise<Planes> {
  await using stack = new AsyncDisposableStack();
  const { location: database } = stack.use(await postgres.newDatabase());
  const one = stack.use(await startControlPlane({ database }));
  for (const account of accounts) await one.account(account);
  for (const account of accounts) await one.request("POST", `/v1/accounts/${account}/blocks`, { quantity: 1 });
  one.clock.now += 15 * 60_000;
  const other = stack.use(await startControlPlane({ database, now: one.clock.now }));
  const cleanUp = stack.move();
  return { one, other, [Symbol.asyncDispose]: () => cleanUp.disposeAsync() };
}

const item = (id: string, relays = 1, username = "alice") => ({ id, username, relays, ndr: false });

/** As a node does: what is answered with 503 is asked again, by the same ids. */
async function call(plane: TestControlPlane, name: string, items: readonly unknown[]) {
  for (;;) {
    const { status, body } = await plane.nodeCall(name, { items });
    if (status === 200) return body.items;
    assertEquals([status, body.type], [503, "/problems/database-unavailable"]);
  }
}

/** 0, 1, 2 … in another order, always the same. */
function shuffled(length: number, seed: number): number[] {
  const order = Array.from({ length }, (_, n) => n);
  for (let n = length - 1, state = seed; n > 0; n--) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    const at = state % (n + 1);
    [order[n], order[at]] = [order[at]!, order[n]!];
  }
  return order;
}

test("two planes: 1,000 reservations at once never overshoot, and reach the limit", async (postgres) => {
  await using planes = await startTwo(postgres, "alice");
  const { one, other } = planes;
  const answers = await Promise.all(
    Array.from({ length: 1000 }, (_, n) => call(n % 2 === 0 ? one : other, "reservations", [item(`r${n}`, 1 + n % 3)])),
  );
  const granted = answers.flat().filter((answer) => answer.granted);
  assertEquals(granted.reduce((sum, answer) => sum + answer.relays, 0), 150);
  assertEquals([await one.used("alice"), await other.used("alice")], [150, 150]);
});

test("two planes: batches of many accounts in any order neither wait for each other for ever nor overshoot", async (postgres) => {
  const accounts = Array.from({ length: 40 }, (_, n) => `account${n}`);
  await using planes = await startTwo(postgres, ...accounts);
  const { one, other } = planes;
  const granted = new Map<string, number>();
  await Promise.all(Array.from({ length: 24 }, async (_, batch) => {
    const plane = batch % 2 === 0 ? one : other;
    const items = shuffled(accounts.length, batch).map((n) => item(`${batch}-${n}`, 10, accounts[n]!));
    const answers: { id: string; granted: boolean }[] = await call(plane, "reservations", items);
    const had = items.filter((_, n) => answers[n]!.granted);
    for (const { username } of had) granted.set(username, 10 + (granted.get(username) ?? 0));
    // Half of them are given back, through the other plane.
    const back = had.filter((_, n) => n % 2 === 0);
    await call(plane === one ? other : one, "refunds", back.map((charge) => ({ ...charge, day: DAY })).reverse());
    for (const { username } of back) granted.set(username, granted.get(username)! - 10);
  }));
  for (const account of accounts) {
    const used = await one.used(account);
    assertEquals(used, granted.get(account) ?? 0, account);
    assert(used <= 150, account);
  }
});

test("two planes: an id that is asked for at both at once counts once, with one answer", async (postgres) => {
  await using planes = await startTwo(postgres, "alice");
  const { one, other } = planes;
  for (let round = 0; round < 10; round++) {
    const asked = [item(`r${round}`, 10)];
    const [first, second] = await Promise.all([call(one, "reservations", asked), call(other, "reservations", asked)]);
    assertEquals(first, second);
  }
  assertEquals(await one.used("alice"), 100);
});

test("two planes: settled here and refunded there, a message that was accepted stays charged", async (postgres) => {
  await using planes = await startTwo(postgres, "alice");
  const { one, other } = planes;
  const charges = Array.from({ length: 20 }, (_, n) => ({ ...item(`r${n}`), day: DAY }));
  // Half of them are not known to the counters.
  await call(one, "reservations", charges.slice(10));
  await Promise.all(
    charges.flatMap((charge) => [call(one, "refunds", [charge]), call(other, "settlements", [charge])]),
  );
  assertEquals(await one.used("alice"), 20);
});

test("two planes: what a node left open is refunded once, though it says so at both", async (postgres) => {
  await using planes = await startTwo(postgres, "alice", "bob");
  const { one, other } = planes;
  await call(one, "reservations", [item("r1", 10), item("r2", 10), item("r3", 20, "bob")]);
  const recover = async (plane: TestControlPlane) => (await plane.nodeCall("recover", { boot: "b2" })).body.refunded;
  const [first, second] = await Promise.all([recover(one), recover(other)]);
  assertEquals(first + second, 3);
  assertEquals([await one.used("alice"), await one.used("bob")], [0, 0]);
});

test("two planes: events that arrive at both at once add up, and each counts once", async (postgres) => {
  await using planes = await startTwo(postgres, "alice");
  const { one, other } = planes;
  const batch = (n: number) => {
    const base = { messageId: `m${n}`, account: "alice", at: one.clock.now, recipients: [`r${n}@example.net`] };
    return [
      {
        ...{ ...base, id: `a${n}`, type: "accepted", sender: "a@example.com", sizeBytes: 1, relays: 1 },
        ...{ messageIdField: null, origin: null, policy: null },
      },
      {
        ...{ ...base, id: `b${n}`, type: "bounced", host: null, address: null, tls: null, reply: "550 5.1.1 no" },
        ...{ attempt: 1, nextAttemptAt: null, badAddress: true },
      },
    ];
  };
  const batches = Array.from({ length: 20 }, (_, n) => batch(n));
  await Promise.all(batches.flatMap((items) => [call(one, "events", items), call(other, "events", items)]));
  const { body } = await other.request("GET", "/v1/node/accounts/alice", undefined, RELAY);
  assertEquals(body.account.today, { recipients: 20, outcomes: 20, refused: 20 });
  const history = (await one.request("GET", "/v1/messages/m1")).body;
  assertEquals([history.status, history.events.length], ["bounced", 2]);
});

test("two planes: of two accounts that prove a domain at once, one has it", async (postgres) => {
  await using planes = await startTwo(postgres, "alice", "bob");
  const { one, other } = planes;
  for (let round = 0; round < 5; round++) {
    const domain = `d${round}.example`;
    const claims = [["alice", one], ["bob", other]] as const;
    for (const [account, plane] of claims) {
      const { body } = await plane.request("POST", `/v1/accounts/${account}/domains`, { domain });
      plane.txt.set(body.record.name, { kind: "found", records: [body.record.value] });
    }
    const answers = await Promise.all(
      claims.map(([account, plane]) => plane.request("POST", `/v1/accounts/${account}/domains/${domain}/verify`)),
    );
    assertEquals(answers.map(({ status }) => status).sort(), [200, 409]);
  }
});

test("two planes: changes of the policy that race come one after the other, and a node's question brings them over", async (postgres) => {
  await using planes = await startTwo(postgres, "alice");
  const { one, other } = planes;
  const parameters = "/v1/policy/parameters";
  await Promise.all(
    Array.from(
      { length: 8 },
      (_, n) => (n % 2 === 0 ? one : other).request("PATCH", parameters, { maxRecipients: 9 + n }),
    ),
  );
  await one.request("PATCH", parameters, { relaysPerBlock: 10 });
  const { body } = await one.request("GET", "/v1/policy/history");
  assertEquals(body.items.map((change: { version: number }) => change.version), [9, 8, 7, 6, 5, 4, 3, 2, 1]);

  const report = { node: "n1", version: 0, module: OWN_HASH, shadow: null, dropped: 0, faults: [], compared: null };
  const asked = await other.request("POST", "/v1/node/policy", report, RELAY);
  assertEquals([asked.status, asked.body.version], [200, 9]);
  assertEquals((await call(other, "reservations", [item("r1", 11)]))[0].limit, 10);
});

test("two planes: what shadows would have decided is counted at both, in whatever order it is told", async (postgres) => {
  await using planes = await startTwo(postgres);
  const { one, other } = planes;
  const module = OWN_HASH;
  const differences = Array.from({ length: 250 }, (_, n) => ({ stage: "mail", was: n, would: n + 1, count: 1 }));
  const base = { version: 0, module, shadow: module, dropped: 0, faults: [] };
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => {
    const compared = {
      module,
      compared: 1,
      left: 1,
      differences: n % 2 === 0 ? differences : differences.toReversed(),
    };
    return (n % 2 === 0 ? one : other).request("POST", "/v1/node/policy", { ...base, node: `n${n}`, compared }, RELAY);
  }));
  assertEquals(new Set(answers.map(({ status }) => status)), new Set([200]));
});

test("two planes: of several that start at the same time on an empty database, one makes the schema", async (postgres) => {
  await using database = await postgres.newDatabase("empty");
  await using stack = new AsyncDisposableStack();
  const planes = await Promise.all(
    Array.from({ length: 4 }, () => startControlPlane({ database: database.location })),
  );
  for (const plane of planes) stack.use(plane);
  assertEquals((await planes[0]!.account("alice")).status, 201);
  assertEquals((await planes[3]!.request("GET", "/v1/accounts/alice")).status, 200);
});

test("transactions: one that the server ends in favour of another runs again", async (postgres) => {
  await using place = await postgres.newDatabase();
  await using database = await openDatabase(place.location);
  const { db } = database;
  const rows = ["alice", "bob"].map((username) => ({ username, day: DAY, used: 0, ndr: 0, leased: 0, wanted_at: 0 }));
  await db.insertInto("usage").values(rows).execute();
  // Each has one row when it goes for the other's.
  const both = Promise.withResolvers<void>();
  let waiting = 2, runs = 0;
  const addToBoth = (names: readonly string[]) =>
    exclusively(db, [], async (transaction) => {
      runs++;
      for (const username of names) {
        await transaction.updateTable("usage").where("username", "=", username)
          .set((row) => ({ used: row("used", "+", 1) })).execute();
        if (--waiting === 0) both.resolve();
        await both.promise;
      }
    });
  await Promise.all([addToBoth(["alice", "bob"]), addToBoth(["bob", "alice"])]);
  const used = await db.selectFrom("usage").select("used").execute();
  assert(runs > 2, "neither had to give way");
  assertEquals(used.map((row) => row.used), [2, 2]);
});

test("connections: the server ends a statement that takes too long, and a transaction that nobody goes on with", async (postgres) => {
  await using place = await postgres.newDatabase();
  await using database = await openDatabase(place.location);
  const { rows } = await sql<{ statement: string; idle: string }>`
    select current_setting('statement_timeout') as statement,
      current_setting('idle_in_transaction_session_timeout') as idle
  `.execute(database.db);
  assertEquals(rows, [{ statement: "5s", idle: "10s" }]);
});

test("migrations: a database that a newer version has been at is refused, and left as it is", async (postgres) => {
  await using database = await postgres.newDatabase();
  const { location } = database;
  await postgres.query(location.database, "insert into kysely_migration values ('9000_the_future', '2030-01-01')");
  await assertRejects(
    () => openDatabase(location),
    DatabaseUnusable,
    "a newer version of this program has been here (9000_the_future): run that one, or a later one",
  );
});

test("two planes: each notice is said once, and its mail taken by one node", async (postgres) => {
  await using planes = await startTwo(postgres, "alice", "bob");
  const both = [planes.one, planes.other];
  await planes.one.request("PATCH", "/v1/accounts/alice", { email: "alice@example.net" });
  const braked = chunkToJson(encodeChunk([brakedDecision("alice", planes.one.clock.now)]));
  await Promise.all(Array.from({ length: 20 }, async (_, n) => {
    const plane = both[n % 2]!;
    await call(plane, "reservations", [item(`n${n}`, 10)]);
    await plane.nodeCall("decisions", { chunks: [{ id: `c${n}`, ...braked }] });
    await plane.sayBlocks(new AbortController().signal);
  }));
  const { items } = (await planes.one.request("GET", "/v1/accounts/alice/notices")).body;
  const said: string[] = items.map(({ type }: { type: string }) => type);
  assertEquals(said.toSorted(), ["block-activated", "brake", "quota-100", "quota-80"]);
  const taken = await Promise.all(Array.from({ length: 20 }, async (_, n) => {
    const { body } = await both[n % 2]!.nodeCall("notices", { stored: [], wanted: 1 });
    return body.items.map(({ id }: { id: string }) => id);
  }));
  const ids: string[] = items.map(({ id }: { id: string }) => id);
  assertEquals(taken.flat().toSorted(), ids.toSorted());
});

test("two planes: many notices that are said at both in opposite orders do not wait for each other for ever", async (postgres) => {
  await using place = await postgres.newDatabase();
  await using one = await openDatabase(place.location);
  await using other = await openDatabase(place.location);
  // So many that the two statements run beside each other for a while.
  for (let round = 0; round < 5; round++) {
    const rows = Array.from({ length: 1000 }, (_, n): NoticeRow => {
      const once = `quota-80 account${n} ${round}`;
      return { id: once, at: 0, account: null, type: "quota-80", detail: "{}", once, mail_due_at: null };
    });
    const said = await Promise.all([insertNotices(one.db, rows), insertNotices(other.db, rows.toReversed())]);
    assertEquals(said.reduce((sum, { size }) => sum + size, 0), rows.length);
  }
});
