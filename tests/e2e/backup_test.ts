/**
 * Backup and restore as an operator does them: of the real service under the load of real SMTP sessions, whose disk is
 * lost afterwards. The client keeps the ledger, the next hop keeps the proof.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { delay } from "@std/async/delay.js";
import { join } from "@std/path";
import { DatabaseSync } from "node:sqlite";
import { runTask } from "../support/backup_task.ts";
import { Dialogue, plainResponse } from "../support/dialogue.ts";
import { startDnsServer } from "../support/dns_server.ts";
import { needing } from "../support/installed.ts";
import { Load } from "../support/load.ts";
import { NextHopServer } from "../support/next_hop_server.ts";
import { APP_ROLE, needingPostgres, startPostgres } from "../support/postgres.ts";
import { runProgram } from "../support/program.ts";
import { eventually, openAccount, type RelayProcess, startRelay } from "../support/relay_process.ts";
import { needingMounts, SmallDisk } from "../support/small_disk.ts";
import { StartProcess } from "../support/start_process.ts";

const CONNECTIONS = 8;
const BEFORE = 800, AFTER = 400;
/** How long the next hop takes for a message: so long that there is a queue, so short that it moves. */
const PACE_MS = 20;
/** Until all has arrived that the restored service has. */
const ARRIVAL_DEADLINE_MS = 60_000;

/** Directories for a data directory, what it is restored to, and backups. */
async function room() {
  const path = await Deno.makeTempDir({ prefix: "mailhop-backup-" });
  return {
    data: join(path, "data"),
    restored: join(path, "restored"),
    backup: join(path, "backup"),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** A next hop that takes its time and puts off every fourth message, and settings that lead all mail to it. */
async function world(stack: AsyncDisposableStack) {
  const dns = stack.use(startDnsServer({ "example.com": { A: ["192.0.2.1"] } }));
  const nextHop = stack.use(await NextHopServer.start());
  nextHop.script = async (input) => {
    if (input === "content") await delay(PACE_MS);
    return /^RCPT TO:<m\d*[048]@/.test(input) ? "450 4.2.1 Later" : undefined;
  };
  const settings = {
    MAILHOP_WORKERS: "2",
    MAILHOP_DNS: dns.setting,
    MAILHOP_ROUTES: `*=127.0.0.1:${nextHop.port}`,
    MAILHOP_ALLOW_PLAINTEXT_AUTH: "true",
  };
  const arrived = (from = 0) => {
    return new Set(nextHop.received.slice(from).flatMap(({ recipients }) => recipients.map((to) => to.split("@")[0]!)));
  };
  return { nextHop, settings, arrived };
}

/** An account that may send from this machine without a password, too. */
async function openLoadAccount(relay: RelayProcess): Promise<string> {
  const password = await openAccount(relay, "anna", 40);
  const { status } = await relay.api("POST", "/accounts/anna/networks", { cidr: "127.0.0.1/32" });
  assertEquals(status, 201);
  return password;
}

async function usedRelays(relay: RelayProcess): Promise<number> {
  return (await relay.api<{ used: number }>("GET", "/accounts/anna/quota")).body.used;
}

async function assertLogsIn(relay: RelayProcess, password: string): Promise<void> {
  using client = await Dialogue.connect(relay.smtpPort);
  await client.reply();
  await client.play("C: EHLO client.test");
  await client.reply();
  await client.play(`C: AUTH PLAIN ${plainResponse("anna", password)}\nS: 235 2.7.0 Authenticated`);
}

/** What was put off is tried at once. */
async function retryAll(relay: RelayProcess): Promise<void> {
  const { status } = await relay.api("POST", "/queue/jobs", { work: "retry", all: true });
  assertEquals(status, 201);
}

Deno.test("restore: mail that was acknowledged before a backup under load, and not delivered when it ended, arrives", async () => {
  await using stack = new AsyncDisposableStack();
  const { data, restored, backup } = stack.use(await room());
  const { nextHop, settings, arrived } = await world(stack);
  const relay = stack.use(await startRelay({ ...settings, MAILHOP_DATA_DIR: data }));
  const password = await openLoadAccount(relay);
  const load = new Load(Infinity);
  const loading = load.run(relay.smtpPort, CONNECTIONS);
  stack.defer(() => (load.enough(), loading));

  await load.reaches(BEFORE);
  const acknowledged = new Set(load.acknowledged);
  const taken = await runTask("backup", [backup], { dataDir: data });
  const arrivedBefore = arrived(), triedBefore = load.tried.size;
  assertEquals(taken.code, 0, taken.errors);
  assert(load.acknowledged.size > acknowledged.size, "mail came in while the backup was made");
  await load.reaches(load.acknowledged.size + AFTER);
  await relay.stop("SIGKILL");
  await loading;
  await Deno.remove(data, { recursive: true });

  const done = await runTask("restore", [backup], { dataDir: restored });
  assertEquals(done.code, 0, done.errors);
  assertStringIncludes(done.output, "accounts: 1");
  nextHop.script = () => undefined;
  const mark = nextHop.received.length;
  const again = stack.use(await startRelay({ ...settings, MAILHOP_DATA_DIR: restored }));
  await assertLogsIn(again, password);
  const used = await usedRelays(again);
  assert(acknowledged.size <= used && used <= triedBefore, `used: ${acknowledged.size} ≤ ${used} ≤ ${triedBefore}`);
  await retryAll(again);
  const wanted = acknowledged.difference(arrivedBefore);
  assert(wanted.size > BEFORE / 5, `a good part was not delivered yet: ${wanted.size}`);
  await eventually(
    () => wanted.isSubsetOf(arrived(mark)) || undefined,
    `all of ${wanted.size} messages to arrive`,
    ARRIVAL_DEADLINE_MS,
  );
  const [id] = [...wanted];
  const found = await again.api<{ items: { status: string }[] }>("GET", `/messages?recipient=${id}@example.net`);
  const statusOf = async () => {
    const { body } = await again.api<{ items: { status: string }[] }>("GET", `/messages?recipient=${id}@example.net`);
    return body.items.length === 1 && body.items[0]!.status === "delivered" || undefined;
  };
  assertEquals(found.status, 200);
  await eventually(statusOf, "the history to say so");
  assertEquals(await again.stop(), 0);
});

Deno.test("restore --without-spool: accounts and history are there, nothing is delivered again", async () => {
  await using stack = new AsyncDisposableStack();
  const { data, restored, backup } = stack.use(await room());
  const { nextHop, settings } = await world(stack);
  nextHop.script = (input) => input.startsWith("RCPT") ? "450 4.2.1 Later" : undefined;
  const relay = stack.use(await startRelay({ ...settings, MAILHOP_DATA_DIR: data }));
  const password = await openLoadAccount(relay);
  await new Load(20).run(relay.smtpPort, 1);
  await eventually(async () => await usedRelays(relay) === 20 || undefined, "all to be charged");
  assertEquals(await relay.stop(), 0);

  assertEquals((await runTask("backup", [backup], { dataDir: data })).code, 0);
  const done = await runTask("restore", ["--without-spool", backup], { dataDir: restored });
  assertEquals([done.code, [...Deno.readDirSync(restored)].some(({ name }) => name === "spool")], [0, false]);
  nextHop.script = () => undefined;
  const again = stack.use(await startRelay({ ...settings, MAILHOP_DATA_DIR: restored }));
  await assertLogsIn(again, password);
  await new Load(1).run(again.smtpPort, 1);
  await eventually(() => nextHop.received.length > 0 || undefined, "new mail to arrive");
  assertEquals([nextHop.received.length, await usedRelays(again)], [1, 21]);
  assertEquals(await again.stop(), 0);
});

Deno.test("backup: one that is killed leaves what no restore takes for whole, and the next one says so", async () => {
  await using stack = new AsyncDisposableStack();
  const { data, restored, backup } = stack.use(await room());
  const relay = stack.use(await startRelay({ MAILHOP_DATA_DIR: data }));
  await runTask("backup", [backup], { dataDir: data, killAt: "spool shard 0" });
  const inside = join(data, "backup");
  const cases = [
    ["backup", backup, "another backup is running, or one was interrupted. In that case remove it"],
    ["restore", backup, "is no whole backup: it has no manifest.json, which is written last"],
    ["restore", `${backup}.incomplete`, "is no whole backup: it has no manifest.json, which is written last"],
    ["backup", inside, "is in the data directory itself"],
    ["backup", join(backup, "nowhere", "x"), "nowhere is not there: make it first"],
    ["backup", join(Deno.execPath(), "x"), "Not a directory"],
  ] as const;
  for (const [which, path, why] of cases) {
    const { code, errors, output } = await runTask(which, [path], { dataDir: which === "backup" ? data : restored });
    assertEquals([code, output], [1, ""]);
    assertStringIncludes(errors, why);
    assertEquals(errors.includes("    at "), false, errors);
  }
  await Deno.remove(`${backup}.incomplete`, { recursive: true });
  assertEquals((await runTask("backup", [backup], { dataDir: data })).code, 0);
  assertEquals((await runTask("restore", [backup], { dataDir: data })).code, 1);
  assertEquals(await relay.stop(), 0);
});

Deno.test({
  ...needingMounts("backup, restore: a disk that is full is said, and nothing is left on it"),
  async fn() {
    await using stack = new AsyncDisposableStack();
    const { data, backup } = stack.use(await room());
    const { settings } = await world(stack);
    const relay = stack.use(await startRelay({ ...settings, MAILHOP_DATA_DIR: data }));
    await openLoadAccount(relay);
    await new Load(400).run(relay.smtpPort, 4);
    const disk = stack.use(SmallDisk.mount(1));
    const target = join(disk.path, "backup");
    const full = await runTask("backup", [target], { dataDir: data });
    assertEquals([full.code, full.output], [1, ""]);
    assertMatch(full.errors, /^Not done: .*(No space left on device|disk is full)/m); // the system's words, or SQLite's
    assertEquals([...Deno.readDirSync(disk.path)], []);

    assertEquals((await runTask("backup", [backup], { dataDir: data })).code, 0);
    const into = await runTask("restore", [backup], { dataDir: disk.path });
    assertEquals([into.code, into.output], [1, ""]);
    assertStringIncludes(into.errors, "No space left on device");
    assertEquals([...Deno.readDirSync(disk.path)], []);
    assertEquals(await relay.stop(), 0);
  },
});

Deno.test("start: on data of a newer version, or on a part of a restore, it ends with exit code 1 and says what to do", async () => {
  await using stack = new AsyncDisposableStack();
  const { data } = stack.use(await room());
  const relay = stack.use(await startRelay({ MAILHOP_DATA_DIR: data }));
  assertEquals(await relay.stop(), 0);
  const complaint = async () => {
    await using start = StartProcess.spawn({
      MAILHOP_DATA_DIR: data,
      MAILHOP_SMTP_LISTEN: "127.0.0.1:0",
      MAILHOP_SMTPS_LISTEN: "",
      MAILHOP_HTTP_LISTEN: "127.0.0.1:0",
    });
    assertEquals(await start.exitCode, 1, start.errors);
    return start.complaints.filter((line) => !line.startsWith("{"));
  };
  const change = (file: string, sql: string) => {
    using db = new DatabaseSync(join(data, file));
    db.exec(sql);
  };
  change("control.db", "insert into kysely_migration values ('9000_the_future', '2030-01-01')");
  assertEquals(await complaint(), [
    "a newer version of this program has been here (9000_the_future): run that one, or a later one",
  ]);
  change("control.db", "delete from kysely_migration where name = '9000_the_future'");
  change("spool/0/index.db", "pragma user_version = 2");
  const [line, ...more] = await complaint();
  assertStringIncludes(line!, "a newer version of this program has been here (its spool has format 2");
  assertEquals(more, []);
  change("spool/0/index.db", "pragma user_version = 1");
  await Deno.writeTextFile(join(data, "restore-incomplete"), "");
  assertEquals(await complaint(), [`the restore into ${data} was interrupted: empty it, and restore the backup again`]);
});

Deno.test({
  ...needingPostgres("restore on PostgreSQL: the data directory, then a dump that was taken after it"),
  ignore: needingPostgres("").ignore || needing("", "pg_dump", "pg_restore").ignore,
  async fn() {
    await using stack = new AsyncDisposableStack();
    const { data, restored, backup } = stack.use(await room());
    const { nextHop, settings, arrived } = await world(stack);
    const postgres = stack.use(await startPostgres());
    await postgres.query("postgres", `create role ${APP_ROLE} login password 'secret'`);
    for (const name of ["mail", "again"]) await postgres.query("postgres", `create database ${name} owner ${APP_ROLE}`);
    const { host, port } = postgres.server("mail");
    const url = (database: string) => `postgres://${APP_ROLE}:secret@${host}:${port}/${database}`;
    const own = { ...settings, DATABASE_URL: `${url("mail")}?sslmode=disable` };
    const relay = stack.use(await startRelay({ ...own, MAILHOP_DATA_DIR: data }));
    const password = await openLoadAccount(relay);
    const load = new Load(Infinity);
    const loading = load.run(relay.smtpPort, CONNECTIONS);
    stack.defer(() => (load.enough(), loading));
    await load.reaches(200);
    const acknowledged = new Set(load.acknowledged);
    const taken = await runTask("backup", [backup], { dataDir: data, settings: { DATABASE_URL: own.DATABASE_URL } });
    assertEquals(taken.code, 0, taken.errors);
    assertStringIncludes(taken.output, "back it up now, after this (PostgreSQL: pg_dump)");
    const arrivedBefore = arrived();
    const dump = `${backup}.dump`;
    assertEquals(await runProgram("pg_dump", ["--format=custom", `--file=${dump}`, url("mail")]), {
      code: 0,
      output: "",
    });
    await relay.stop("SIGKILL");
    await loading;

    assertEquals((await runTask("restore", [backup], { dataDir: restored })).code, 0);
    const args = ["--exit-on-error", "--no-owner", `--dbname=${url("again")}`, dump];
    assertEquals(await runProgram("pg_restore", args), { code: 0, output: "" });
    nextHop.script = () => undefined;
    const mark = nextHop.received.length;
    const DATABASE_URL = `${url("again")}?sslmode=disable`;
    const again = stack.use(await startRelay({ ...settings, DATABASE_URL, MAILHOP_DATA_DIR: restored }));
    await assertLogsIn(again, password);
    await retryAll(again);
    const wanted = acknowledged.difference(arrivedBefore);
    assert(wanted.size > 0);
    await eventually(() => wanted.isSubsetOf(arrived(mark)) || undefined, "all to arrive", ARRIVAL_DEADLINE_MS);
    assertEquals(await again.stop(), 0);
  },
});
