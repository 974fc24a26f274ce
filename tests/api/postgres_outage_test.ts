/** The database goes away, or hangs, and comes back; the control plane does not have to be started again. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { openDatabase } from "../../api/store/database.ts";
import { DatabaseUnusable } from "../../api/store/trouble.ts";
import { plainResponse } from "../support/dialogue.ts";
import { freePort } from "../support/free_port.ts";
import { DATA, FORGOTTEN_MS, MESSAGE, passwordOf, PROBE_MS, startTestNode } from "../support/node.ts";
import { startPostgres, testsOnPostgres } from "../support/postgres.ts";
import { eventually } from "../support/relay_process.ts";
import { UnreliableProxy } from "../support/unreliable_proxy.ts";
import { type Answer, startControlPlane, type TestControlPlane } from "./control_plane.ts";

const test = await testsOnPostgres();
const DAY = "2026-11-23";
const AT_ONCE = 8;
const LIMIT = 150;

/** Asks without a pause, and counts what it is answered. */
class Load {
  /** Reservations, by what is known of them. */
  readonly granted = new Set<string>();
  readonly settled = new Set<string>();
  readonly unknown = new Set<string>();
  readonly failures: Answer[] = [];
  readonly #api: TestControlPlane;
  readonly #running: Promise<void>[];
  #answers = 0;
  #ids = 0;
  #ended = false;

  constructor(api: TestControlPlane) {
    this.#api = api;
    this.#running = Array.from({ length: AT_ONCE }, () => this.#run());
  }

  get answers(): number {
    return this.#answers;
  }

  async end(): Promise<void> {
    this.#ended = true;
    await Promise.all(this.#running);
  }

  async #run(): Promise<void> {
    while (!this.#ended) {
      const item = { id: `r${this.#ids++}`, username: "alice", relays: 1, ndr: false };
      const reserved = await this.#ask("reservations", item);
      if (reserved === null) this.unknown.add(item.id);
      if (!reserved?.items[0].granted) continue;
      this.granted.add(item.id);
      if (await this.#ask("settlements", { ...item, day: DAY }) !== null) this.settled.add(item.id);
    }
  }

  // deno-lint-ignore no-explicit-any -- whatever JSON came
  async #ask(call: string, item: unknown): Promise<any> {
    const answer = await this.#api.nodeCall(call, { items: [item] });
    if (answer.status === 200) this.#answers++;
    else this.failures.push(answer);
    return answer.status === 200 ? answer.body : null;
  }
}

test("database killed under load: 503 meanwhile, then it goes on by itself; what was answered is kept, and no limit is passed", async (postgres) => {
  await using database = await postgres.newDatabase();
  await using api = await startControlPlane({ database: database.location });
  await api.account("alice");
  await api.blocks("alice", 1);
  const load = new Load(api);
  const more = async (what: () => number, count: number) => {
    const until = what() + count;
    await eventually(() => what() >= until ? true : undefined, "the load to go on");
  };
  await more(() => load.settled.size, 20);
  await postgres.crash();
  await more(() => load.failures.length, 50);
  const ready = await api.request("GET", "/readyz");
  assertEquals([ready.status, ready.body.checks.database], [503, "does not answer"]);
  const asked = await api.request("GET", "/v1/accounts/alice");
  assertEquals([asked.status, asked.headers.get("retry-after")], [503, "5"]);
  await postgres.start();
  await more(() => load.answers, 50);
  await load.end();

  for (const { status, headers, body } of load.failures) {
    assertEquals([status, headers.get("content-type")], [503, "application/problem+json"]);
    assertEquals(body.type, "/problems/database-unavailable");
  }
  const used = await api.used("alice");
  assert(used >= load.granted.size && used <= load.granted.size + load.unknown.size, `${used} used`);
  assert(used <= LIMIT, `${used} used`);
  // What was not settled comes back with the node's next start; what was is there.
  await api.nodeCall("recover", { boot: "b2" });
  const charged = await api.used("alice");
  assert(charged >= load.settled.size && charged <= load.granted.size, `${charged} of ${load.settled.size} charged`);
});

test("database killed: logins get 454, mail 451 and never a refusal, and the node goes on when it is back", async (postgres) => {
  await using database = await postgres.newDatabase();
  await using node = await startTestNode({ database: database.location });
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await node.account("bob");
  using late = await node.hello();
  const login = `C: AUTH PLAIN ${plainResponse("bob", passwordOf("bob"))}`;
  await postgres.crash();
  node.pass(FORGOTTEN_MS);
  await late.play(`${login}\nS: 454 4.7.0 Accounts cannot be looked up now: try again in a minute`);
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 451 4.3.0 Temporary local error: try again later
  `);
  (await node.login("anna")).close(); // she is remembered
  await postgres.start();
  node.pass(PROBE_MS);
  await late.play(`${login}\nS: 235 2.7.0 Authenticated`);
  await client.play(MESSAGE);
  // Between MAIL and the end of the data it is gone again.
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 250 2.1.0 Sender OK
    C: RCPT TO:<friend@example.net>
    S: 250 2.1.5 Recipient OK
  `);
  await postgres.crash();
  await client.play(`
    ${DATA}
    C: From: anna@example.com
    C: .
    S: 451 4.3.0 Temporary local error: try again later
  `);
  await postgres.start();
  node.pass(PROBE_MS);
  await client.play(MESSAGE);
  await eventually(
    async () => await node.used("anna") === 2 ? true : undefined,
    "what was not accepted to be given back",
  );
});

test("database that hangs: 503 within the time that a node waits, and no connection that hung is used again", async (postgres) => {
  await using database = await postgres.newDatabase();
  await using proxy = new UnreliableProxy(database.location.port);
  await using api = await startControlPlane({ database: { ...database.location, port: proxy.port } });
  await api.account("alice");
  proxy.stall();
  const began = performance.now();
  const statuses = (await Promise.all(Array.from({ length: 30 }, () => api.request("GET", "/v1/accounts/alice"))))
    .map(({ status }) => status);
  assertEquals(new Set(statuses), new Set([503]));
  assert(performance.now() - began < 10_000, "a node would have given up");
  proxy.resume();
  assertEquals((await api.request("GET", "/v1/accounts/alice")).status, 200);
});

test("start: a server that is not there yet is waited for, with one word to the operator; not for ever", async () => {
  await using postgres = await startPostgres();
  await using database = await postgres.newDatabase();
  await postgres.crash();
  const told: string[] = [];
  const told1 = Promise.withResolvers<void>();
  const opening = openDatabase(database.location, {
    onWait: (server, why) => {
      told.push(`${server}: ${why}`);
      told1.resolve();
    },
  });
  await told1.promise;
  await postgres.start();
  await using _ = await opening;
  const { host, port, database: name } = database.location;
  assertEquals(told.length, 1);
  assert(told[0]!.startsWith(`${name} at ${host}:${port}: `), told[0]);

  const nowhere = { ...database.location, port: freePort() };
  await assertRejects(
    () => openDatabase(nowhere, { patienceMs: 0 }),
    DatabaseUnusable,
    `the database ${name} at ${host}:${nowhere.port} cannot be used: `,
  );
});
