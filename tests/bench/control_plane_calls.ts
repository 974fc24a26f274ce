/**
 * Question: what do a node's calls of the control plane cost for each message?
 * Unit: µs of CPU of the process (all threads) for each call, and for each message in it; median of rounds.
 * Workload: reservations, settlements and events (accepted, delivered) of new messages of one account, through the
 * control plane's app as a node in the same process calls it, in batches of 1, 8 and 64, in a SQLite file.
 * Machine: it says which.
 *
 *     deno run -A tests/bench/control_plane_calls.ts
 */
import process from "node:process";
import { join } from "@std/path";
import { monotonicUlid } from "@std/ulid";
import { createNodeClient } from "../../api/client.ts";
import { createControlPlane } from "../../api/main.ts";
import { defaultParameters } from "../../policy/mod.ts";
import { addressesWith } from "../support/addresses.ts";
import { HELP_FACTS } from "../support/help_facts.ts";
import { SERVICE, staticDns } from "../support/static_dns.ts";
import { describeMachine, quantile } from "./watched_relay.ts";

const BATCHES = [1, 8, 64];
const ROUNDS = 7;
const MESSAGES_IN_ROUND = 1024;
const TOKEN = "relay-token-of-the-bench", OPERATOR = "operator-token-of-the-bench";

const directory = await Deno.makeTempDir({ prefix: "mailhop-calls-" });
const newId = () => monotonicUlid(Date.now());
const plane = await createControlPlane({
  database: join(directory, "control.db"),
  counters: null,
  adminToken: OPERATOR,
  relayToken: TOKEN,
  activationDelayMs: 0,
  parameters: defaultParameters,
  keepDecisionsMs: 86_400_000,
  keepHistoryMs: 86_400_000,
  now: Date.now,
  newId,
  resolveTxt: () => Promise.reject(new Error("nothing is looked up here")),
  addresses: addressesWith(new Map()),
  service: SERVICE,
  mailDns: () => staticDns({ txt: new Map(), a: new Map() }),
  examineMachine: () => Promise.resolve([]),
  help: HELP_FACTS,
  readiness: () => Promise.resolve({}),
  log: (message, facts) => console.error(message, facts),
});
const client = createNodeClient(plane.fetch, TOKEN);
const operator = async (path: string, body: unknown) => {
  const headers = { authorization: `Bearer ${OPERATOR}`, "content-type": "application/json" };
  const response = await plane.fetch(`http://plane/v1/accounts${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  if (response.status !== 201) throw new Error(`${path}: ${response.status}`);
};
await operator("", { username: "anna", password: "password of anna" });
await operator("/anna/blocks", { quantity: 1_000_000 });

const day = new Date().toISOString().slice(0, 10);
const about = (id: string) => ({ messageId: id, account: "anna", at: Date.now(), recipients: ["ben@example.test"] });
const calls = {
  async reservations(ids: readonly string[]) {
    const items = ids.map((id) => ({ id, username: "anna", relays: 1, ndr: false }));
    return await (await client.v1.node.reservations.$post({ json: { node: "n", boot: "b", items } })).json();
  },
  async settlements(ids: readonly string[]) {
    const items = ids.map((id) => ({ id, username: "anna", day, relays: 1, ndr: false }));
    return await (await client.v1.node.settlements.$post({ json: { node: "n", boot: "b", items } })).json();
  },
  async events(ids: readonly string[]) {
    const accepted = ids.map((id) => ({
      ...{ ...about(id), id, type: "accepted" as const, sender: "anna@customer.test", sizeBytes: 4096, relays: 1 },
      ...{ messageIdField: `<${id}@customer.test>`, policy: "f".repeat(64) },
      origin: { address: "127.0.0.1", helo: "customer.test", protocol: "ESMTP", tls: null },
    }));
    const delivered = ids.map((id) => ({
      ...{ ...about(id), id: newId(), type: "delivered" as const, host: "mx.example.test", address: "192.0.2.1" },
      ...{ tls: null, reply: "250 2.0.0 Ok", attempt: 1, nextAttemptAt: null },
    }));
    return await (await client.v1.node.events.$post({ json: { node: "n", items: [...accepted, ...delivered] } }))
      .json();
  },
};
const names = Object.keys(calls) as (keyof typeof calls)[];

function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** µs of CPU for each call. */
async function round(batch: number): Promise<number[]> {
  const groups = Array.from({ length: MESSAGES_IN_ROUND / batch }, () => Array.from({ length: batch }, newId));
  const costs: number[] = [];
  for (const name of names) {
    const from = cpuMicros();
    for (const ids of groups) await calls[name](ids);
    costs.push((cpuMicros() - from) / groups.length);
  }
  return costs;
}

console.log(describeMachine());
try {
  for (const batch of BATCHES) await round(batch);
  const rows = new Map(BATCHES.map((batch) => [batch, [] as number[][]]));
  for (let n = 0; n < ROUNDS; n++) for (const batch of BATCHES) rows.get(batch)!.push(await round(batch));
  for (const [at, name] of names.entries()) {
    const cells = BATCHES.map((batch) => {
      const costs = rows.get(batch)!.map((row) => row[at]!);
      const call = quantile(costs, 0.5);
      return `${batch}: ${call.toFixed(0)} µs a call, ${(call / batch).toFixed(1)} a message (from ${
        (quantile(costs, 0) / batch).toFixed(1)
      })`;
    });
    console.log(`${name.padEnd(14)} ${cells.join("; ")}`);
  }
} finally {
  await plane.close();
  await Deno.remove(directory, { recursive: true });
}
