import { assertEquals, assertRejects } from "@std/assert";
import { NO_CAPABILITIES } from "../../../relay/delivery/capabilities.ts";
import { DeadlineWatch, STAGE_SECONDS } from "../../../relay/delivery/deadlines.ts";
import { type Lease, Pool, POOL_LIMITS, PoolClosed, type PoolLimits } from "../../../relay/delivery/pool.ts";
import { ReplyChannel } from "../../../relay/delivery/reply_channel.ts";
import type { SmtpSession } from "../../../relay/delivery/smtp_session.ts";
import { ManualTicker } from "../../support/manual_ticker.ts";

const seconds = new ManualTicker();

function pool(limits: Partial<PoolLimits>, monotonic = () => 0): Pool {
  return new Pool({ ...POOL_LIMITS, ...limits }, monotonic);
}

/** A session with a server that answers nothing but QUIT; `closed` is when its connection ends. */
function session(facts: Partial<SmtpSession> = {}): SmtpSession & { closed: Promise<void> } {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const { promise: quitting, resolve: onQuit } = Promise.withResolvers<void>();
  const bye = new TextEncoder().encode("221 bye\r\n");
  const stream = {
    read: async (into: Uint8Array) => {
      await Promise.race([quitting, closed]);
      into.set(bye);
      return bye.length;
    },
    write: (octets: Uint8Array) => {
      onQuit();
      return Promise.resolve(octets.length);
    },
    close: resolve,
  };
  const channel = new ReplyChannel(stream, new DeadlineWatch(seconds.ticker));
  const remote = { name: "mx.example.net", address: "192.0.2.1", port: 25 };
  const state = { tls: null, tlsVerdict: null, capabilities: NO_CAPABILITIES, transactions: 1, needsReset: false };
  return { remote, channel, seconds: STAGE_SECONDS, ...state, ...facts, closed };
}

async function granted(lease: Lease | Promise<Lease>): Promise<boolean> {
  return await Promise.race([
    Promise.resolve(lease).then(() => true),
    new Promise<false>((r) => setTimeout(r, 0, false)),
  ]);
}

Deno.test("pool: a session is handed to who waits, then rests, then serves the next", async () => {
  const connections = pool({ connectionsPerDestination: 1 });
  const first = await connections.acquire("a");
  const second = connections.acquire("a");
  assertEquals(await granted(second), false);
  first.session = session();
  connections.release(first);
  assertEquals((await second).session, first.session);
  connections.release(await second);
  assertEquals((await connections.acquire("a")).session, first.session);
});

Deno.test("pool: a session that rests is ended after its time", async () => {
  const connections = pool({ idleSeconds: 20 });
  const lease = await connections.acquire("a");
  const resting = session();
  lease.session = resting;
  connections.release(lease);
  seconds.pass(21);
  await resting.closed;
  assertEquals((await connections.acquire("a")).session, undefined);
});

Deno.test("pool: a session is ended after its number of messages, or after the server's if that is less", async () => {
  const connections = pool({ messagesPerConnection: 100 });
  for (
    const worn of [session({ transactions: 100 }), session({ capabilities: { ...NO_CAPABILITIES, maxMessages: 1 } })]
  ) {
    const lease = await connections.acquire("a");
    lease.session = worn;
    connections.release(lease);
    await worn.closed;
  }
  assertEquals((await connections.acquire("a")).session, undefined);
});

Deno.test("pool: one destination's line does not delay another", async () => {
  const connections = pool({ connectionsPerDestination: 2 });
  const busy = [connections.acquire("a"), connections.acquire("a"), connections.acquire("a")];
  assertEquals(await Promise.all(busy.map(granted)), [true, true, false]);
  assertEquals(await granted(connections.acquire("b")), true);
});

Deno.test("pool: at the limit for all, a resting session is ended for a new destination", async () => {
  const connections = pool({ connections: 1 });
  const lease = await connections.acquire("a");
  const resting = session();
  lease.session = resting;
  connections.release(lease);
  assertEquals((await connections.acquire("b")).session, undefined);
  await resting.closed;
});

Deno.test("pool: at the limit for all, a destination with several connections yields one to one with none", async () => {
  const connections = pool({ connections: 2 });
  const one = await connections.acquire("a");
  const two = await connections.acquire("a");
  const third = connections.acquire("a");
  const other = connections.acquire("b");
  assertEquals([await granted(third), await granted(other)], [false, false]);
  const kept = session();
  one.session = kept;
  connections.release(one);
  assertEquals([await granted(third), await granted(other)], [false, true]);
  await kept.closed;
  // Both have one now: each goes on with its own.
  connections.release(two);
  assertEquals(await granted(third), true);
  connections.release(await other);
  connections.release(await third);
});

Deno.test("pool: at the limit for all, every message of many destinations has its turn", async () => {
  const connections = pool({ connections: 3, connectionsPerDestination: 2 });
  let served = 0, held = 0, most = 0;
  await Promise.all(Array.from({ length: 200 }, async (_, at) => {
    const lease = await connections.acquire(`destination ${at % 7}`);
    most = Math.max(most, ++held);
    await Promise.resolve();
    if (at % 3 === 0) lease.session = session();
    held--;
    served++;
    connections.release(lease);
  }));
  assertEquals([served, most], [200, 3]);
  connections.close();
  await connections.farewells();
});

Deno.test("pool: a long line that moves may grow, one that stands still may not", async () => {
  let now = 0;
  const limits = { connectionsPerDestination: 1, waitingPerDestination: 10, longestWaitMs: 5000 };
  const connections = pool(limits, () => now);
  let lease = await connections.acquire("a");
  const line = Array.from({ length: 10 }, () => connections.acquire("a"));
  assertEquals(connections.congestionMs("a"), 0);
  now = 60_000;
  assertEquals(connections.congestionMs("a"), 600_000);
  assertEquals(connections.congestionMs("b"), 0);
  for (const next of line) {
    connections.release(lease);
    lease = await next;
  }
  assertEquals(connections.congestionMs("a"), 0);
});

Deno.test("pool: closing refuses who waits and who comes", async () => {
  const connections = pool({ connectionsPerDestination: 1 });
  const lease = await connections.acquire("a");
  const waiting = connections.acquire("a");
  connections.close();
  await assertRejects(async () => await waiting, PoolClosed);
  await assertRejects(async () => await connections.acquire("a"), PoolClosed);
  const last = session();
  lease.session = last;
  connections.release(lease);
  await last.closed;
  await connections.farewells();
});
