/**
 * Good sessions, damaged at random, over real sockets: the server neither crashes nor hangs nor grows, and whatever it
 * says is well-formed replies.
 */
import { setImmediate } from "node:timers/promises";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { dialogues } from "../relay/smtp/dialogues.ts";
import { type Edge, startEdge } from "../support/edge.ts";
import { assertGrownByLess, type MemoryUse, memoryUse } from "../support/memory_growth.ts";
import { mutation } from "../support/mutations.ts";
import { fromLatin1 } from "../support/octets.ts";
import { assertReplies } from "../support/reply_grammar.ts";
import { groupOctets } from "../support/scripted_conn.ts";
import { groupsOf, testRules } from "../support/session_dialogue.ts";
import { holds, sizeOf } from "../support/size.ts";
import { WatchedListener } from "../support/watched_listener.ts";
import { within } from "../support/within.ts";

const SESSIONS = { ci: 2000, large: 50_000 };
/** Sessions until all code is compiled and all buffers are made: growth is counted from there. */
const WARM_UP = sizeOf(SESSIONS) / 10;
/** What garbage collection and the allocator leave to chance; a leak of 200 octets a session is beyond it. */
const MAX_GROWTH: MemoryUse = { heapBytes: 8 * 2 ** 20, rssBytes: 96 * 2 ** 20 };

const recorded = dialogues.map((dialogue) => ({
  dialogue,
  turns: groupsOf(dialogue).slice(1).map((group) => fromLatin1(groupOctets(group))),
}));

/** How a session is played. */
interface Manner {
  /** Octets that arrive at once. */
  readonly atOnce: number;
  /** "early": does not wait for the greeting; "hurried": does not wait for replies. */
  readonly haste: "patient" | "hurried" | "early";
  readonly end: "finish" | "vanish";
}

const session = fc.record({
  which: fc.nat(recorded.length - 1),
  mutations: fc.array(mutation, { minLength: 1, maxLength: 4, size: "max" }),
  manner: fc.record<Manner>({
    atOnce: fc.constantFrom(1, 100, 1400, Infinity, Infinity),
    haste: fc.constantFrom("patient", "patient", "hurried", "early"),
    end: fc.constantFrom("finish", "finish", "vanish"),
  }),
});

/** Beyond this a session that comes octet by octet is not worth its time. */
const MAX_SINGLE_OCTETS = 1500;

/** Characters of a session in the message of a failure. */
const MAX_SHOWN = 4000;

class Served implements AsyncDisposable {
  readonly edge: Edge;
  readonly #watched = new WatchedListener();

  constructor(dialogue: (typeof dialogues)[number]) {
    this.edge = startEdge(dialogue);
    this.edge.server.serve(this.#watched.listener, dialogue.tls ?? false);
  }

  async play(turns: readonly string[], { atOnce, haste, end }: Manner): Promise<void> {
    using client = await this.#watched.connect();
    if (haste !== "early") await client.greeted();
    for (const turn of turns) {
      const octets = turn.length > MAX_SINGLE_OCTETS ? Math.max(atOnce, 1400) : atOnce;
      for (let at = 0; at < turn.length; at += octets) {
        const piece = turn.slice(at, at + octets);
        await (haste === "patient" ? client.send(piece) : client.throwIn(piece));
      }
    }
    if (end === "vanish") return await client.vanish();
    assertReplies(await client.finish(), testRules.hostname);
  }

  /** Nothing of the sessions before is left but memory that ought to be free. */
  forget(): void {
    const { spool, admission, troubles } = this.edge.context;
    assertEquals(troubles, []);
    for (const list of [spool.messages, spool.discarded, admission.facts, admission.granted, admission.refunded]) {
      list.length = 0;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.edge.drain(0);
  }
}

async function noneOpen({ server }: Edge): Promise<void> {
  while (server.openConnections > 0) await setImmediate();
}

Deno.test("conformance: damaged sessions neither crash nor hang the server, nor leave anything behind", async () => {
  await using stack = new AsyncDisposableStack();
  const served = recorded.map(({ dialogue }) => stack.use(new Served(dialogue)));
  const rejections: unknown[] = [];
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    rejections.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  stack.defer(() => globalThis.removeEventListener("unhandledrejection", onRejection));
  let sessions = 0;
  let before: MemoryUse | undefined;

  await holds(
    fc.asyncProperty(session, async ({ which, mutations, manner }) => {
      const turns = mutations.reduce((turns, mutate) => mutate(turns), recorded[which]!.turns);
      try {
        await served[which]!.play(turns, manner);
        served[which]!.forget();
        assertEquals(rejections, []);
      } catch (cause) {
        throw new Error(`the damaged session: ${JSON.stringify(turns).slice(0, MAX_SHOWN)}`, { cause });
      }
      if (++sessions === WARM_UP) before = memoryUse();
    }),
    SESSIONS,
    import.meta.filename,
  );

  assertGrownByLess(before!, MAX_GROWTH);
  for (const { edge } of served) await within(noneOpen(edge), "closing all connections");
  // And it still serves.
  for (const [at, { turns }] of recorded.entries()) {
    await served[at]!.play(turns, { atOnce: Infinity, haste: "patient", end: "finish" });
  }
});
