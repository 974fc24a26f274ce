/**
 * Twelve next hops as nobody wants them, each a TCP server on a port of its own. Some answer and never end, some never
 * answer, some end at the worst moment; none takes a message.
 *
 * What they send is bounded by what is read: a flood stops where the reader's window is full.
 */
import { NextHopServer, type Script } from "./next_hop_server.ts";
import { SELF_SIGNED } from "./self_signed.ts";

export interface HostileNextHop extends AsyncDisposable {
  readonly port: number;
  /** Connections it has seen so far. */
  readonly connections: number;
  /** The most that were open at the same time. */
  readonly mostOpen: number;
}

type Behaviour = (conn: Deno.TcpConn, ended: AbortSignal) => Promise<void>;

const encoder = new TextEncoder();
const FLOOD = encoder.encode("250-more and more and more\r\n".repeat(2000));
const ENDLESS_LINE = new Uint8Array(64 * 1024).fill("A".charCodeAt(0));
const GARBAGE = Uint8Array.from({ length: 4096 }, (_, at) => (at * 167 + 13) % 256);
const DRIP_MS = 100;

/** Never says a word, and never closes. */
const halfOpen: Behaviour = (_, ended) => until(ended);

/** Greets, and then takes all the time of the world for each answer. */
const tarpit: Behaviour = async (conn, ended) => {
  await say(conn, "220 tarpit.test ESMTP\r\n");
  await until(ended);
};

/** An octet of its greeting now and then. */
const slowDrip: Behaviour = async (conn, ended) => {
  await say(conn, "220-");
  while (!ended.aborted) {
    await say(conn, "a");
    await new Promise((resolve) => setTimeout(resolve, DRIP_MS));
  }
};

/** A reply of ever more lines. */
const endlessReply: Behaviour = async (conn, ended) => {
  while (!ended.aborted) await write(conn, FLOOD);
};

/** A greeting whose first line has no end. */
const endlessLine: Behaviour = async (conn, ended) => {
  await say(conn, "220 ");
  while (!ended.aborted) await write(conn, ENDLESS_LINE);
};

/** Replies that nobody asked for, complete ones, without an end. */
const replyFlood: Behaviour = async (conn, ended) => {
  const replies = encoder.encode("220 flood.test ESMTP\r\n".repeat(2000));
  while (!ended.aborted) await write(conn, replies);
};

/** Another protocol, or none. */
const garbage: Behaviour = async (conn) => {
  await write(conn, GARBAGE);
};

/** Hangs up without a word. */
const hangsUp: Behaviour = () => Promise.resolve();

const STAGES = ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "content"];

/** Closes at another stage each time. */
const closesAtEachStage: Script = (input, { number }) =>
  input.startsWith(STAGES[number % STAGES.length]!) ? { close: null } : undefined;

const storm421: Script = () => ({ close: "421 4.3.2 Too busy" });

/** 4yz to everything but its greeting and EHLO. */
const defersAll: Script = (input) => /^(greeting|EHLO|QUIT|RSET)/.test(input) ? undefined : "450 4.7.1 Not now";

/** STARTTLS leads to plaintext, and the plain connection after it to 421. */
const breaksTls: Script = (input) => {
  if (input === "STARTTLS") return { close: "220 2.0.0 Go ahead" };
  return input.startsWith("MAIL") ? { close: "421 4.3.2 Not in plain" } : undefined;
};

const BY_BEHAVIOUR = {
  "half-open": halfOpen,
  tarpit,
  "slow-drip": slowDrip,
  "endless-reply": endlessReply,
  "endless-line": endlessLine,
  "reply-flood": replyFlood,
  garbage,
  "hangs-up": hangsUp,
};
const BY_SCRIPT = {
  "closes-at-each-stage": { script: closesAtEachStage },
  "storm-421": { script: storm421 },
  "defers-all": { script: defersAll },
  "breaks-tls": { script: breaksTls, tls: SELF_SIGNED },
};

/** By name, a dozen. */
export type HostileNextHops = ReadonlyMap<string, HostileNextHop>;

export async function startHostileNextHops(): Promise<{ readonly hops: HostileNextHops } & AsyncDisposable> {
  await using started = new AsyncDisposableStack();
  const hops = new Map<string, HostileNextHop>();
  for (const [name, behaviour] of Object.entries(BY_BEHAVIOUR)) hops.set(name, started.use(new RawHop(behaviour)));
  for (const [name, options] of Object.entries(BY_SCRIPT)) {
    hops.set(name, new ScriptedHop(started.use(await NextHopServer.start(options))));
  }
  const held = started.move();
  return { hops, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

class ScriptedHop implements HostileNextHop {
  constructor(private readonly server: NextHopServer) {}

  get port(): number {
    return this.server.port;
  }

  get connections(): number {
    return this.server.connections.length;
  }

  get mostOpen(): number {
    return this.server.mostOpen;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.server[Symbol.asyncDispose]();
  }
}

class RawHop implements HostileNextHop {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #ending = new AbortController();
  readonly #open = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;
  connections = 0;
  mostOpen = 0;

  constructor(behaviour: Behaviour) {
    this.#accepting = this.#accept(behaviour);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    this.#listener.close();
    for (const conn of this.#open) this.#close(conn);
    await this.#accepting;
  }

  async #accept(behaviour: Behaviour): Promise<void> {
    const serving: Promise<void>[] = [];
    for await (const conn of this.#listener) serving.push(this.#serve(conn, behaviour));
    await Promise.all(serving);
  }

  async #serve(conn: Deno.TcpConn, behaviour: Behaviour): Promise<void> {
    this.connections++;
    this.#open.add(conn);
    this.mostOpen = Math.max(this.mostOpen, this.#open.size);
    const gone = new AbortController();
    const ended = AbortSignal.any([this.#ending.signal, gone.signal]);
    try {
      await Promise.all([
        behaviour(conn, ended).finally(() => this.#close(conn)),
        drain(conn).finally(() => gone.abort()),
      ]);
    } catch (error) {
      // The relay has had enough.
      if (!(error instanceof Error)) throw error;
    } finally {
      this.#close(conn);
    }
  }

  #close(conn: Deno.TcpConn): void {
    if (this.#open.delete(conn)) conn.close();
  }
}

async function drain(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(4096);
  while (await conn.read(buffer) !== null);
}

async function say(conn: Deno.TcpConn, text: string): Promise<void> {
  await write(conn, encoder.encode(text));
}

async function write(conn: Deno.TcpConn, octets: Uint8Array): Promise<void> {
  for (let at = 0; at < octets.length;) at += await conn.write(octets.subarray(at));
}

function until(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
