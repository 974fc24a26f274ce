import { assert, assertEquals, assertRejects } from "@std/assert";
import { openWalSync } from "../../api/store/wal_sync.ts";

/** Opens a log whose syncs end when the test says so. */
const openHeld = async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(`${path}-wal`, "");
  const held: PromiseWithResolvers<void>[] = [];
  const original = Deno.FsFile.prototype.syncData;
  Deno.FsFile.prototype.syncData = () => {
    const sync = Promise.withResolvers<void>();
    held.push(sync);
    return sync.promise;
  };
  const durability = await openWalSync(path);
  return {
    sync: () => durability.sync(),
    held,
    async [Symbol.asyncDispose]() {
      Deno.FsFile.prototype.syncData = original;
      await durability[Symbol.asyncDispose]();
      await Deno.remove(path);
      await Deno.remove(`${path}-wal`);
    },
  };
};

Deno.test("WAL sync: calls during a sync share the next one, and do not pass with the one that runs", async () => {
  await using wal = await openHeld();
  const order: string[] = [];
  const first = wal.sync().then(() => order.push("first"));
  const second = wal.sync().then(() => order.push("second"));
  const third = wal.sync().then(() => order.push("third"));
  assertEquals(wal.held.length, 1);
  wal.held[0]?.resolve();
  await first;
  await Promise.resolve();
  assertEquals(order, ["first"]);
  while (wal.held.length < 2) await Promise.resolve();
  wal.held[1]?.resolve();
  await Promise.all([second, third]);
  assertEquals(wal.held.length, 2);
});

Deno.test("WAL sync: after a failure every later call fails, without another try", async () => {
  await using wal = await openHeld();
  const failed = wal.sync();
  const waiting = wal.sync();
  wal.held[0]?.reject(new Error("input/output error"));
  await assertRejects(() => failed, Error, "input/output error");
  await assertRejects(() => waiting, Error, "input/output error");
  await assertRejects(() => wal.sync(), Error, "input/output error");
  assert(wal.held.length === 1);
});
