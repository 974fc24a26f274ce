/**
 * Question: what do a step of the SMTP session and a durable commit of the spool cost?
 * Unit: ns a step, µs of the process's CPU for each message and messages a second; median of the rounds, with min and max.
 * Workload: the commands of a message (EHLO, MAIL, RCPT, NOOP, RSET), 20,000 times; messages of 4 KiB, each stored
 * durably, 32 at a time, 4,096 in a round, and what was stored taken out and ended; seven rounds.
 * Machine: it says which.
 *
 *     deno task bench
 */
import process from "node:process";
import Table from "cli-table3";
import { newSession, step } from "../../relay/smtp/session.ts";
import type { Session, SessionRules } from "../../relay/smtp/session_types.ts";
import { accept, change, contentOf, envelope, newDirectory, openTestSpool } from "../support/spool_on_disk.ts";
import { quantile } from "./watched_relay.ts";

const ROUNDS = 7, DIALOGUES = 20_000, COMMITS = 4096, AT_ONCE = 32, CONTENT_OCTETS = 4096;
const COMMANDS = ["EHLO client.test", "MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "NOOP", "RSET"];

const rules: SessionRules = {
  hostname: "relay.test",
  serviceName: "relay.test",
  maxMessageBytes: 52_428_800,
  maxRecipients: 100,
  allowPlaintextAuth: false,
  maxErrors: 10,
  maxJunkCommands: 100,
  maxMessages: 1000,
};

function stepNs(): number {
  const from = performance.now();
  for (let n = 0; n < DIALOGUES; n++) {
    let session: Session = newSession(null);
    for (const text of COMMANDS) ({ session } = step(session, { is: "line", text }, rules));
  }
  return (performance.now() - from) * 1e6 / DIALOGUES / COMMANDS.length;
}

await using test = await openTestSpool(newDirectory(), { segmentBytes: 32 << 20 });
let stored = 0;

async function storeSome(): Promise<{ micros: number; rate: number }> {
  const from = performance.now(), cpu = process.cpuUsage();
  let left = COMMITS;
  const some = async () => {
    while (left-- > 0) {
      const id = `m${String(stored++).padStart(8, "0")}`;
      await accept(test.spool, envelope(id), contentOf(id, CONTENT_OCTETS));
      test.spool.claim(id);
      await test.spool.record({ messageId: id, changes: [change("delivered")], events: [] });
      test.spool.giveBack(id);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
  const { user, system } = process.cpuUsage(cpu);
  return { micros: (user + system) / COMMITS, rate: COMMITS / (performance.now() - from) * 1000 };
}

const spread = (values: readonly number[]) => [0.5, 0, 1].map((part) => quantile(values, part).toFixed(0));
const steps: number[] = [], commits: { micros: number; rate: number }[] = [];
for (let round = 0; round < ROUNDS; round++) {
  steps.push(stepNs());
  commits.push(await storeSome());
}
const table = new Table({ head: ["part", "unit", "median", "min", "max"], style: { head: [] } });
table.push(
  ["session step", "ns", ...spread(steps)],
  ["spool, in and out durably", "µs of CPU a message", ...spread(commits.map(({ micros }) => micros))],
  ["spool, in and out durably", "messages a second", ...spread(commits.map(({ rate }) => rate))],
);
console.log(table.toString());
