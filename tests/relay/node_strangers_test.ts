/**
 * What strangers can cost, who need no account for it: names that nobody has, and MAIL without a login, each again and
 * again; from a whole node with a false clock, spoken to over a socket.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { FORGOTTEN_MS, passwordOf, startTestNode, type TestNode } from "../support/node.ts";
import { plainResponse } from "../support/dialogue.ts";

const LONGEST_NAME = "n".repeat(64);
const AUTH_FAILED = "535 5.7.8 Authentication failed: check the username (not the e-mail address) and password";
const STRANGER = "C: MAIL FROM:<anna@example.com>\nS: 530 5.7.0 Authentication required\n";

/** Paths of the node's calls from now on that begin so. */
function callsOf({ link }: TestNode, prefix: string): readonly string[] {
  const calls: string[] = [];
  link.loses = (path) => {
    if (path.startsWith(prefix)) calls.push(path);
    return false;
  };
  return calls;
}

Deno.test("AUTH: a name longer than any account's gets 535 without a look at it, and counts for the address alone", async () => {
  await using node = await startTestNode({ settings: { maxAuthFailures: 2 } });
  const logins = callsOf(node, "/v1/node/login");
  using client = await node.hello();
  const guess = (length: number, reply: string) =>
    client.play(`C: AUTH PLAIN ${plainResponse("n".repeat(length), "guess")}\nS: ${reply}`);
  await guess(9000, AUTH_FAILED);
  await guess(65, AUTH_FAILED);
  await guess(9000, "454 4.7.0 Too many failed logins: try again in 10 minutes");
  assertEquals(logins, []);
});

Deno.test("AUTH: the longest name that an account can have logs in", async () => {
  await using node = await startTestNode();
  await node.account(LONGEST_NAME);
  using _ = await node.login(LONGEST_NAME);
  const json = { username: `${LONGEST_NAME}n`, password: passwordOf("nobody") };
  await assertRejects(() => node.api("POST", "", json), Error, "400");
});

Deno.test("MAIL without a login: a network that was just added lets in at the next try", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  const asked = callsOf(node, "/v1/node/networks/");
  using client = await node.hello();
  await client.play(STRANGER);
  await node.api("POST", "/anna/networks", { cidr: "127.0.0.1/32" });
  await client.play("C: MAIL FROM:<anna@example.com>\nS: 250 2.1.0 Sender OK\nC: RSET\nS: 250 2.0.0 OK");
  // Twice for the first: whether it lets in, and then, as it does not, anew.
  assertEquals(asked.length, 3);
  await node.api("DELETE", "/anna/networks?cidr=127.0.0.1/32");
  node.pass(FORGOTTEN_MS);
  await client.play(STRANGER);
});

Deno.test("logins that fail, again and again: some of the refusals are recorded", async () => {
  await using node = await startTestNode({ settings: { decisionSamplePercent: 0, maxAuthFailures: 1000 } });
  for (let n = 0; n < 70; n++) {
    using client = await node.hello();
    await client.play(`C: AUTH PLAIN ${plainResponse("n".repeat(65), "guess")}\nS: ${AUTH_FAILED}`);
  }
  await node.drain(0);
  const { total } = await node.v1<{ total: number }>("GET", "/policy/decisions");
  assertEquals(total, 60);
});
