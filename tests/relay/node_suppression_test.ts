/** Addresses that failed for good: refused at RCPT, unless the account wants otherwise or has them cleared. */
import { assertEquals, assertMatch } from "@std/assert";
import type { History } from "../support/history.ts";
import { eventually } from "../support/relay_process.ts";
import { startTestNode, type TestNode } from "../support/node.ts";

const STALE_MS = 3000;
const REFUSED =
  "550 5.1.1 Address failed for good before: its server said that there is no such mailbox. If there is " +
  "one now, have it cleared from this account's suppressed addresses";

/** A node where anna's mail to gone@example.net has failed for good, and berta has an account. */
async function withFailedAddress(): Promise<TestNode> {
  const node = await startTestNode();
  for (const username of ["anna", "berta"]) await node.account(username, { blocks: 1 });
  node.nextHop.script = (input) =>
    Promise.resolve(input === "RCPT TO:<gone@example.net>" ? "550 5.1.1 No such user" : undefined);
  using client = await node.login("anna");
  await client.play(messageTo("gone@example.net"));
  await eventually(async () => (await listed(node)).length > 0 || undefined, "the address to be remembered");
  return node;
}

const listed = async (node: TestNode) =>
  (await node.api<{ items: { address: string }[] }>("GET", "/anna/suppressions")).items;

/** How often the next hop was asked to take mail for an address; the first time it failed. */
const attemptsAt = ({ nextHop }: TestNode, address: string) =>
  nextHop.transcript.filter((line) => line.includes(`RCPT TO:<${address}>`)).length;

const messageTo = (...recipients: string[]) => `
    C: MAIL FROM:<anna@example.com> RET=FULL
    S: 250 …
    ${recipients.map((to) => `C: RCPT TO:<${to}> NOTIFY=SUCCESS,FAILURE\nS: 250 …`).join("\n")}
    C: DATA
    S: 354 …
    C: From: anna@example.com
    C:
    C: text
    C: .
    S: 250 …
  `;

Deno.test("suppression: an address whose server does not know it is refused the next time, to that account alone", async () => {
  await using node = await withFailedAddress();
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

Deno.test("suppression: skipped, it is accepted and charged, nothing is sent to it, and the history says why, without a DSN", async () => {
  await using node = await withFailedAddress();
  await node.api("PUT", "/anna/suppressions/choice", { choice: "skip" });
  node.pass(STALE_MS);
  const before = await node.used("anna");
  using anna = await node.login("anna");
  await anna.play(messageTo("Gone@example.net", "there@example.net"));
  await node.nextHop.until(({ received }) =>
    received.some(({ recipients }) => recipients.includes("there@example.net"))
  );
  assertEquals(await node.used("anna"), before + 2);
  const message = await eventually(async () => {
    const { items } = await node.v1<{ items: { id: string; status: string }[] }>(
      "GET",
      "/messages?recipient=gone@example.net",
    );
    return items.find(({ status }) => status === "partial");
  }, "the end of the message");
  const { recipients, events } = await node.v1<History>("GET", `/messages/${message.id}`);
  assertEquals(recipients, [
    { address: "Gone@example.net", status: "skipped" },
    { address: "there@example.net", status: "delivered" },
  ]);
  const skipped = events.filter(({ type }) => type === "skipped");
  assertEquals(skipped.map((event) => event.recipients), [["Gone@example.net"]]);
  assertMatch(
    skipped[0]!.reply!,
    /^not sent, as the account has chosen .* said at 2026-11-23T.*Z: 550 5\.1\.1 No such user\. .*: mailhop suppression clear anna Gone@example\.net$/,
  );
  const returned = events.filter(({ type, recipients }) =>
    type === "returned" && recipients.includes("Gone@example.net")
  );
  assertEquals(returned, []);
  assertEquals([attemptsAt(node, "gone@example.net"), attemptsAt(node, "Gone@example.net")], [1, 0]);
  assertEquals((await listed(node)).map(({ address }) => address), ["gone@example.net"]);
});

Deno.test("suppression: a message whose recipients are all skipped ends at once, and nothing is sent anywhere", async () => {
  await using node = await withFailedAddress();
  await node.api("PUT", "/anna/suppressions/choice", { choice: "skip" });
  node.pass(STALE_MS);
  using anna = await node.login("anna");
  await anna.play(messageTo("gone@example.net"));
  const { items: [message] } = await eventually(async () => {
    const found = await node.v1<{ items: { id: string }[] }>("GET", "/messages?status=skipped");
    return found.items.length > 0 ? found : undefined;
  }, "the end of the message");
  const { events } = await node.v1<History>("GET", `/messages/${message!.id}`);
  assertEquals(events.map(({ type }) => type), ["accepted", "skipped"]);
  assertEquals(attemptsAt(node, "gone@example.net"), 1);
});
