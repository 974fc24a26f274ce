import { assertEquals } from "@std/assert";
import {
  accept,
  change,
  contentOf,
  dsnFor,
  envelope,
  newDirectory,
  nextTurn,
  openTestSpool,
  queuedAfterCrash,
  readContent,
  START,
  takeAll,
} from "../../support/spool_on_disk.ts";

const SECOND = 1000;
const LARGE = 300 * 1024;

Deno.test("crash: after each step nothing acknowledged is lost, and nothing that ended is back", async () => {
  await using test = await openTestSpool(newDirectory());
  const { spool, directory } = test;
  const record = (messageId: string, ...changes: ReturnType<typeof change>[]) =>
    spool.record({ messageId, changes, events: [] });
  const finds = async (...ids: string[]) => assertEquals(await queuedAfterCrash(directory), ids);
  await finds();
  await accept(spool, envelope("a"), contentOf("a", 100));
  await finds("a");
  await accept(spool, envelope("b"), contentOf("b", LARGE));
  await finds("a", "b");
  await takeAll(test, START);
  await finds("a", "b");
  await record("a", change("queued", START + SECOND));
  await finds("a", "b");
  spool.giveBack("a");
  await finds("a", "b");
  await spool.checkpoint();
  await finds("a", "b");
  await record("b", change("delivered"));
  await finds("a");
  await spool.checkpoint(); // while it is taken still
  await finds("a");
  spool.giveBack("b");
  await finds("a");
  await takeAll(test, START + SECOND);
  await record("a", change("delivered"));
  await finds();
  spool.giveBack("a");
  await finds();
  await spool.checkpoint();
  await finds();
  assertEquals(test.troubles, []);
});

Deno.test("crash: an outcome and its DSN survive together or not at all", async () => {
  await using test = await openTestSpool(newDirectory(), { segmentBytes: 32 * 1024 });
  const { spool, directory } = test;
  for (let n = 0; n < 30; n++) {
    await accept(spool, envelope(`m${n}`), contentOf(`m${n}`, 2000));
    spool.take(START);
    const changes = [change("bounced")];
    const recorded = spool.record({ messageId: `m${n}`, changes, events: [], dsn: dsnFor(`m${n}`) });
    for (let turns = n % 4; turns > 0; turns--) await nextTurn();
    const ids = await queuedAfterCrash(directory);
    assertEquals(ids.length, 1, `${ids}`);
    await recorded;
    spool.giveBack(`m${n}`);
    const [dsn] = await takeAll(test, START);
    assertEquals(dsn!.envelope.id, `dsn-m${n}`);
    assertEquals(await readContent(dsn!), dsnFor(`m${n}`).content);
    await spool.record({ messageId: `dsn-m${n}`, changes: [change("delivered")], events: [] });
    spool.giveBack(`dsn-m${n}`);
  }
});
