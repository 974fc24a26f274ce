/** Non-delivery reports and the brake, from the client's side to the account's figures. */
import { assertEquals } from "@std/assert";
import { startTestNode } from "../support/node.ts";

const DAY_MS = 86_400_000;
/** Facts are looked up again behind this. */
const STALE_MS = 3000;

const NDR = `
  C: Content-Type: multipart/report; report-type=delivery-status; boundary=x
  C: From: MAILER-DAEMON@example.com
  C:
  C: --x
`;

/** Sends a message to so many recipients; `outcome` is the line that answers the data. */
const message = (sender: string, recipients: number, header: string, outcome: string) => `
  C: MAIL FROM:<${sender}>
  S: 250 2.1.0 Sender OK
  ${
  Array.from({ length: recipients }, (_, n) => `C: RCPT TO:<r${n}@example.net>\n  S: 250 2.1.5 Recipient OK`).join(
    "\n  ",
  )
}
  C: DATA
  S: 354 …
  ${header.trim()}
  C: .
  S: ${outcome}
`;
const PLAIN = "C: From: anna@example.com\n  C:\n  C: text";

Deno.test("NDR: counted apart; a vacation note is none", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(message("", 2, NDR, "250 2.0.0 OK: …"));
  await client.play(message("", 1, "C: Auto-Submitted: auto-replied (vacation)\n  C:\n  C: away", "250 2.0.0 OK: …"));
  const { used, ndr } = await node.quota("anna");
  assertEquals([used, ndr], [3, 2]);
});

Deno.test("NDR: refused by the account's choice, with advice, and at no cost", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  await node.api("PATCH", "/anna", { ndr: { choice: "refuse" } });
  using client = await node.login("anna");
  await client.play(message(
    "",
    1,
    NDR,
    "550 5.7.1 Non-delivery reports are refused by this account's own choice: turn on recipient filtering on your server, or turn its reports off",
  ));
  await client.play(message("anna@example.com", 1, NDR, "250 2.0.0 OK: …"));
  assertEquals((await node.quota("anna")).ndr, 0);
});

Deno.test("NDR: over the account's share 451 with used, limit and need; other mail goes on", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  await node.api("PATCH", "/anna", { ndr: { choice: "limit", sharePercent: 2 } });
  using client = await node.login("anna");
  await client.play(message("", 3, NDR, "250 2.0.0 OK: …"));
  await client.play(message(
    "",
    1,
    NDR,
    "451 4.7.1 Non-delivery reports have used 3 of their 3 relays, this needs 1; resets at 2026-11-24T00:00:00Z: turn on recipient filtering on your server, or turn its reports off",
  ));
  await client.play(message("anna@example.com", 1, PLAIN, "250 2.0.0 OK: …"));
  const { used, ndr, ndrLimit } = await node.quota("anna");
  assertEquals([used, ndr, ndrLimit], [4, 3, 3]);
});

Deno.test("brake: an account that sent little for days is held back at three times its habit, and released by the operator", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 10 });
  for (let day = 0; day < 3; day++) {
    using client = await node.login("anna");
    await client.play(message("anna@example.com", 60, PLAIN, "250 2.0.0 OK: …"));
    node.pass(DAY_MS);
  }
  using client = await node.login("anna");
  await client.play(message("anna@example.com", 100, PLAIN, "250 2.0.0 OK: …"));
  node.pass(STALE_MS);
  await client.play(message("anna@example.com", 80, PLAIN, "250 2.0.0 OK: …"));
  node.pass(STALE_MS);
  const words =
    "451 4.7.1 Far beyond this account's habit: 181 relays today, at most 180 would pass; the operator has " +
    "been told and can release it, or it ends at 2026-11-27T00:00:00Z. If this is not you, change the password";
  await client.play(`C: MAIL FROM:<anna@example.com>\nS: ${words}`);
  await node.api("POST", "/anna/brake/release", { hours: 1 });
  await client.play(message("anna@example.com", 1, PLAIN, "250 2.0.0 OK: …"));
});

Deno.test("brake: the recipient that goes beyond is refused, and those before it stand", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 10 });
  for (let day = 0; day < 3; day++) {
    using client = await node.login("anna");
    await client.play(message("anna@example.com", 1, PLAIN, "250 2.0.0 OK: …"));
    node.pass(DAY_MS);
  }
  using client = await node.login("anna");
  // Not beyond the different recipients, of which the node may or may not have heard by now: they are estimated.
  await client.play(message("anna@example.com", 90, PLAIN, "250 2.0.0 OK: …"));
  node.pass(STALE_MS);
  const accepted = Array.from({ length: 60 }, (_, n) => `C: RCPT TO:<q${n}@example.net>\nS: 250 2.1.5 Recipient OK`);
  await client.play(`C: MAIL FROM:<anna@example.com>\nS: 250 …\n${accepted.join("\n")}`);
  await client.play(
    "C: RCPT TO:<q60@example.net>\nS: 451 4.7.1 Far beyond this account's habit: 151 relays today, at most 150 would pass; …",
  );
});
