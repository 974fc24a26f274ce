/** Addresses that failed for good: refused at RCPT, unless the account wants otherwise or has them cleared. */
import { assertEquals } from "@std/assert";
import { eventually } from "../support/relay_process.ts";
import { startTestNode } from "../support/node.ts";

const STALE_MS = 3000;
const REFUSED =
  "550 5.1.1 Address failed for good before: its server said that there is no such mailbox. If there is " +
  "one now, have it cleared from this account's suppressed addresses";

Deno.test("suppression: an address whose server does not know it is refused the next time, to that account alone", async () => {
  await using node = await startTestNode();
  for (const username of ["anna", "berta"]) await node.account(username, { blocks: 1 });
  node.nextHop.script = (input) =>
    Promise.resolve(input === "RCPT TO:<gone@example.net>" ? "550 5.1.1 No such user" : undefined);
  {
    using client = await node.login("anna");
    await client.play(`
      C: MAIL FROM:<anna@example.com>
      S: 250 …
      C: RCPT TO:<gone@example.net>
      S: 250 …
      C: DATA
      S: 354 …
      C: From: anna@example.com
      C:
      C: text
      C: .
      S: 250 …
    `);
  }
  const listed = () => node.api<{ items: { address: string }[] }>("GET", "/anna/suppressions");
  await eventually(async () => (await listed()).items.length > 0 || undefined, "the address to be remembered");
  node.pass(STALE_MS);
  using anna = await node.login("anna");
  await anna.play(`
    C: MAIL FROM:<anna@example.com>
    S: 250 …
    C: RCPT TO:<GONE@example.net>
    S: ${REFUSED}
    C: RCPT TO:<there@example.net>
    S: 250 …
  `);
  using berta = await node.login("berta");
  await berta.play("C: MAIL FROM:<berta@example.com>\nS: 250 …\nC: RCPT TO:<gone@example.net>\nS: 250 …");
  await node.api("PUT", "/anna/suppressions/choice", { choice: "off" });
  node.pass(STALE_MS);
  await anna.play("C: RCPT TO:<gone@example.net>\nS: 250 …");
  await node.api("PUT", "/anna/suppressions/choice", { choice: "refuse" });
  node.pass(STALE_MS);
  await anna.play(`C: RCPT TO:<gone@example.net>\nS: ${REFUSED}`);
  assertEquals(await node.api("DELETE", "/anna/suppressions?address=gone@example.net"), { cleared: 1 });
  node.pass(STALE_MS);
  await anna.play("C: RCPT TO:<gone@example.net>\nS: 250 …");
});
