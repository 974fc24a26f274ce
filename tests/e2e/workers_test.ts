/** Several nodes in one process, as the user starts them; and fewer of them at the next start. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { readHeader } from "../../relay/spool/segments.ts";
import { freePort } from "../support/free_port.ts";
import { endOf, eventsOf } from "../support/history.ts";
import { NextHopServer } from "../support/next_hop_server.ts";
import { OctetClient } from "../support/octet_client.ts";
import { latin1 } from "../support/octets.ts";
import { eventually, openAccount, startRelay } from "../support/relay_process.ts";
import { StartProcess } from "../support/start_process.ts";

const MESSAGES = 12;
const CONTENT = latin1("Subject: hello\r\nFrom: anna@customer.test\r\n\r\nHello.\r\n");

function shardsOf(dataDir: string): string[] {
  return [...Deno.readDirSync(join(dataDir, "spool"))].map(({ name }) => name).toSorted();
}

Deno.test("workers: what three nodes accepted before a kill is delivered once by the one node of the next start", async () => {
  await using nextHop = await NextHopServer.start({ script: (input) => input === "content" ? "silence" : undefined });
  const dataDir = await Deno.makeTempDir({ prefix: "mailhop-data-" });
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => Deno.remove(dataDir, { recursive: true }));
  const settings = {
    MAILHOP_DATA_DIR: dataDir,
    MAILHOP_ROUTES: `*=127.0.0.1:${nextHop.port}`,
    // Sender's domains are looked up; nobody answers there, so the null reverse path is used.
    MAILHOP_DNS: "127.0.0.1:1",
  };
  const ids: string[] = [];
  {
    await using relay = await startRelay({ ...settings, MAILHOP_WORKERS: "3" });
    const password = await openAccount(relay, "anna");
    for (let sent = 0; sent < MESSAGES; sent++) {
      await using client = await OctetClient.open(relay, "anna", password);
      ids.push(await client.send("", ["ben@example.net"], CONTENT));
    }
    assertEquals(shardsOf(dataDir), ["0", "1", "2"]);
    const used = new Set<string>();
    for (const shard of shardsOf(dataDir)) {
      const segments = join(dataDir, "spool", shard, "segments");
      for (const { name } of Deno.readDirSync(segments)) {
        if (await readHeader(join(segments, name)) !== "unused") used.add(shard);
      }
    }
    assert(used.size > 1, "all connections went to one node");
    await relay.stop("SIGKILL");
  }
  nextHop.script = () => undefined;
  await using relay = await startRelay({ ...settings, MAILHOP_WORKERS: "1" });
  for (const id of ids) {
    const history = await endOf(relay, id);
    assertEquals([eventsOf(history, "accepted").length, eventsOf(history, "delivered").length], [1, 1]);
  }
  assertEquals(nextHop.received.length, MESSAGES);
  await eventually(() => shardsOf(dataDir).join() === "0" || undefined, "the other shards to be removed");
  const { body: quota } = await relay.api<{ used: number }>("GET", "/accounts/anna/quota");
  assertEquals(quota.used, MESSAGES);
});

Deno.test("workers: a node that cannot start ends the start with exit code 1", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "mailhop-data-" });
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => Deno.remove(dataDir, { recursive: true }));
  await Deno.writeTextFile(join(dataDir, "spool"), "not a directory");
  await using start = StartProcess.spawn({
    MAILHOP_DATA_DIR: dataDir,
    MAILHOP_SMTP_LISTEN: `127.0.0.1:${freePort()}`,
    MAILHOP_SMTPS_LISTEN: "",
    MAILHOP_HTTP_LISTEN: `127.0.0.1:${freePort()}`,
    MAILHOP_WORKERS: "2",
  });
  assertEquals(await start.exitCode, 1);
  assert(start.complaints.some((line) => /^node [01] did not start: /.test(line)), start.complaints.join("\n"));
});
