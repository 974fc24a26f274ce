/** A disk that is too small, behind the real edge: what it takes is delivered, what it does not take is refused with 452. */
import { assert, assertEquals } from "@std/assert";
import type { Dialogue } from "../../support/dialogue.ts";
import { ENVELOPE, startTestNode, type TestNode } from "../../support/node.ts";
import { eventually } from "../../support/relay_process.ts";
import { needingMounts, SmallDisk } from "../../support/small_disk.ts";

/** Room for three segments of the log and some large contents. */
const DISK_MIB = 120;
const SMALL_OCTETS = 200 * 1024, LARGE_OCTETS = 3 << 20;
/** More than the disk can take of the smaller ones. */
const MAX_MESSAGES = 1000;
/** The relay looks for room again. */
const LATER_MS = 6000;
/** Passes between two looks at what has arrived. */
const PUT_OFF_MS = 1000;
/** Delivery notices that the test's clock has moved within a minute of real time; what it puts off then, in another. */
const ARRIVAL_DEADLINE_MS = 150_000;

/** Sends a message of this size; resolves to the reply to its end. */
async function send(client: Dialogue, octets: number): Promise<string> {
  await client.play(`${ENVELOPE}\nC: DATA\nS: 354 …`);
  const line = new TextEncoder().encode(`${"x".repeat(76)}\r\n`);
  const text = new Uint8Array(line.length * Math.ceil(octets / line.length));
  for (let at = 0; at < text.length; at += line.length) text.set(line, at);
  await client.send(new TextEncoder().encode("From: anna@example.com\r\n\r\n"));
  await client.send(text);
  await client.send(".\r\n");
  return (await client.reply())[0]!;
}

/** Sends until there is a refusal; resolves to how many were accepted. */
async function fill(client: Dialogue, octets: number): Promise<number> {
  for (let accepted = 0; accepted < MAX_MESSAGES; accepted++) {
    const reply = await send(client, octets);
    if (reply.startsWith("250 ")) continue;
    assertEquals(reply, "452 4.3.1 The message could not be stored: try again later");
    return accepted;
  }
  throw new Error("the disk took everything");
}

/** Resolves when so many messages have arrived; time goes by meanwhile, for those that had to wait in line are put off. */
async function arrivals(node: TestNode, count: number): Promise<void> {
  await eventually(
    () => {
      node.pass(PUT_OFF_MS);
      return node.nextHop.received.length >= count || undefined;
    },
    `${count} messages to arrive`,
    ARRIVAL_DEADLINE_MS,
  );
}

for (const [kind, octets] of [["small", SMALL_OCTETS], ["large", LARGE_OCTETS]] as const) {
  Deno.test({
    ...needingMounts(`disk full of ${kind} messages: 452 4.3.1, what was accepted is delivered, then intake goes on`),
    async fn() {
      using disk = SmallDisk.mount(DISK_MIB);
      await using node = await startTestNode({ directory: `${disk.path}/spool` });
      await node.account("anna", { blocks: 20 });
      const opened = Promise.withResolvers<void>();
      node.nextHop.script = async (input) => {
        if (/^RCPT/.test(input)) await opened.promise;
        return undefined;
      };
      const fillDisk = async () => {
        using client = await node.login("anna");
        return await fill(client, octets);
      };
      const accepted = await fillDisk();
      assert(accepted > 0);
      opened.resolve();
      await arrivals(node, accepted);
      node.pass(LATER_MS);
      using client = await node.login("anna");
      const reply = await send(client, octets);
      assert(reply.startsWith("250 "), reply);
      await arrivals(node, accepted + 1);
    },
  });
}
