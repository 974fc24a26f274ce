/** What load balancers ask: a process that takes no mail is not ready, and is again by itself. */
import { assertEquals, assertMatch } from "@std/assert";
import { Dialogue } from "../support/dialogue.ts";
import { startDnsServer } from "../support/dns_server.ts";
import { readinessOf } from "../support/machines.ts";
import { eventually, openAccount, type RelayProcess, startRelay } from "../support/relay_process.ts";
import { needingMounts, SmallDisk } from "../support/small_disk.ts";

/** A segment of the log, and more than two; beside them the control plane's database. */
const SMALL_MIB = 48, ENOUGH_MIB = 120;
/** Room is looked for at least so often. */
const LOOKED_FOR_MS = 60_000;

Deno.test({
  ...needingMounts("readiness: a spool whose disk is full is said, and that it has room again, without any more mail"),
  async fn() {
    using disk = SmallDisk.mount(SMALL_MIB);
    await using dns = startDnsServer({ "*": { MX: ["10 @"], A: ["127.0.0.1"] } });
    await using relay = await startRelay({
      MAILHOP_DATA_DIR: disk.path,
      MAILHOP_DNS: dns.setting,
      MAILHOP_WORKERS: "1",
    });
    await openAccount(relay, "anna");
    await relay.api("POST", "/accounts/anna/networks", { cidr: "127.0.0.1/32" });
    using client = await Dialogue.connect(relay.smtpPort);
    const message = (end: string) => `
      C: MAIL FROM:<anna@customer.test>
      S: 250 …
      C: RCPT TO:<ben@example.test>
      S: 250 …
      C: DATA
      S: 354 …
      C: From: anna@customer.test
      C:
      C: .
      S: ${end}
    `;
    await client.play(`S: 220 …\nC: HELO client.example\nS: 250 …\n${message("250 …")}`);
    assertEquals((await found(relay, "not ready")).spool, "node 0: the spool's disk is full");
    await client.play(message("452 4.3.1 …"));
    disk.resize(ENOUGH_MIB);
    assertEquals((await found(relay, "ready")).spool, "ok");
    await client.play(message("250 …"));
  },
});

Deno.test("readiness: a process whose only node is drained is not ready, until it serves again", async () => {
  await using relay = await startRelay({ MAILHOP_WORKERS: "1" });
  const { items: [node] } = (await relay.api<{ items: { node: string }[] }>("GET", "/nodes")).body;
  const drain = (wanted: boolean) => relay.api("PATCH", `/nodes/${node!.node}`, { drain: wanted });
  assertEquals((await drain(true)).status, 200);
  const { nodes, listeners } = await found(relay, "not ready");
  assertEquals(nodes, "ok");
  assertMatch(listeners!, /^closed: .*mailhop node serve/);
  await drain(false);
  assertEquals((await found(relay, "ready")).listeners, "ok");
});

/** The checks, when the process says that this is how it is. */
function found(process: RelayProcess, status: string): Promise<Record<string, string>> {
  return eventually(
    async () => {
      const readiness = await readinessOf(process);
      return readiness.status === status ? readiness : undefined;
    },
    status,
    LOOKED_FOR_MS,
  );
}
