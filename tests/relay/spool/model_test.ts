/**
 * Random histories of a spool against a model that fits in a few maps: what it acknowledged, and nothing else, is what
 * it gives out, before and after crashes. Two kinds of crash: the process is killed and the files stay as they are, or
 * the power fails and the index falls back to what was last synced. `MAILHOP_TEST_RUNS` sets how many histories.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import fc from "fast-check";
import type { NodeEvent } from "../../../api/client.ts";
import type { RecipientState } from "../../../relay/envelope.ts";
import { IndexStore } from "../../../relay/spool/index_store.ts";
import { earliestDue, hasEnded, initialStates } from "../../../relay/spool/recipient_states.ts";
import type { Outcome, QueuedMessage } from "../../../relay/spool/types.ts";
import {
  accept,
  contentOf,
  crashCopy,
  dsnFor,
  envelope,
  newDirectory,
  nextTurn,
  openTestSpool,
  readContent,
  START,
  state,
  takeAll,
  type TestSpool,
} from "../../support/spool_on_disk.ts";

type Command =
  | { readonly do: "accept"; readonly octets: number; readonly recipients: number }
  | { readonly do: "take" | "checkpoint" | "restart" }
  | { readonly do: "give back" | "claim"; readonly which: number }
  | {
    readonly do: "record";
    readonly which: number;
    readonly status: RecipientState["status"];
    readonly all: boolean;
    readonly delayMs: number;
  }
  | { readonly do: "compact"; readonly turns: number }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "crash"; readonly power: boolean; readonly inFlight: number; readonly turns: number };

/** So small that segments are filled, recycled and used again within a history. */
const SEGMENT_BYTES = 24 * 1024;
const RUNS = Number(Deno.env.get("MAILHOP_TEST_RUNS") ?? 25);
const LARGE = 256 * 1024 + 1;

const commands: fc.Arbitrary<Command[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant("accept" as const),
        octets: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 9000 }) }, {
          weight: 1,
          arbitrary: fc.constant(LARGE),
        }),
        recipients: fc.integer({ min: 1, max: 3 }),
      }),
    },
    { weight: 6, arbitrary: fc.constant({ do: "take" as const }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant("record" as const),
        which: fc.nat(20),
        status: fc.constantFrom("queued" as const, "held" as const, "delivered" as const, "bounced" as const),
        all: fc.boolean(),
        delayMs: fc.nat(5000),
      }),
    },
    { weight: 6, arbitrary: fc.record({ do: fc.constant("give back" as const), which: fc.nat(20) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("claim" as const), which: fc.nat(40) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat(5000) }) },
    { weight: 1, arbitrary: fc.constant({ do: "checkpoint" as const }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("compact" as const), turns: fc.nat(6) }) },
    { weight: 1, arbitrary: fc.constant({ do: "restart" as const }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("crash" as const),
        power: fc.boolean(),
        inFlight: fc.nat(4),
        turns: fc.nat(3),
      }),
    },
  ),
  { minLength: 10, maxLength: 120, size: "max" },
);

interface Known {
  readonly octets: number;
  states: readonly RecipientState[];
}

class History {
  /** What was acknowledged and has not ended. */
  readonly live = new Map<string, Known>();
  readonly #taken = new Map<string, QueuedMessage>();
  /** Ids of events that the control plane has to hear of, and those it heard of. */
  readonly events = new Set<string>();
  readonly told = new Set<string>();
  #test!: TestSpool;
  /** The index as it was when it was last synced. */
  #synced: string | undefined;
  #now = START;
  #numbers = 0;
  #compactions: Promise<void>[] = [];
  #calls = 0;

  async open(directory: string): Promise<void> {
    this.#test = await openTestSpool(directory, {
      segmentBytes: SEGMENT_BYTES,
      now: () => this.#now,
      deliver: (items) => {
        if (this.#calls++ % 3 === 1) return Promise.reject(new Error("away"));
        for (const { event } of items) this.told.add(event.id);
        return Promise.resolve();
      },
    });
    this.synced();
  }

  /** The index was synced: a power failure does not undo what it has now. */
  synced(): void {
    this.#synced ??= newDirectory();
    copyIndex(this.#test.directory, this.#synced);
  }

  async run(command: Command): Promise<void> {
    const { spool } = this.#test;
    switch (command.do) {
      case "accept": {
        const id = await this.#accept(command.octets, command.recipients);
        this.live.set(id, this.#fresh(id, command.octets, command.recipients));
        this.events.add(id);
        return;
      }
      case "take":
        return await this.#take();
      case "claim":
        return await this.#claim(command.which);
      case "record":
        return await this.#record(command);
      case "give back": {
        const id = this.#pick(command.which);
        if (id === undefined) return;
        this.#taken.delete(id);
        spool.giveBack(id);
        return;
      }
      case "wait":
        this.#now += command.ms;
        return;
      case "checkpoint":
        return await spool.checkpoint();
      case "compact":
        return await this.#compact(command.turns);
      case "restart":
        await this.#close();
        this.#taken.clear();
        await this.open(this.#test.directory);
        return;
      case "crash":
        return await this.#crash(command);
    }
  }

  /** Takes everything and compares; and hands all events over. */
  async end(): Promise<void> {
    await this.#close();
    await this.open(this.#test.directory);
    await this.#compare(this.#test, new Map());
    await this.#test.outbox.drained();
    for (const id of this.events) assert(this.told.has(id), `event ${id} was lost`);
    assertEquals(this.#test.damagedMessages, []);
    assertEquals(this.#test.damagedSegments, []);
    await this.#close();
  }

  async #accept(octets: number, recipients: number, id = `m${this.#numbers++}`): Promise<string> {
    await accept(this.#test.spool, this.#envelope(id, recipients), contentOf(id, octets));
    return id;
  }

  #envelope(id: string, recipients: number) {
    const names = Array.from({ length: recipients }, (_, n) => `r${n}@example.net`);
    return envelope(id, { recipients: names, receivedAt: this.#now });
  }

  #fresh(id: string, octets: number, recipients: number): Known {
    return { octets, states: initialStates(this.#envelope(id, recipients)) };
  }

  async #take(): Promise<void> {
    const message = this.#test.spool.take(this.#now);
    if (message === undefined) return await nextTurn(); // perhaps one is loaded meanwhile
    const { id } = message.envelope;
    assert(!this.#taken.has(id), `${id} was taken twice`);
    await this.#check(message, this.live.get(id));
    this.#taken.set(id, message);
  }

  /** Of any message, whether it is due or not. */
  async #claim(which: number): Promise<void> {
    const id = [...this.live.keys()][which % this.live.size];
    if (id === undefined) return;
    const message = await this.#test.spool.claim(id);
    if (message === "taken") return assert(this.#taken.has(id), `${id} is said to be taken`);
    if (message === undefined) throw new Error(`${id} is not there`);
    assert(!this.#taken.has(id), `${id} was taken twice`);
    await this.#check(message, this.live.get(id));
    this.#taken.set(id, message);
  }

  async #record(command: Command & { do: "record" }): Promise<void> {
    const messageId = this.#pick(command.which);
    if (messageId === undefined) return;
    const known = this.live.get(messageId);
    if (known === undefined) return; // it has ended
    const changes = known.states.flatMap(({ status }, recipient) =>
      !hasEnded(status) && (command.all || recipient === 0)
        ? [{ recipient, state: state(command.status, this.#now + command.delayMs) }]
        : []
    );
    const event = this.#event(messageId);
    const dsn = command.status === "bounced" && changes.length > 0 && !messageId.startsWith("dsn")
      ? dsnFor(`${this.#numbers++}`)
      : undefined;
    const outcome: Outcome = { messageId, changes, events: [event], ...(dsn && { dsn }) };
    await this.#test.spool.record(outcome);
    this.events.add(event.id);
    known.states = known.states.map((old, at) => changes.find(({ recipient }) => recipient === at)?.state ?? old);
    if (earliestDue(known.states) === undefined) this.live.delete(messageId);
    if (dsn !== undefined) {
      const { envelope, content } = dsn;
      this.live.set(envelope.id, { octets: content.length, states: initialStates(envelope) });
      this.events.add(envelope.id);
    }
  }

  async #close(): Promise<void> {
    await this.#test.close();
    await Promise.all(this.#compactions.splice(0));
  }

  /** Lets so many turns pass; the pass goes on beside what comes next, a crash included. */
  async #compact(turns: number): Promise<void> {
    this.#compactions.push(this.#test.spool.compact());
    for (let turn = 0; turn < turns; turn++) await nextTurn();
  }

  #pick(which: number): string | undefined {
    return [...this.#taken.keys()][which % this.#taken.size];
  }

  #event(messageId: string): NodeEvent {
    const id = `e${this.#numbers++}`;
    return { id, messageId, account: "alice", at: this.#now, type: "expired", recipients: [], reply: "" };
  }

  async #crash({ power, inFlight, turns }: Command & { do: "crash" }): Promise<void> {
    const acknowledged: string[] = [];
    const maybe = new Map<string, Known>();
    const pending = Array.from({ length: inFlight }, async (_, n) => {
      const id = `m${this.#numbers++}`, octets = 500 * n;
      maybe.set(id, this.#fresh(id, octets, 1));
      acknowledged.push(await this.#accept(octets, 1, id));
    });
    for (let turn = 0; turn < turns; turn++) await nextTurn();
    const directory = crashCopy(this.#test.directory);
    if (power) copyIndex(this.#synced!, directory);
    for (const id of acknowledged) {
      this.live.set(id, maybe.get(id)!);
      this.events.add(id);
      maybe.delete(id);
    }
    await Promise.all(pending);
    await this.#close();
    this.#taken.clear();
    {
      await using probe = await openTestSpool(crashCopy(directory), { segmentBytes: SEGMENT_BYTES });
      await this.#compare(probe, maybe);
    }
    await this.open(directory);
  }

  /** All that is live is there as it should be; beside it only what was being accepted, which is live from now on. */
  async #compare(test: TestSpool, maybe: ReadonlyMap<string, Known>): Promise<void> {
    await this.#compareEntries(test, maybe);
    const found = new Set<string>();
    for (const message of await takeAll(test, Infinity)) {
      const { id } = message.envelope;
      assert(!found.has(id), `${id} is there twice`);
      found.add(id);
      const known = maybe.get(id);
      if (known !== undefined) this.live.set(id, known);
      await this.#check(message, this.live.get(id));
    }
    assertEquals([...found].sort(), [...this.live.keys()].sort());
    assertEquals(test.damagedMessages, []);
    assertEquals(test.troubles.filter((trouble) => !String(trouble).includes("away")), []);
  }

  /** Who looks at all that is there sees each message once, as it stands. */
  async #compareEntries({ spool }: TestSpool, maybe: ReadonlyMap<string, Known>): Promise<void> {
    const seen = (await Array.fromAsync(spool.entries())).flat();
    assertEquals(new Set(seen.map(({ id }) => id)).size, seen.length);
    for (const { id, recipients, domains } of seen) {
      assertEquals(recipients, (maybe.get(id) ?? this.live.get(id))?.states);
      assertEquals(domains.length, recipients.length);
    }
    for (const id of this.live.keys()) assert(seen.some((entry) => entry.id === id), `${id} is not seen`);
  }

  async #check(message: QueuedMessage, known: Known | undefined): Promise<void> {
    const { id } = message.envelope;
    if (known === undefined) throw new Error(`${id} is given out, but was never acknowledged, or has ended`);
    assertEquals(message.recipients, known.states);
    assertEquals(await readContent(message), contentOf(id, known.octets));
  }
}

function copyIndex(from: string, to: string): void {
  const isIndex = ({ name }: Deno.DirEntry) => name.startsWith("index.db");
  for (const { name } of [...Deno.readDirSync(to)].filter(isIndex)) Deno.removeSync(join(to, name));
  for (const { name } of [...Deno.readDirSync(from)].filter(isIndex)) {
    Deno.copyFileSync(join(from, name), join(to, name));
  }
}

Deno.test("spool: gives out what it acknowledged and nothing else, in any history with crashes", async () => {
  const { sync } = IndexStore.prototype;
  let history: History | undefined;
  IndexStore.prototype.sync = async function () {
    await sync.call(this);
    history?.synced();
  };
  try {
    await fc.assert(
      fc.asyncProperty(commands, async (list) => {
        const fresh = new History();
        await fresh.open(newDirectory());
        history = fresh;
        for (const command of list) await fresh.run(command);
        await fresh.end();
        history = undefined;
      }),
      { numRuns: RUNS },
    );
  } finally {
    IndexStore.prototype.sync = sync;
  }
});
