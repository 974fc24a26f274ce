/** Several nodes in one process: who is served by whom, what they share, and what the death of one costs. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay.js";
import { join } from "@std/path";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { PortUnavailable } from "../../../relay/listeners.ts";
import type { Snapshot } from "../../../relay/metrics/node_metrics.ts";
import { issueLeaf, makeAuthority } from "../../../relay/tls/own_authority.ts";
import { NodeNotStarted } from "../../../relay/workers/crew.ts";
import { startTestCrew, type TestCrew } from "../../support/crew.ts";
import { type Dialogue, plainResponse } from "../../support/dialogue.ts";
import { CRASH_DOMAIN } from "../../support/faulty_node.ts";
import { passwordOf } from "../../support/node.ts";
import { eventually } from "../../support/relay_process.ts";
import { accept, contentOf, envelope, openTestSpool } from "../../support/spool_on_disk.ts";

async function logIn(client: Dialogue, username: string): Promise<void> {
  await client.play(`C: AUTH PLAIN ${plainResponse(username, passwordOf(username))}\nS: 235 2.7.0 Authenticated`);
}

async function send(client: Dialogue, subject: string): Promise<string> {
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 250 2.1.0 …
    C: RCPT TO:<ben@example.net>
    S: 250 2.1.5 …
    C: DATA
    S: 354 …
    C: Subject: ${subject}
    C: From: anna@example.com
    C:
    C: text
    C: .
  `);
  const [reply = ""] = await client.reply();
  assertMatch(reply, /^250 2\.0\.0 OK: queued as \w+$/);
  return reply.split(" ").at(-1)!;
}

/** Makes a node end by an error that nobody catches. */
async function crash(crew: TestCrew, node: number): Promise<void> {
  using client = await crew.connectTo(node);
  await logIn(client, "anna");
  await client.send(`MAIL FROM:<x@${CRASH_DOMAIN}>\r\n`);
  await eventually(() => crew.crew.trouble() ?? undefined, "the node's end");
}

const allUp = (crew: TestCrew) => eventually(() => crew.crew.trouble() === null || undefined, "all nodes");

Deno.test("crew: sessions land on all nodes, and each delivers what it took in", async () => {
  await using crew = await startTestCrew(3);
  const ids: string[] = [];
  for (const node of [0, 1, 2]) {
    using client = await crew.connectTo(node);
    await logIn(client, "anna");
    ids.push(await send(client, `by node ${node}`));
  }
  await crew.nextHop.until(({ received }) => received.length === 3);
  assertEquals(
    crew.nextHop.received.map(({ content }) => /^Subject: (.*)\r$/m.exec(content)?.[1]).toSorted(),
    ["by node 0", "by node 1", "by node 2"],
  );
  for (const id of ids) {
    await eventually(async () => {
      const { events } = await crew.api("GET", `/messages/${id}`).catch(() => ({ events: [] }));
      return events.length === 2 || undefined;
    }, `the history of ${id}`);
  }
  assertEquals((await crew.api("GET", "/accounts/anna/quota")).used, 3);
});

Deno.test("crew: an error that nobody catches ends one node; the others' sessions go on, and it comes back with its mail", async () => {
  await using crew = await startTestCrew(3);
  using bystander = await crew.connectTo(0);
  await logIn(bystander, "anna");
  crew.nextHop.script = (input) => input === "content" ? "silence" : undefined;
  {
    using client = await crew.connectTo(1);
    await logIn(client, "anna");
    await send(client, "queued when its node ends");
  }
  await crew.nextHop.until(({ transcript }) => transcript.some((line) => line.endsWith("octets)")));
  await crash(crew, 1);
  crew.nextHop.script = () => undefined;
  await send(bystander, "the bystander's");
  await allUp(crew);
  await crew.nextHop.until(({ received }) => received.length === 2);
  using again = await crew.connectTo(1);
  await logIn(again, "anna");
  assertEquals(
    crew.nextHop.received.map(({ content }) => /^Subject: (.*)\r$/m.exec(content)?.[1]).toSorted(),
    ["queued when its node ends", "the bystander's"],
  );
});

Deno.test("crew: connections are counted over all nodes, and those of a node that ends are given back", async () => {
  await using crew = await startTestCrew(3, { maxConnectionsPerAddress: 6 });
  using clients = new DisposableStack();
  const nodes: (number | string)[] = [];
  while (nodes.length < 5) {
    const { client, node } = await crew.connect();
    clients.use(client);
    nodes.push(node);
  }
  assertEquals(nodes.filter((node) => typeof node === "string"), []);
  const victim = nodes[0] as number, lost = nodes.filter((node) => node === victim).length;
  // The sixth place, as long as it takes to meet the node.
  await crash(crew, victim);
  await allUp(crew);
  for (let free = lost + 1; free > 0; free--) {
    // What was closed just now may still be counted.
    await eventually(async () => {
      const { client, node } = await crew.connect();
      clients.use(client);
      return typeof node === "number" || undefined;
    }, "a free place");
  }
  const { client, node } = await crew.connect();
  clients.use(client);
  assertEquals(node, "421 4.7.0 Too many connections from your address: close some or try later");
});

Deno.test("crew: the figures of a node that is down are left out and counted, and it counts from nought when it is back", async () => {
  await using crew = await startTestCrew(2);
  const decisions = (of: ReadonlyMap<number, Snapshot>, node: number) =>
    of.get(node)?.find(({ name }) => name === "mailhop_decisions_total")?.values.length;
  const whole = await crew.crew.metrics();
  assertEquals([[...whole.answered.keys()].toSorted(), whole.silent], [[0, 1], 0]);
  await crash(crew, 1);
  const part = await crew.crew.metrics();
  assertEquals([[...part.answered.keys()], part.silent], [[0], 1]);
  await allUp(crew);
  const again = await crew.crew.metrics();
  assertEquals([again.silent, decisions(again.answered, 1)], [0, 0]);
});

Deno.test("crew: a node that does not tell its figures is not waited for long", async () => {
  const deaf = "onmessage = ({ data: { is } }) => is === 'start' ? postMessage({ is: 'up' }) " +
    ": is === 'drain' ? postMessage({ is: 'drained' }) : undefined";
  await using crew = await startTestCrew(2, {}, { entry: new URL(`data:application/javascript,${deaf}`) });
  const { answered, silent } = await crew.crew.metrics();
  assertEquals([answered.size, silent], [0, 2]);
});

Deno.test("crew: failed logins count at all nodes", async () => {
  await using crew = await startTestCrew(2, { maxAuthFailures: 2 });
  const wrong = `C: AUTH PLAIN ${plainResponse("anna", "a guess")}`;
  for (const node of [0, 1]) {
    using client = await crew.connectTo(node);
    await client.play(`${wrong}\nS: 535 5.7.8 …`);
  }
  for (const node of [0, 1]) {
    using client = await crew.connectTo(node);
    await eventually(async () => {
      await client.play(wrong);
      return (await client.reply())[0]!.startsWith("454 4.7.0 Too many failed logins") || undefined;
    }, "what the other node tells");
  }
});

function securely(port: number): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => resolve(socket));
    socket.once("error", reject);
  });
}

const said = (socket: TLSSocket) =>
  new Promise<string>((resolve) => socket.once("data", (octets) => resolve(octets.toString())));

Deno.test("crew: a new certificate is shown at all nodes to who comes, and open sessions go on", async () => {
  await using crew = await startTestCrew(2);
  const open = await securely(crew.tlsPort);
  assertMatch(await said(open), /^220 /);
  const shown = open.getPeerCertificate().fingerprint256;
  const { certPem: cert, keyPem: key } = await issueLeaf(
    await makeAuthority("test", Date.now()),
    ["a.test"],
    Date.now(),
  );
  crew.crew.reload({ cert, key });
  const seen = new Set<string>();
  await eventually(async () => {
    const fresh = await securely(crew.tlsPort);
    const [, node = ""] = /^220 (\S+)/.exec(await said(fresh)) ?? [];
    if (fresh.getPeerCertificate().fingerprint256 !== shown) seen.add(node);
    fresh.destroy();
    return seen.size === 2 || undefined;
  }, "the new certificate at both nodes");
  open.write("NOOP\r\n");
  assertMatch(await said(open), /^250 /);
  open.destroy();
});

Deno.test("crew: what nodes that are no more left is delivered once, charged, and their shards are removed", async () => {
  const left = new Map<number, string[]>([[2, ["B1", "B2"]], [5, ["E1"]], [7, []]]);
  const now = Date.now(), day = new Date(now).toISOString().slice(0, 10);
  let spoolDirectory = "";
  await using crew = await startTestCrew(2, {}, {
    async prepare(directory, client) {
      spoolDirectory = directory;
      for (const [shard, ids] of left) {
        await using spool = await openTestSpool(join(directory, `${shard}`), {
          node: `node of ${shard}`,
          // The control plane was away: settlements and events wait in the outbox.
          deliver: () => Promise.reject(new Error("away")),
          sleep: (ms, signal) => delay(ms, { signal }).catch(() => {}),
        });
        for (const id of ids) {
          const reservation = { id: `reservation of ${id}`, day, relays: 1, ndr: false };
          const message = envelope(id, { account: "anna", receivedAt: now, reservation });
          await accept(spool.spool, message, contentOf(id, 100));
        }
      }
      await Deno.mkdir(join(directory, "4.removed", "segments"), { recursive: true });
      await client.v1.node.reservations.$post({
        json: {
          node: "node of 7",
          // Boots are named so that they sort: those of nodes are ULIDs of this century.
          boot: "0",
          items: [{ id: "open", username: "anna", relays: 5, ndr: false }],
        },
      });
    },
  });
  await eventually(() => {
    const names = [...Deno.readDirSync(spoolDirectory)].map(({ name }) => name).toSorted();
    return names.join() === "0,1" || undefined;
  }, "the shards to be removed");
  assertEquals(crew.nextHop.received.length, 3);
  for (const id of [...left.values()].flat()) {
    const { events } = await crew.api("GET", `/messages/${id}`);
    assertEquals(events.map(({ type }: { type: string }) => type), ["accepted", "delivered"]);
  }
  assertEquals((await crew.api("GET", "/accounts/anna/quota")).used, 3);
});

Deno.test("crew: a drain lets an open transaction finish, and ends the rest", async () => {
  await using crew = await startTestCrew(2);
  using idle = await crew.connectTo(0);
  using sending = await crew.connectTo(1);
  await logIn(sending, "anna");
  await sending.play("C: MAIL FROM:<anna@example.com>\nS: 250 …\nC: RCPT TO:<ben@example.net>\nS: 250 …");
  const drained = crew.crew.drain(30_000);
  await idle.play("S: 421 4.3.2 …");
  await sending.play("C: DATA\nS: 354 …\nC: From: anna@example.com\nC:\nC: .\nS: 250 …\nS: 421 4.3.2 …");
  await drained;
});

Deno.test("crew: listeners are in trouble while all nodes drain, not while one lets clients in", async () => {
  await using crew = await startTestCrew(2);
  const nodesThat = async (state: string) =>
    (await crew.api("GET", "/nodes")).items.filter((node: { state: string }) => node.state === state);
  const drain = ({ node }: { node: string }, wanted: boolean) => crew.api("PATCH", `/nodes/${node}`, { drain: wanted });
  const [first, second] = await eventually(async () => {
    const serving = await nodesThat("serving");
    return serving.length === 2 ? serving : undefined;
  }, "both nodes to serve");
  await drain(first, true);
  await eventually(async () => (await nodesThat("draining")).length === 1 || undefined, "one to drain");
  assertEquals(crew.crew.listenersTrouble(), null);
  await drain(second, true);
  const trouble = await eventually(() => crew.crew.listenersTrouble() ?? undefined, "the other one to drain");
  assertMatch(trouble, /^closed: .*mailhop node serve/);
  assertEquals(crew.crew.trouble(), null);
  await drain(first, false);
  await eventually(() => crew.crew.listenersTrouble() === null || undefined, "one to serve again");
});

Deno.test("crew: without any listener none is missed", async () => {
  await using crew = await startTestCrew(1, {}, { endpoints: [] });
  assertEquals(crew.crew.listenersTrouble(), null);
});

Deno.test("crew: a port that another program has taken meanwhile ends the start", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const options = { endpoints: [{ hostname: "127.0.0.1", port: taken.addr.port, tls: false }] };
  await assertRejects(() => startTestCrew(2, {}, options), PortUnavailable, "in use by another program");
});

Deno.test("crew: a node that ends before it is up ends the start", async () => {
  const entry = new URL("data:application/typescript,throw new Error('broken')");
  await assertRejects(() => startTestCrew(2, {}, { entry }), NodeNotStarted, "broken");
});
