import { assertEquals, assertRejects } from "@std/assert";
import { NO_CAPABILITIES } from "../../../relay/delivery/capabilities.ts";
import { DeadlineWatch, STAGE_SECONDS } from "../../../relay/delivery/deadlines.ts";
import { DestinationSuspended } from "../../../relay/delivery/destination.ts";
import {
  type Later,
  type Lease,
  type Pool,
  POOL_LIMITS,
  PoolClosed,
  type PoolLimits,
  SharedPool,
  type SuspensionListener,
} from "../../../relay/delivery/pool.ts";
import { ReplyChannel } from "../../../relay/delivery/reply_channel.ts";
import type { SmtpSession } from "../../../relay/delivery/smtp_session.ts";
import { ManualTicker } from "../../support/manual_ticker.ts";

const seconds = new ManualTicker();

/** A pool, as the mail of one account sees it. */
function pool(
  limits: Partial<PoolLimits>,
  monotonic = () => 0,
  onSuspension?: SuspensionListener,
  later?: Later,
): Pool & { readonly shared: SharedPool } {
  const shared = new SharedPool({ ...POOL_LIMITS, ...limits }, monotonic, onSuspension, later);
  return { ...shared.forAccount(), shared };
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
  const state = {
    tls: null,
    tlsVerdict: null,
    capabilities: NO_CAPABILITIES,
    transactions: 1,
    needsReset: false,
    wantsTls: false,
  };
  return { remote, channel, seconds: STAGE_SECONDS, ...state, ...facts, closed };
}

/** Until all that can go on without a release has. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

async function granted(lease: Lease | Promise<Lease>): Promise<boolean> {
  return await Promise.race([Promise.resolve(lease).then(() => true), turn().then(() => false)]);
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

Deno.test("pool: at the limit for all, every message of many destinations and accounts has its turn", async () => {
  // Of twelve, one is left to whoever has none.
  for (const [connections, atMost] of [[3, 3], [12, 11]] as const) {
    const { shared } = pool({ connections, connectionsPerDestination: 2 });
    const accounts = Array.from({ length: 5 }, () => shared.forAccount());
    let served = 0, held = 0, most = 0;
    await Promise.all(Array.from({ length: 600 }, async (_, at) => {
      const mail = accounts[at % 11 % 5]!;
      const lease = await mail.acquire(`destination ${at % 7}`);
      most = Math.max(most, ++held);
      await Promise.resolve();
      if (at % 3 === 0) lease.session = session();
      if (at % 5 > 0) lease.experience = { kind: at % 5 > 1 ? "served" : "strained" };
      held--;
      served++;
      mail.release(lease);
    }));
    assertEquals([served, most], [600, atMost]);
    shared.close();
    await shared.farewells();
  }
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
  connections.shared.close();
  await assertRejects(async () => await waiting, PoolClosed);
  await assertRejects(async () => await connections.acquire("a"), PoolClosed);
  const last = session();
  lease.session = last;
  connections.release(lease);
  await last.closed;
  await connections.shared.farewells();
});

/** Timers that a test runs. */
class ManualTimers {
  readonly waiting: { readonly ms: number; readonly action: () => void }[] = [];
  readonly later = (ms: number, action: () => void) => {
    const timer = { ms, action };
    this.waiting.push(timer);
    return () => void this.waiting.splice(this.waiting.indexOf(timer), 1);
  };
  run(): void {
    for (const { action } of this.waiting.splice(0)) action();
  }
}

Deno.test("pool: two leases at first, more as messages are served, half as many after a push-back", async () => {
  const connections = pool({ connectionsPerDestination: 8 });
  const held: Lease[] = [];
  const line = Array.from({ length: 40 }, async () => held.push(await connections.acquire("a")));
  const end = async (experience: "served" | "strained") => {
    const lease = held.shift()!;
    lease.experience = { kind: experience };
    connections.release(lease);
    await Promise.resolve();
    await granted(Promise.resolve(lease));
    return held.length;
  };
  await Promise.all(line.slice(0, 2));
  const inUse = [held.length];
  for (let at = 0; at < 8; at++) inUse.push(await end("served"));
  assertEquals(inUse, [2, 3, 4, 5, 6, 7, 8, 8, 8]);
  assertEquals(await end("strained"), 7);
  for (let at = 0; at < 3; at++) await end("strained");
  assertEquals(await end("served"), 3);
  connections.shared.close();
  await Promise.allSettled(line);
});

Deno.test("pool: a rate holds with free connections and resting sessions; the line is served in its order", async () => {
  let now = 0;
  const timers = new ManualTimers();
  const rules = new Map([["mx.test", { intervalMs: 100 }]]);
  const connections = pool({ rules }, () => now, undefined, timers.later);
  const order: number[] = [];
  const leases = Array.from({ length: 3 }, async (_, at) => {
    const lease = await connections.acquire("a", [{ name: "mx.test" }]);
    order.push(at);
    connections.release(lease);
  });
  await leases[0];
  assertEquals(timers.waiting.map(({ ms }) => ms), [100]);
  for (const at of [1, 2]) {
    now += 100;
    timers.run();
    await leases[at];
  }
  assertEquals(order, [0, 1, 2]);
  // Nobody is there any more, and yet the next one has to wait.
  const last = connections.acquire("a", [{ name: "mx.test" }]);
  assertEquals(await granted(last), false);
  now += 100;
  timers.run();
  assertEquals(await granted(last), true);
});

Deno.test("pool: a destination that cannot be reached is suspended, its line refused, and one message is the probe", async () => {
  let now = 0;
  const heard: unknown[] = [];
  const connections = pool({ connectionsPerDestination: 1 }, () => now, (key, { kind }) => heard.push([key, kind]));
  const unreachable = { kind: "unreachable", why: "nobody there" } as const;
  let lease = await connections.acquire("a");
  const line = Array.from({ length: 4 }, () => connections.acquire("a"));
  for (let failure = 0; failure < 3; failure++) {
    lease.experience = unreachable;
    connections.release(lease);
    if (failure < 2) lease = await line[failure]!;
  }
  for (const waiter of line.slice(2)) {
    await assertRejects(async () => await waiter, DestinationSuspended, "nobody there");
  }
  assertEquals(connections.suspended("a")?.kind, "deferred");
  assertEquals(connections.suspended("b"), null);
  now += 30_000;
  const probe = await connections.acquire("a");
  await assertRejects(async () => await connections.acquire("a"), DestinationSuspended);
  probe.experience = { kind: "served" };
  connections.release(probe);
  assertEquals(connections.suspended("a"), null);
  assertEquals(heard, [["a", "suspended"], ["a", "reached"]]);
});

/** As many destinations of one's own as there are connections to be had. @returns the leases. */
async function takeAll(mail: Pool, name: string): Promise<Lease[]> {
  const leases: Lease[] = [];
  while (true) {
    const lease = mail.acquire(`${name} ${leases.length}`);
    if (!await granted(lease)) return leases;
    leases.push(await lease);
  }
}

Deno.test("pool: an account has all connections but a tenth; the next half of the rest, and so on", async () => {
  const { shared, ...many } = pool({ connections: 100 });
  const counts: number[] = [];
  for (const mail of [many, ...Array.from({ length: 5 }, () => shared.forAccount())]) {
    counts.push((await takeAll(mail, `account ${counts.length}`)).length);
  }
  assertEquals(counts, [90, 5, 3, 1, 1, 0]);
  shared.close();
});

Deno.test("pool: what is given back goes to who has the fewest connections, but for the reserve", async () => {
  const { shared, ...many } = pool({ connections: 20 });
  const few = shared.forAccount();
  const held = await takeAll(many, "many");
  assertEquals(held.length, 18);
  const served: string[] = [];
  for (const name of ["f1", "f2", "f3", "f4"]) {
    Promise.resolve(few.acquire(name)).then(() => served.push(name), () => {});
  }
  const afterRelease = async () => {
    many.release(held.pop()!);
    await turn();
    return served.join();
  };
  await turn();
  // Of two in the reserve, the last is for somebody who has none; one more of "many" waits as well.
  assertEquals(served, ["f1"]);
  assertEquals([await afterRelease(), await afterRelease()], ["f1,f2", "f1,f2"]);
  assertEquals([await afterRelease(), await afterRelease()], ["f1,f2,f3", "f1,f2,f3,f4"]);
  shared.close();
});

Deno.test("pool: mail to where mail was taken has connections when that to the rest has all it may", async () => {
  const { shared, ...mail } = pool({ connections: 20 });
  const proof = await mail.acquire("proven");
  proof.experience = { kind: "served" };
  mail.release(proof);
  const [silent] = await takeAll(mail, "silent");
  const lease = await mail.acquire("proven");
  lease.experience = { kind: "strained" };
  mail.release(lease);
  assertEquals(await granted(mail.acquire("proven")), false, "it is like the others again");
  mail.release(silent!);
  shared.close();
});

Deno.test("pool: accounts take turns in a destination's line, and a long one keeps no other account away", async () => {
  let now = 0;
  const { shared, ...many } = pool({ connectionsPerDestination: 1, waitingPerDestination: 3 }, () => now);
  const few = shared.forAccount();
  const order: string[] = [];
  const pass = async (mail: Pool, name: string) => {
    const lease = await mail.acquire("a");
    order.push(name);
    mail.release(lease);
  };
  const first = await many.acquire("a");
  const line = ["m1", "m2", "m3"].map((name) => pass(many, name));
  now = 60_000;
  assertEquals([many.congestionMs("a"), few.congestionMs("a")], [180_000, 0]);
  line.push(...["f1", "f2"].map((name) => pass(few, name)));
  many.release(first);
  await Promise.all(line);
  assertEquals(order, ["m1", "f1", "m2", "f2", "m3"]);
});
