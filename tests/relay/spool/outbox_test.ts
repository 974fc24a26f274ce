import { assert, assertEquals } from "@std/assert";
import type { OutboxItem } from "../../../relay/spool/index_store.ts";
import {
  accept,
  change,
  contentOf,
  crashCopy,
  envelope,
  newDirectory,
  openTestSpool,
  START,
} from "../../support/spool_on_disk.ts";

/** A control plane that can be away, and says what it took. */
class ControlPlane {
  away = false;
  readonly took: OutboxItem[] = [];
  calls = 0;
  /** Resolves at the next call. */
  called = Promise.withResolvers<void>();

  readonly deliver = (items: readonly OutboxItem[]): Promise<void> => {
    this.calls++;
    this.called.resolve();
    this.called = Promise.withResolvers();
    if (this.away) return Promise.reject(new Error("the control plane is away"));
    this.took.push(...items);
    return Promise.resolve();
  };

  ids(): string[] {
    return this.took.map(({ event }) => event.id);
  }
}

function delivered(messageId: string, id: string) {
  const event = { id, messageId, account: "alice", at: START, type: "delivered" as const, recipients: [] };
  return { ...event, host: null, address: null, tls: null, reply: "250 2.0.0 Ok", attempt: 1, nextAttemptAt: null };
}

Deno.test("outbox: acceptance with its reservation, and what became of it, are told once and in order", async () => {
  const plane = new ControlPlane();
  await using test = await openTestSpool(newDirectory(), { deliver: plane.deliver });
  await accept(test.spool, envelope("m"), contentOf("m", 10));
  test.spool.take(START);
  await test.spool.record({ messageId: "m", changes: [change("delivered")], events: [delivered("m", "e1")] });
  assertEquals(await test.outbox.drained(), true);
  assertEquals(plane.ids(), ["m", "e1"]);
  assertEquals(plane.took.map(({ reservation }) => reservation?.id), ["reservation of m", undefined]);
});

Deno.test("outbox: while the control plane is away nothing is lost and the order stays; it waits longer each time", async () => {
  const plane = new ControlPlane();
  plane.away = true;
  const waits: number[] = [];
  await using test = await openTestSpool(newDirectory(), {
    deliver: plane.deliver,
    sleep: (ms) => {
      waits.push(ms);
      return new Promise((resolve) => setTimeout(resolve, 0));
    },
  });
  const ids = Array.from({ length: 300 }, (_, n) => `m${n}`);
  for (const id of ids) await accept(test.spool, envelope(id), contentOf(id, 10));
  await test.spool.checkpoint();
  while (plane.calls < 10) await plane.called.promise;
  plane.away = false;
  assertEquals(await test.outbox.drained(), true);
  assertEquals(plane.ids(), ids);
  const retries = waits.filter((ms) => ms >= 250);
  assertEquals(retries.slice(0, 3), [250, 500, 1000]);
  assertEquals(Math.max(...retries), 15_000);
  assert(test.troubles.length >= 10);
});

Deno.test("outbox: what nobody took before a crash is told after it, from log and index; nothing is lost", async () => {
  const plane = new ControlPlane();
  plane.away = true;
  const directory = newDirectory();
  await using test = await openTestSpool(directory, { deliver: plane.deliver });
  await accept(test.spool, envelope("a"), contentOf("a", 10));
  test.spool.take(START);
  await test.spool.record({ messageId: "a", changes: [change("delivered")], events: [delivered("a", "e1")] });
  test.spool.giveBack("a");
  await test.spool.checkpoint();
  await accept(test.spool, envelope("b"), contentOf("b", 10));
  const recovered = new ControlPlane();
  await using after = await openTestSpool(crashCopy(directory), { deliver: recovered.deliver });
  assertEquals(await after.outbox.drained(), true);
  assertEquals(recovered.ids(), ["a", "e1", "b"]);
});

Deno.test("outbox: what was told is not told again after an orderly restart", async () => {
  const directory = newDirectory();
  {
    await using test = await openTestSpool(directory);
    await accept(test.spool, envelope("a"), contentOf("a", 10));
    await test.outbox.drained();
  }
  const plane = new ControlPlane();
  await using test = await openTestSpool(directory, { deliver: plane.deliver });
  assertEquals(await test.outbox.drained(), true);
  assertEquals(plane.ids(), []);
});

Deno.test("outbox: items in flight while a checkpoint passes them are told, perhaps twice", async () => {
  const held = Promise.withResolvers<void>(), asked = Promise.withResolvers<void>();
  const took: string[] = [];
  await using test = await openTestSpool(newDirectory(), {
    deliver: async (items) => {
      asked.resolve();
      await held.promise;
      took.push(...items.map(({ event }) => event.id));
    },
  });
  await accept(test.spool, envelope("a"), contentOf("a", 10));
  await asked.promise;
  await test.spool.checkpoint();
  await accept(test.spool, envelope("b"), contentOf("b", 10));
  held.resolve();
  assertEquals(await test.outbox.drained(), true);
  assertEquals([...new Set(took)], ["a", "b"]);
});

Deno.test("outbox: drained means what there was when it was asked for, however much comes behind", async () => {
  const plane = new ControlPlane();
  await using test = await openTestSpool(newDirectory(), { deliver: plane.deliver });
  await accept(test.spool, envelope("first"), contentOf("first", 10));
  let drained = false;
  const drain = test.outbox.drained().then(() => drained = true);
  for (let n = 0; !drained; n++) {
    await accept(test.spool, envelope(`m${n}`), contentOf("m", 10));
    assert(n < 10_000);
  }
  await drain;
  assertEquals(plane.ids()[0], "first");
});

Deno.test("outbox: closed before all was taken, drained says so", async () => {
  const plane = new ControlPlane();
  plane.away = true;
  const test = await openTestSpool(newDirectory(), { deliver: plane.deliver });
  await accept(test.spool, envelope("a"), contentOf("a", 10));
  const drained = test.outbox.drained();
  await test.close();
  assertEquals(await drained, false);
});

Deno.test("outbox: what is not taken in time does not stay in memory", async () => {
  const plane = new ControlPlane();
  plane.away = true;
  await using test = await openTestSpool(newDirectory(), { deliver: plane.deliver, segmentBytes: 8 << 20 });
  const ids = Array.from({ length: 9000 }, (_, n) => `m${n}`);
  await Promise.all(ids.map((id) => accept(test.spool, envelope(id), contentOf(id, 0))));
  assertEquals(test.outbox.full, false);
  plane.away = false;
  assertEquals(await test.outbox.drained(), true);
  assertEquals([...new Set(plane.ids())], ids);
});
