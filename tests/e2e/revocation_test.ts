/**
 * What is taken back holds no longer at any node, while mail goes on: a password, an app password, an account, a key.
 *
 * The relay is a real process of two nodes, under load. A node believes a login for 5 seconds and an account's facts for
 * 2 (relay/logins.ts, relay/control_plane.ts); how long it took is printed, and bounded only generously: the machine may
 * be busy.
 */
import { assert, assertEquals } from "@std/assert";
import { encodeBase64 } from "@std/encoding";
import { Dialogue } from "../support/dialogue.ts";
import { startDnsServer } from "../support/dns_server.ts";
import { Load } from "../support/load.ts";
import { NextHopServer } from "../support/next_hop_server.ts";
import { openAccount, type RelayProcess, startRelay } from "../support/relay_process.ts";

const NODES = 2;
/** Clients that try without a pause. The system spreads their connections over the nodes by chance. */
const CLIENTS = 6;
/** So often in a row a client must be refused: that none of them met one of the nodes has a probability of 2^-47. */
const REFUSALS = 8;
/** Tries of each client before, so that all nodes have the login in their memory. */
const TRIES_BEFORE = 6;
/** For the worst of machines. */
const LIMIT_MS = 60_000;
const LOAD_CONNECTIONS = 4;

/** Whether something was allowed. */
type Try = () => Promise<boolean>;

/**
 * Tries at several clients, before and after something is taken back, until it is allowed nowhere any more.
 * @returns ms from the answer of `takeBack` to the end of the last try that was allowed; 0: none was.
 */
async function untilRefused(clients: readonly Try[], takeBack: () => Promise<void>): Promise<number> {
  for (let n = 0; n < TRIES_BEFORE; n++) {
    for (const allowed of await Promise.all(clients.map((each) => each()))) assert(allowed, "refused before");
  }
  await takeBack();
  const begun = performance.now();
  let last = 0;
  await Promise.all(clients.map(async (each) => {
    for (let refusals = 0; refusals < REFUSALS; refusals++) {
      if (!await each()) continue;
      refusals = -1;
      last = Math.max(last, performance.now() - begun);
      assert(last < LIMIT_MS, `still allowed after ${LIMIT_MS} ms`);
    }
  }));
  return last;
}

const code = async (client: Dialogue, command: string): Promise<string> => {
  await client.send(`${command}\r\n`);
  return (await client.reply()).at(-1)!.slice(0, 3);
};

/** A new connection for each try. */
const login = ({ smtpPort }: RelayProcess, username: string, password: string): Try => async () => {
  using client = await Dialogue.connect(smtpPort);
  await client.reply();
  await code(client, "EHLO client.test");
  const reply = await code(client, `AUTH PLAIN ${encodeBase64(`\0${username}\0${password}`)}`);
  assert(reply === "235" || reply === "535", reply);
  return reply === "235";
};

/** Mail in a session that was opened before. */
const mail = async (relay: RelayProcess, username: string, password: string, stack: DisposableStack): Promise<Try> => {
  const client = stack.use(await Dialogue.connect(relay.smtpPort));
  await client.reply();
  await code(client, "EHLO client.test");
  assertEquals(await code(client, `AUTH PLAIN ${encodeBase64(`\0${username}\0${password}`)}`), "235");
  return async () => {
    const reply = await code(client, "MAIL FROM:<>");
    assert(reply === "250" || reply === "550", reply);
    await code(client, "RSET");
    return reply === "250";
  };
};

Deno.test("revocation: under load, what is taken back holds at no node any more within seconds", async (t) => {
  await using nextHop = await NextHopServer.start();
  await using dns = startDnsServer({ "example.com": { A: ["192.0.2.1"] } });
  await using relay = await startRelay({
    MAILHOP_WORKERS: `${NODES}`,
    MAILHOP_ALLOW_PLAINTEXT_AUTH: "true",
    MAILHOP_MAX_AUTH_FAILURES: "100000",
    MAILHOP_MAX_CONNECTIONS_PER_ADDRESS: "1000",
    MAILHOP_MAX_JUNK_COMMANDS: "100000",
    MAILHOP_MAX_MESSAGES_PER_CONNECTION: "100000",
    MAILHOP_ROUTES: `*=127.0.0.1:${nextHop.port}`,
    MAILHOP_DNS: dns.setting,
  });
  await openAccount(relay, "load", 1_000_000);
  await relay.api("PATCH", "/policy/parameters", { brakeFloorRelays: 1_000_000, brakeFloorRecipients: 1_000_000 });
  assertEquals((await relay.api("POST", "/accounts/load/networks", { cidr: "127.0.0.1/32" })).status, 201);
  const password = await openAccount(relay, "anna");
  const made = async (path: string, body: unknown) =>
    (await relay.api<{ id: string; key: string; password: string }>("POST", `/accounts/anna/${path}`, body)).body;
  const done = async (method: string, path: string, body?: unknown) => {
    const { status } = await relay.api(method, `/accounts/anna${path}`, body);
    assert(status < 300, `${method} ${path}: ${status}`);
  };
  const clients = (each: Try) => Array.from({ length: CLIENTS }, () => each);
  const step = (what: string, seconds: number, measure: () => Promise<number>) =>
    t.step(what, async () => {
      const before = load.acknowledged.size;
      console.log(`${what}: allowed last after ${(await measure()).toFixed(0)} ms (stated: ${seconds} s)`);
      assert(load.acknowledged.size > before, "no mail went meanwhile");
    });

  const load = new Load(Infinity);
  const running = load.run(relay.smtpPort, LOAD_CONNECTIONS);
  await load.reaches(50);

  await step("an app password", 5, async () => {
    const { id, password } = await made("passwords", { label: "phone" });
    return untilRefused(clients(login(relay, "anna", password)), () => done("DELETE", `/passwords/${id}`));
  });
  await step("an API key", 0, async () => {
    const { id, key } = await made("keys", { label: "monitoring" });
    const look: Try = async () => {
      const headers = { authorization: `Bearer ${key}` };
      const response = await fetch(`http://127.0.0.1:${relay.httpPort}/v1/accounts/anna`, { headers });
      await response.body?.cancel();
      // After many that were refused it is told to slow down.
      assert([200, 401, 429].includes(response.status), `${response.status}`);
      return response.ok;
    };
    return await untilRefused(clients(look), () => done("DELETE", `/keys/${id}`));
  });
  await step("an account, in sessions that are open", 2, async () => {
    using stack = new DisposableStack();
    const sessions = await Promise.all(
      clients(() => Promise.resolve(true)).map(() => mail(relay, "anna", password, stack)),
    );
    return await untilRefused(sessions, () => done("PATCH", "", { status: "suspended" }));
  });
  await done("PATCH", "", { status: "active" });
  await step(
    "a password",
    5,
    () =>
      untilRefused(
        clients(login(relay, "anna", password)),
        () => done("PUT", "/password", { password: "another one" }),
      ),
  );

  load.enough();
  await running;
  assertEquals(load.lostConnections, 0);
});
