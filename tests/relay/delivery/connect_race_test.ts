import { assertEquals } from "@std/assert";
import { connectRace, HEAD_START_MS } from "../../../relay/delivery/connect_race.ts";
import type { NextHop } from "../../../relay/delivery/next_hop.ts";
import { ownVerdict } from "../../../relay/delivery/outcome.ts";
import { NextHopServer } from "../../support/next_hop_server.ts";
import { SilentAddress } from "../../support/silent_address.ts";
import { asHop, attemptIn, told, World } from "./world.ts";

const V6 = "2001:db8::1", V4 = "192.0.2.1", LAST = "192.0.2.2";

function withAddresses(server: NextHopServer, addresses: readonly string[]): NextHop {
  const found = asHop("example.net", [server]);
  if (found.kind !== "hosts") throw new Error("no hosts");
  const answer = () => Promise.resolve({ kind: "addresses" as const, addresses });
  return { ...found, hosts: found.hosts.map((host) => ({ ...host, addresses: answer })) };
}

class Connection {
  closed = false;
  close(): void {
    this.closed = true;
  }
}

type Answer = Connection | { readonly verdict: ReturnType<typeof ownVerdict> };
const refusal = (why: string) => ({ verdict: ownVerdict("deferred", "4.4.1", why) });

/** A race whose addresses answer, and whose head starts end, when the test says so. */
class Course {
  readonly dialled: string[] = [];
  readonly given: string[] = [];
  readonly pauses: number[] = [];
  readonly #answers = new Map<string, (answer: Answer) => void>();
  #endPause = () => {};
  #changed = Promise.withResolvers<void>();
  readonly result = connectRace<Connection>(
    [V6, V4, LAST],
    (address, signal) => {
      this.dialled.push(address);
      this.#changed.resolve();
      signal.addEventListener("abort", () => {
        this.given.push(address);
        if (!this.late.has(address)) this.answer(address, refusal("given up"));
      });
      return new Promise((resolve) => this.#answers.set(address, resolve));
    },
    (ms) => {
      this.pauses.push(ms);
      return new Promise((resolve) => this.#endPause = resolve);
    },
  );

  /** @param late addresses that do not hear that it is decided. */
  constructor(readonly late: ReadonlySet<string> = new Set()) {}

  answer(address: string, answer: Answer): void {
    this.#answers.get(address)!(answer);
  }

  endHeadStart(): void {
    this.#endPause();
  }

  async untilDialled(count: number): Promise<void> {
    while (this.dialled.length < count) {
      this.#changed = Promise.withResolvers();
      await this.#changed.promise;
    }
  }
}

Deno.test("happy eyeballs: the first address that connects is used, and no other one is dialled", async () => {
  const course = new Course();
  const connection = new Connection();
  course.answer(V6, connection);
  assertEquals(await course.result, { winner: { address: V6, connection }, failures: [] });
  assertEquals(course.dialled, [V6]);
});

Deno.test("happy eyeballs: an address that does not answer costs its head start of 250 ms, and is given up", async () => {
  const course = new Course();
  course.endHeadStart();
  await course.untilDialled(2);
  course.answer(V4, new Connection());
  assertEquals((await course.result).winner?.address, V4);
  assertEquals((await course.result).failures, [], "a connection that was given up has not failed");
  assertEquals([course.dialled, course.pauses[0], HEAD_START_MS], [[V6, V4], 250, 250]);
  assertEquals(course.given, [V6, V4]);
});

Deno.test("happy eyeballs: an address that fails makes way at once", async () => {
  const course = new Course();
  course.answer(V6, refusal("unreachable"));
  await course.untilDialled(2);
  course.answer(V4, refusal("refused"));
  await course.untilDialled(3);
  course.answer(LAST, refusal("refused too"));
  const { winner, failures } = await course.result;
  assertEquals(winner, null);
  assertEquals(failures.map(({ address, verdict }) => [address, verdict.reply]), [
    [V6, "unreachable"],
    [V4, "refused"],
    [LAST, "refused too"],
  ]);
});

Deno.test("happy eyeballs: the preferred address may still win when another one is on its way", async () => {
  const course = new Course();
  course.endHeadStart();
  await course.untilDialled(2);
  course.answer(V6, new Connection());
  assertEquals((await course.result).winner?.address, V6);
});

Deno.test("happy eyeballs: a connection that comes when it is decided is closed", async () => {
  const course = new Course(new Set([V6]));
  course.endHeadStart();
  await course.untilDialled(2);
  course.answer(V4, new Connection());
  const late = new Connection();
  course.answer(V6, late);
  assertEquals([(await course.result).winner?.address, late.closed], [V4, true]);
});

Deno.test("delivery: an address that does not answer at all is given up for the next one, without a trace of failure", async () => {
  await using silent = await SilentAddress.listen("127.0.0.3");
  await using server = await NextHopServer.start({}, silent.port);
  await using world = new World({ "*": withAddresses(server, ["127.0.0.3", "127.0.0.1"]) });
  const id = world.send(["bob@example.net"]);
  await world.queue.round(id);
  assertEquals(told(world.queue.events), [
    "delivered bob@example.net by mx1.example.net, attempt 1: 250 2.0.0 Queued",
  ]);
  assertEquals(attemptIn(world.queue.events).address, "127.0.0.1");
});

Deno.test("delivery: IPv6 that is refused leaves its trace, and the mail goes by IPv4 in the same attempt", async () => {
  await using server = await NextHopServer.start();
  await using world = new World({ "*": withAddresses(server, ["::1", "127.0.0.1"]) });
  const id = world.send(["bob@example.net"]);
  await world.queue.round(id);
  const [first, second, ...more] = world.queue.events;
  assertEquals([first && "address" in first && first.address, more], ["::1", []]);
  assertEquals(told([second!]), ["delivered bob@example.net by mx1.example.net, attempt 1: 250 2.0.0 Queued"]);
});
