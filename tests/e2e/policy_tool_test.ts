/**
 * What an operator does with the policy, by the tool and against the real process: tries a message, tunes a figure, decides
 * again what was recorded, loads a module.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { moduleHash } from "../../policy/mod.ts";
import { Dialogue } from "../support/dialogue.ts";
import { startDnsServer } from "../support/dns_server.ts";
import { NextHopServer } from "../support/next_hop_server.ts";
import { policyModule } from "../support/policy_modules.ts";
import { ADMIN_TOKEN, eventually, openAccount, type RelayProcess, ROOT, startRelay } from "../support/relay_process.ts";

async function mailhop(relay: RelayProcess, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "mailhop", ...args],
    cwd: ROOT,
    env: { MAILHOP_API_URL: `http://127.0.0.1:${relay.httpPort}`, MAILHOP_API_TOKEN: ADMIN_TOKEN, NO_COLOR: "1" },
  }).output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""], args.join(" "));
  return new TextDecoder().decode(stdout);
}

/** Sends to both recipients. @param second the reply to the second RCPT. */
async function send(relay: RelayProcess, second: string): Promise<void> {
  using client = await Dialogue.connect(relay.smtpPort);
  await client.play("S: 220 relay.test ESMTP MailHop\nC: EHLO client.test");
  await client.reply();
  await client.play(`
    C: MAIL FROM:<anna@nowhere.example>
    S: 550 5.1.8 Sender verify failed: domain nowhere.example does not exist; check the spelling
    C: MAIL FROM:<anna@example.com>
    S: 250 2.1.0 Sender OK
    C: RCPT TO:<one@example.net>
    S: 250 2.1.5 Recipient OK
    C: RCPT TO:<two@example.net>
    S: ${second}
    C: DATA
    S: 354 End the message with a dot on a line of its own
    C: From: anna@example.com
    C:
    C: Hello
    C: .
    S: 250 2.0.0 OK: queued as …
  `);
}

Deno.test("policy: tried, tuned, decided again and swapped by the tool", async () => {
  await using stack = new AsyncDisposableStack();
  const dns = stack.use(startDnsServer({ "example.com": { A: ["192.0.2.1"] } }));
  const nextHop = stack.use(await NextHopServer.start());
  const relay = stack.use(
    await startRelay({
      MAILHOP_DNS: dns.setting,
      MAILHOP_ROUTES: `*=127.0.0.1:${nextHop.port}`,
      MAILHOP_DECISION_SAMPLE: "100",
      MAILHOP_WORKERS: "2",
    }),
  );
  const file = join(relay.dataDir, "new.wasm");
  await Deno.writeFile(file, policyModule());
  await openAccount(relay, "anna");
  assertEquals((await relay.api("POST", "/accounts/anna/networks", { cidr: "127.0.0.1/32" })).status, 201);

  const explained = await mailhop(relay, "policy", "explain", "anna", "anna@nowhere.example", "one@example.net");
  assertStringIncludes(explained, "550 5.1.8 Sender verify failed: domain nowhere.example does not exist");
  const tried = await mailhop(
    relay,
    "policy",
    "explain",
    "anna",
    "anna@example.com",
    "one@example.net",
    "--size",
    "10MB",
  );
  assertStringIncludes(tried, "Outcome     accepted\nPrice       2 relays\n");

  await send(relay, "250 2.1.5 Recipient OK");
  // A connection, two MAILs, two RCPTs, the message, its author, the quota.
  const recorded = await eventually(async () => {
    const { body } = await relay.api<{ total: number }>("GET", "/policy/decisions");
    return body.total >= 8 ? body.total : undefined;
  }, "the decisions to be recorded");
  const replay = async (...args: string[]) => {
    const answer = JSON.parse(await mailhop(relay, "policy", "replay", "--since", "1h", "--json", ...args));
    return [answer.decisions, answer.changed];
  };
  assertEquals(await replay(), [recorded, 0]);
  assertEquals(await replay("--set", "maxRecipients=1"), [recorded, 1]);
  // It asks the DNS nothing: a sender's domain that does not exist is nothing to it.
  assertEquals(await replay("--module", file), [recorded, 1]);

  await mailhop(relay, "policy", "set", "maxRecipients=1");
  await eventually(() => upToDate(relay), "the nodes to know of it");
  await send(relay, "452 4.5.3 Too many recipients: at most 1 for one message");

  const { active, nodes } = JSON.parse(await mailhop(relay, "policy", "load", file, "--json"));
  assertEquals(active.hash, moduleHash(policyModule()));
  assertEquals(nodes.map(({ upToDate }: { upToDate: boolean }) => upToDate), [true, true]);
  assertStringIncludes(await mailhop(relay, "policy", "rollback"), "Active     own");
});

async function upToDate(relay: RelayProcess): Promise<true | undefined> {
  const { body } = await relay.api<{ nodes: { upToDate: boolean }[] }>("GET", "/policy");
  return body.nodes.every(({ upToDate }) => upToDate) || undefined;
}
