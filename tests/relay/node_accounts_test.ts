/**
 * What a customer meets at login and by the state of the account, and whoever connects by the server's: each reply
 * with its exact code and words, from a whole node with a false clock, spoken to over a socket.
 */
import { assertEquals } from "@std/assert";
import { REMEMBERED_MS } from "../../relay/control_plane.ts";
import { Dialogue, plainResponse } from "../support/dialogue.ts";
import {
  DATA,
  ENVELOPE,
  FORGOTTEN_MS,
  MESSAGE,
  MINUTE_MS,
  passwordOf,
  PROBE_MS,
  startTestNode,
} from "../support/node.ts";

function authPlain(username: string, password: string): string {
  return `AUTH PLAIN ${plainResponse(username, password)}`;
}

Deno.test("AUTH: MAIL before it gets 530 5.7.0", async () => {
  await using node = await startTestNode();
  using client = await node.hello();
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 530 5.7.0 Authentication required
    C: MAIL FROM:<>
    S: 530 5.7.0 Authentication required
  `);
});

Deno.test("AUTH: on a plain connection it gets 538 5.7.11 where the operator does not allow it", async () => {
  await using node = await startTestNode({ settings: { allowPlaintextAuth: false } });
  await node.account("anna", { blocks: 1 });
  using client = await node.hello();
  await client.play(`
    C: ${authPlain("anna", passwordOf("anna"))}
    S: 538 5.7.11 Encryption required: use STARTTLS or port 465
    C: AUTH LOGIN
    S: 538 5.7.11 Encryption required: use STARTTLS or port 465
  `);
});

Deno.test("AUTH: wrong password and unknown username get the same 535 5.7.8", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.hello();
  await client.play(`
    C: ${authPlain("anna", "not it")}
    S: 535 5.7.8 Authentication failed: check the username (not the e-mail address) and password
    C: ${authPlain("nobody", "not it")}
    S: 535 5.7.8 Authentication failed: check the username (not the e-mail address) and password
    C: AUTH LOGIN
    S: 334 VXNlcm5hbWU6
    C: ${btoa("anna@example.com")}
    S: 334 UGFzc3dvcmQ6
    C: ${btoa(passwordOf("anna"))}
    S: 535 5.7.8 Authentication failed: check the username (not the e-mail address) and password
    C: MAIL FROM:<anna@example.com>
    S: 530 5.7.0 Authentication required
  `);
});

Deno.test("AUTH: each device logs in with its own password; a revoked one gets 535 within seconds, the others go on", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  const make = (label: string) => node.api<{ id: string; password: string }>("POST", "/anna/passwords", { label });
  const [phone, laptop] = [await make("phone"), await make("laptop")];
  const tries = async (password: string, reply: string) => {
    using client = await node.hello();
    await client.play(`C: ${authPlain("anna", password)}\nS: ${reply}`);
  };
  const holds = "235 2.7.0 Authenticated";
  for (const { password } of [phone, laptop]) await tries(password, holds);
  await node.api("DELETE", `/anna/passwords/${phone.id}`);
  node.pass(FORGOTTEN_MS);
  await tries(phone.password, "535 5.7.8 …");
  await tries(laptop.password, holds);
  await tries(passwordOf("anna"), holds);
  const { items } = await node.api<{ items: { lastUsedFrom: string }[] }>("GET", "/anna/passwords");
  assertEquals(items.map(({ lastUsedFrom }) => lastUsedFrom), ["127.0.0.1"]);
});

Deno.test("AUTH: after too many failed logins it gets 454 4.7.0 for ten minutes, the right password too", async () => {
  await using node = await startTestNode({ settings: { maxAuthFailures: 2 } });
  await node.account("anna", { blocks: 1 });
  const client = await node.hello();
  await client.play(`
    C: ${authPlain("anna", "not it")}
    S: 535 5.7.8 Authentication failed: check the username (not the e-mail address) and password
    C: ${authPlain("anna", "not it either")}
    S: 535 5.7.8 Authentication failed: check the username (not the e-mail address) and password
    C: ${authPlain("anna", passwordOf("anna"))}
    S: 454 4.7.0 Too many failed logins: try again in 10 minutes
  `);
  client.close();
  node.pass(4 * MINUTE_MS);
  const later = await node.hello();
  await later.play(`
    C: ${authPlain("anna", passwordOf("anna"))}
    S: 454 4.7.0 Too many failed logins: try again in 6 minutes
  `);
  later.close();
  node.pass(6 * MINUTE_MS);
  (await node.login("anna")).close();
});

Deno.test("AUTH: where accounts cannot be looked up it gets 454 4.7.0, never a refusal", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  node.link.down = true;
  using client = await node.hello();
  await client.play(`
    C: ${authPlain("anna", passwordOf("anna"))}
    S: 454 4.7.0 Accounts cannot be looked up now: try again in a minute
    C: ${authPlain("anna", "not it")}
    S: 454 4.7.0 Accounts cannot be looked up now: try again in a minute
  `);
  node.link.down = false;
  node.pass(PROBE_MS);
  await client.play(`C: ${authPlain("anna", passwordOf("anna"))}\nS: 235 2.7.0 Authenticated`);
});

Deno.test("control plane away: what is not remembered gets 451 4.3.0, so does the end of the data, and nothing is charged", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(ENVELOPE);
  node.link.down = true;
  node.pass(FORGOTTEN_MS);
  await client.play(`
    C: RCPT TO:<other@example.net>
    S: 250 2.1.5 Recipient OK
    ${DATA}
    C: From: anna@example.com
    C: .
    S: 451 4.3.0 Temporary local error: try again later
    C: MAIL FROM:<anna@other.example.com>
    S: 451 4.3.0 Temporary local error: try again later
  `);
  node.pass(REMEMBERED_MS);
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 451 4.3.0 Temporary local error: try again later
  `);
  node.link.down = false;
  node.pass(PROBE_MS);
  await client.play(MESSAGE);
  assertEquals(await node.used("anna"), 1);
});

Deno.test("control plane away: who logged in lately goes on; other passwords get 454, and are counted as guesses", async () => {
  await using node = await startTestNode({ settings: { maxAuthFailures: 3 } });
  await node.account("anna", { blocks: 1 });
  using before = await node.login("anna");
  await before.play(ENVELOPE);
  node.link.down = true;
  node.pass(FORGOTTEN_MS);
  using anna = await node.login("anna");
  await anna.play(ENVELOPE);
  using client = await node.hello();
  const guess = (reply: string) => `C: ${authPlain("anna", "guess")}\nS: ${reply}\n`;
  const away = "454 4.7.0 Accounts cannot be looked up now: try again in a minute";
  await client.play(guess(away).repeat(3) + guess("454 4.7.0 Too many failed logins: …"));
});

Deno.test("control plane away: what would be refused by what is remembered gets 451, not 550", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await node.api("PATCH", "/anna", { status: "suspended" });
  node.pass(FORGOTTEN_MS);
  await client.play("C: MAIL FROM:<anna@example.com>\nS: 550 5.7.1 …");
  node.link.down = true;
  await client.play("C: MAIL FROM:<anna@example.com>\nS: 451 4.3.0 Temporary local error: try again later");
});

Deno.test("control plane away: a drain ends all the same", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(ENVELOPE);
  node.link.down = true;
  await client.play(`
    ${DATA}
    C: From: anna@example.com
    C: .
    S: 451 4.3.0 Temporary local error: try again later
  `);
  client.close();
  await node.drain(0);
});

Deno.test("account: a suspended one gets 550 5.7.1 at MAIL and at the end of the data", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(ENVELOPE);
  await node.api("PATCH", "/anna", { status: "suspended" });
  await client.play(`
    ${DATA}
    C: From: anna@example.com
    C: .
    S: 550 5.7.1 Account suspended: contact the service's operator
  `);
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 550 5.7.1 Account suspended: contact the service's operator
  `);
  assertEquals(await node.used("anna"), 0);
});

Deno.test("account: a suspension inside a transaction reaches the next recipient", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using client = await node.login("anna");
  await client.play(ENVELOPE);
  await node.api("PATCH", "/anna", { status: "suspended" });
  node.pass(FORGOTTEN_MS);
  await client.play(`
    C: RCPT TO:<other@example.net>
    S: 550 5.7.1 Account suspended: contact the service's operator
  `);
});

Deno.test("account: without any block it gets 550 5.7.1", async () => {
  await using node = await startTestNode();
  await node.account("anna");
  using client = await node.login("anna");
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 550 5.7.1 No relay blocks on this account
  `);
  // It is looked up anew each time: what was bought meanwhile is known.
  await node.buy("anna", 1);
  await client.play(`
    C: MAIL FROM:<anna@example.com>
    S: 451 4.7.1 Temporary local error: service activates at 2026-11-23T12:15:00Z (in 15 minutes)
  `);
});

Deno.test("account: suspended comes before no block, no block before pending, pending before quota", async () => {
  await using node = await startTestNode({ settings: { blockRelays: 1 } });
  await node.account("anna");
  using client = await node.login("anna");
  const suspend = (status: string) => node.api("PATCH", "/anna", { status });
  const mail = (reply: string) => client.play(`C: MAIL FROM:<anna@nowhere.example> SIZE=10485760\nS: ${reply}`);
  await suspend("suspended");
  await mail("550 5.7.1 Account suspended: contact the service's operator");
  await suspend("active");
  await mail("550 5.7.1 No relay blocks on this account");
  await node.buy("anna", 1);
  await suspend("suspended");
  await mail("550 5.7.1 Account suspended: contact the service's operator");
  await suspend("active");
  await mail("451 4.7.1 Temporary local error: service activates at 2026-11-23T12:15:00Z (in 15 minutes)");
  client.close();
  node.pass(15 * MINUTE_MS);
  using later = await node.login("anna");
  // Two relays are needed and there is one; and the sender's domain does not exist, which comes last.
  await later.play(`
    C: MAIL FROM:<anna@nowhere.example> SIZE=10485760
    S: 451 4.7.1 Daily relay quota exceeded: 0 of 1 used, this needs 2; resets at 2026-11-24T00:00:00Z
    C: MAIL FROM:<anna@nowhere.example>
    S: 550 5.1.8 …
  `);
});

Deno.test("421: one connection too many from an address, or in all", async () => {
  for (
    const [settings, reply] of [
      [{ maxConnectionsPerAddress: 2 }, "421 4.7.0 Too many connections from your address: close some or try later"],
      [{ maxConnections: 2 }, "421 4.7.0 Too many connections: try again later"],
    ] as const
  ) {
    await using node = await startTestNode({ settings });
    using first = await node.hello();
    using _second = await node.hello();
    using third = await Dialogue.connect(node.port);
    await third.play(`S: ${reply}`);
    await third.ended();
    await first.play("C: NOOP\nS: 250 2.0.0 OK");
  }
});

Deno.test("421: who says nothing for five minutes hears 421 4.4.2", async () => {
  await using node = await startTestNode();
  using client = await node.hello();
  node.pass(5 * MINUTE_MS + 1);
  await client.play("S: 421 4.4.2 Idle for too long");
  await client.ended();
});

Deno.test("421: a drain says 421 4.3.2 to who is idle, and lets a transaction end first", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  using idle = await node.hello();
  using busy = await node.login("anna");
  await busy.play(ENVELOPE + DATA);
  const drained = node.drain(30_000);
  await idle.play("S: 421 4.3.2 Shutting down: try again in a minute");
  await idle.ended();
  await busy.play(`
    C: From: anna@example.com
    C: .
    S: 250 2.0.0 OK: queued as …
    S: 421 4.3.2 Shutting down: try again in a minute
  `);
  await busy.ended();
  await drained;
  assertEquals(await node.used("anna"), 1);
});
