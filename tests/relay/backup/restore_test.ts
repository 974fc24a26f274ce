/** What a backup holds, and what a restore takes for a whole one. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { openDatabase } from "../../../api/store/database.ts";
import { unknownMigration } from "../../../api/store/migrations/mod.ts";
import { BackupRefused } from "../../../relay/backup/errors.ts";
import { filesBelow } from "../../../relay/backup/files.ts";
import type { Manifest } from "../../../relay/backup/manifest.ts";
import { checkBackup, restoreBackup } from "../../../relay/backup/restore.ts";
import { takeBackup } from "../../../relay/backup/take.ts";
import { accept, contentOf, envelope, newDirectory, openTestSpool, takeIds } from "../../support/spool_on_disk.ts";

const progress = { step() {}, octets() {} };
const LARGE_OCTETS = 300 * 1024;

/** A data directory at rest, with a message in each of two shards, and a backup of it. */
async function backedUp() {
  const directory = newDirectory();
  const dataDir = join(directory, "data"), backup = join(directory, "backup"), restored = join(directory, "restored");
  for (const shard of [0, 10]) {
    await using spool = await openTestSpool(await made(join(dataDir, "spool", `${shard}`)));
    await accept(spool.spool, envelope(`m${shard}`), contentOf(`m${shard}`, LARGE_OCTETS));
  }
  await using _ = await openDatabase(join(dataDir, "control.db"));
  await made(join(dataDir, "tls"));
  const files = {
    "admin-token": "secret\n",
    "tls/key.pem": "key",
    "spool/0/mta-sts.json": "[]",
    lock: "1",
    "x.new": "",
  };
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(dataDir, name), text);
  const manifest = await takeBackup({ dataDir, target: backup, databaseElsewhere: false, now: () => 0, progress });
  return { dataDir, backup, restored, manifest };
}

async function made(path: string): Promise<string> {
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  return path;
}

const restore = (backup: string, dataDir: string, withSpool = true) =>
  restoreBackup({ backup, dataDir, withSpool, unknownMigration, progress });

async function refusal(work: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => work, BackupRefused)).message;
}

async function editManifest(backup: string, edit: (manifest: Manifest) => unknown): Promise<void> {
  const path = join(backup, "manifest.json");
  await Deno.writeTextFile(path, JSON.stringify(edit(JSON.parse(await Deno.readTextFile(path)))));
}

Deno.test("restore: keys, tokens, database and mail of all shards are as they were, for their owner alone", async () => {
  const { dataDir, backup, restored, manifest } = await backedUp();
  assertEquals(await restore(backup, restored), manifest);
  assertEquals(manifest.shards.map(({ shard, messages }) => [shard, messages]), [[0, 1], [10, 1]]);
  const paths = await filesBelow(restored);
  assertEquals(paths.filter((path) => !path.includes("segments/") && !path.includes("large/")), [
    ...["admin-token", "control.db", "spool/0/index.db", "spool/0/mta-sts.json", "spool/10/index.db", "tls/key.pem"],
  ]);
  for (const path of paths) assertEquals((await Deno.stat(join(restored, path))).mode! & 0o777, 0o600, path);
  for (const path of [".", "tls", "spool/0/large"]) {
    assertEquals((await Deno.stat(join(restored, path))).mode! & 0o777, 0o700, path);
  }
  assertEquals(await Deno.readTextFile(join(restored, "tls/key.pem")), "key");
  for (const shard of [0, 10]) {
    await using spool = await openTestSpool(join(restored, "spool", `${shard}`));
    assertEquals(await takeIds(spool, Infinity), [`m${shard}`]);
  }
  await using _ = await openDatabase(join(restored, "control.db"));
  assertEquals((await Deno.stat(join(dataDir, "x.new"))).size, 0);
});

Deno.test("restore: what is missing, shorter or altered is named, and nothing is restored", async () => {
  const { backup, restored } = await backedUp();
  const cases: [path: string, damage: (path: string) => Promise<void>, why: string][] = [
    ["tls/key.pem", (path) => Deno.writeTextFile(path, "kex"), "tls/key.pem is damaged"],
    [
      "spool/10/large/m10",
      (path) => Deno.truncate(path, 100),
      `spool/10/large/m10 has 100 octets instead of ${LARGE_OCTETS}`,
    ],
    ["control.db", (path) => Deno.remove(path), "control.db is missing"],
  ];
  const faults: string[] = [];
  for (const [path, damage, why] of cases) {
    await damage(join(backup, path));
    faults.unshift(why);
    const told = await refusal(restore(backup, restored));
    assertStringIncludes(told, `${backup} is not whole: `);
    for (const fault of faults) assertStringIncludes(told, fault);
    await assertRejects(() => Deno.stat(restored), Deno.errors.NotFound);
  }
});

Deno.test("restore: a backup of a newer version is refused, whatever is newer in it", async () => {
  const { backup, restored, manifest } = await backedUp();
  const newer: [Partial<Manifest>, string][] = [
    [{ format: 2 }, "was made by a newer version"],
    [{ spoolFormat: 2 }, "newer version of this program (spool format 2)"],
    [{ database: { accounts: 0, migrations: ["9000_the_future"] } }, "newer version of this program (9000_the_future)"],
  ];
  for (const [change, why] of newer) {
    await editManifest(backup, () => ({ ...manifest, ...change }));
    assertStringIncludes(await refusal(restore(backup, restored)), why);
  }
});

Deno.test("restore: a manifest that leads out of the directory, or is none, is taken for damaged", async () => {
  const { backup, restored, manifest } = await backedUp();
  for (const path of ["../outside", "/etc/outside", "tls/../../outside", ""]) {
    await editManifest(backup, () => ({ ...manifest, files: [{ path, sizeBytes: 0, sha256: "" }] }));
    assertStringIncludes(await refusal(restore(backup, restored)), "manifest.json is damaged");
  }
  for (const text of ["", "{", "null", "[]", '{"format":1}']) {
    await Deno.writeTextFile(join(backup, "manifest.json"), text);
    assertStringIncludes(
      await refusal(checkBackup({ backup, unknownMigration, progress })),
      "manifest.json is damaged",
    );
  }
});

Deno.test("restore: into an empty directory or a disk's own, not into one that has something", async () => {
  const { dataDir, backup, restored } = await backedUp();
  assertStringIncludes(await refusal(restore(backup, dataDir)), `${dataDir} is not empty: it is in use, or was`);
  await made(restored);
  await Deno.writeTextFile(join(restored, "restore-incomplete"), "");
  assertStringIncludes(await refusal(restore(backup, restored)), "what an interrupted restore left is in it");
  await Deno.remove(join(restored, "restore-incomplete"));
  await made(join(restored, "lost+found"));
  await restore(backup, restored, false);
  assertEquals([...Deno.readDirSync(restored)].map(({ name }) => name).sort(), [
    ...["admin-token", "control.db", "lost+found", "tls"],
  ]);
});

Deno.test("backup: into a directory whose parent is not there it says which one to make", async () => {
  const { dataDir, backup } = await backedUp();
  const parent = join(`${backup}s`, "monthly");
  const take = () =>
    takeBackup({ dataDir, target: join(parent, "may"), databaseElsewhere: false, now: () => 0, progress });
  assertEquals(await refusal(take()), `${parent} is not there: make it first`);
});

Deno.test("backup: without the control database it says where that may be; a damaged one is no backup", async () => {
  const { dataDir, backup } = await backedUp();
  const target = `${backup}2`;
  const take = () => takeBackup({ dataDir, target, databaseElsewhere: false, now: () => 0, progress });
  const database = join(dataDir, "control.db");
  using file = await Deno.open(database, { read: true, write: true });
  await file.truncate(Math.floor((await file.stat()).size / 2 / 4096) * 4096);
  assertStringIncludes(await refusal(take()), `${database} `);
  await Deno.remove(database);
  assertStringIncludes(await refusal(take()), "If the service uses PostgreSQL, set DATABASE_URL here as well");
  assertEquals([...Deno.readDirSync(join(dataDir, ".."))].map(({ name }) => name).sort(), ["backup", "data"]);
});
