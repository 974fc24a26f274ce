/**
 * Question: how long does it take to decide a day's recorded decisions again, and does it say exactly what would change?
 * Unit: s of the whole tool, from its start to its exit, and of its work alone, as it says itself.
 * Workload: 1,000,000 decisions of all stages in a SQLite file, fetched over HTTP on loopback by the tool in a process of
 * its own: with the same module, with a lower limit of recipients, and with a module of somebody else; three rounds.
 * Machine: it says which.
 *
 *     deno run -A tests/bench/replay.ts [decisions]
 */
import { fromFileUrl, join } from "@std/path";
import { monotonicUlid } from "@std/ulid";
import { createControlPlane } from "../../api/main.ts";
import { recordDecisions } from "../../api/decision_log.ts";
import { createNoticeBoard } from "../../api/notices.ts";
import { openDatabase } from "../../api/store/database.ts";
import { defaultParameters, encodeChunk } from "../../policy/mod.ts";
import { addressesWith } from "../support/addresses.ts";
import { SERVICE, staticDns } from "../support/static_dns.ts";
import { DecisionHistory, LOWER_LIMIT } from "../support/decision_history.ts";
import { policyModule } from "../support/policy_modules.ts";
import { seed } from "../support/size.ts";
import { describeMachine, quantile } from "./watched_relay.ts";
import { HELP_FACTS } from "../support/help_facts.ts";

const DECISIONS = Number(Deno.args[0] ?? 1_000_000);
const ROUNDS = 3;
const DAY_MS = 86_400_000;
const TOKEN = "operator-token-of-the-bench";
const TOOL = fromFileUrl(new URL("../../api/cli/main.ts", import.meta.url));
const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));

const now = Date.now();
const directory = await Deno.makeTempDir({ prefix: "mailhop-replay-" });
const databasePath = join(directory, "control.db");
const options = { now: () => now, newId: () => monotonicUlid(), log: () => {} };

/** @returns what a lower limit of recipients would change, counted independently. */
async function fill(): Promise<{ changed: number; octets: number; seconds: number }> {
  const began = performance.now();
  await using database = await openDatabase(databasePath);
  const notices = createNoticeBoard({ ...options, db: database.db });
  const history = new DecisionHistory({ seed, decisions: DECISIONS, from: now - DAY_MS + 60_000, until: now });
  let octets = 0;
  for (const batch of history.batches()) {
    const chunk = encodeChunk(batch);
    octets += chunk.octets.length;
    await recordDecisions({ ...options, notices, db: database.db }, "bench", [{ id: options.newId(), chunk }]);
  }
  return { changed: history.changedByLowerLimit, octets, seconds: (performance.now() - began) / 1000 };
}

async function replay(url: string, args: readonly string[]) {
  const began = performance.now();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--cached-only",
      "--no-prompt",
      `--config=${CONFIG}`,
      "-A",
      TOOL,
      "policy",
      "replay",
      "--json",
      ...args,
    ],
    env: { MAILHOP_API_URL: url, MAILHOP_API_TOKEN: TOKEN },
  }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  const answer = JSON.parse(new TextDecoder().decode(stdout)) as { decisions: number; changed: number; ms: number };
  return { ...answer, seconds: (performance.now() - began) / 1000 };
}

function verify(what: string, actual: number, expected: number): void {
  if (actual !== expected) throw new Error(`${what}: ${actual}, not ${expected}`);
}

try {
  console.log(describeMachine());
  const filled = await fill();
  const { size } = await Deno.stat(databasePath);
  console.log(
    `${DECISIONS} decisions (seed ${seed}) made and stored in ${filled.seconds.toFixed(1)} s: ` +
      `${(filled.octets / DECISIONS).toFixed(1)} octets each in chunks, ${(size / DECISIONS).toFixed(1)} in the file`,
  );
  const plane = await createControlPlane({
    ...options,
    counters: null,
    database: databasePath,
    adminToken: TOKEN,
    relayToken: "relay-token-of-the-bench",
    activationDelayMs: 0,
    parameters: defaultParameters,
    keepDecisionsMs: DAY_MS,
    keepHistoryMs: DAY_MS,
    resolveTxt: () => Promise.resolve({ kind: "no-domain" }),
    addresses: addressesWith(),
    service: SERVICE,
    examineMachine: () => Promise.resolve([]),
    mailDns: () => staticDns({ txt: new Map() }),
    help: HELP_FACTS,
    readiness: () => Promise.resolve({}),
  });
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, plane.app.fetch);
  const other = join(directory, "other.wasm");
  await Deno.writeFile(other, policyModule());
  const ways: Record<string, readonly string[]> = {
    "the same module": [],
    "a lower limit": ["--set", `maxRecipients=${LOWER_LIMIT}`],
    "another module": ["--module", other],
  };
  const results = new Map<string, { whole: number[]; work: number[]; changed: number }>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [way, args] of Object.entries(ways)) {
      const ran = await replay(`http://127.0.0.1:${server.addr.port}`, ["--since", "24h", ...args]);
      verify("decisions", ran.decisions, DECISIONS);
      if (way === "the same module") verify("differences", ran.changed, 0);
      if (way === "a lower limit") verify("differences", ran.changed, filled.changed);
      const result = results.get(way) ?? { whole: [], work: [], changed: ran.changed };
      result.whole.push(ran.seconds);
      result.work.push(ran.ms / 1000);
      results.set(way, result);
    }
  }
  const figures = (values: number[]) => {
    const [median, least, most] = [0.5, 0, 1].map((part) => quantile(values, part).toFixed(1));
    return `${median} s (${least} to ${most})`;
  };
  for (const [way, { whole, work, changed }] of results) {
    console.log(`${way.padEnd(16)} ${figures(whole)}, of which its work ${figures(work)}; ${changed} would change`);
  }
  await server.shutdown();
  await plane.close();
} finally {
  await Deno.remove(directory, { recursive: true });
}
