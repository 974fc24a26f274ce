/**
 * The dry run beside a real node: for each message, what the API says would happen, and then what does happen when a
 * client sends it. Every reply is compared, code, status and words.
 */
import { assertEquals } from "@std/assert";
import { Reason } from "../../policy/mod.ts";
import { FORGOTTEN_MS, startTestNode, type TestNode } from "../support/node.ts";
import { onTrigger, policyModule, refusing, TRIGGER_BYTES } from "../support/policy_modules.ts";
import { eventually } from "../support/relay_process.ts";
import { sizedMessage } from "../support/sized_message.ts";

interface Message {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly size: number;
}

interface Step {
  readonly stage: string;
  readonly reply: { readonly code: number; readonly status: string; readonly text: string } | null;
}

interface DryRun {
  readonly price: number;
  readonly outcome: Step | null;
  readonly steps: readonly Step[];
}

const ACCEPTED = "accepted";
const ZONE = {
  "no-mail.example": { MX: ["0 ."] },
  "broken.example": { fault: "SERVFAIL" },
  "bertas.example": { MX: ["10 mx.example.com"] },
} as const;

const said = (reply: Step["reply"]): string =>
  reply === null ? ACCEPTED : `${reply.code} ${reply.status} ${reply.text}`;

/** What each command would be answered with: MAIL, each RCPT, and the data if it comes to it. */
async function foretold(node: TestNode, message: Message): Promise<{ replies: string[]; price: number }> {
  const dry = await node.v1<DryRun>("POST", "/policy/evaluate", { account: "anna", ...message });
  const [mail, ...others] = dry.steps;
  const recipients = others.filter(({ stage }) => stage === "recipient");
  const data = others.length > recipients.length ? [said(dry.outcome?.reply ?? null)] : [];
  return { replies: [mail!, ...recipients].map(({ reply }) => said(reply)).concat(data), price: dry.price };
}

async function happened(node: TestNode, { sender, recipients, size }: Message): Promise<string[]> {
  using client = await node.login("anna");
  const replies: string[] = [];
  const ask = async (line: string): Promise<boolean> => {
    await client.send(`${line}\r\n`);
    const [reply = ""] = await client.reply();
    replies.push(reply.startsWith("250 ") ? ACCEPTED : reply);
    return reply.startsWith("250 ");
  };
  if (!await ask(`MAIL FROM:<${sender}> SIZE=${size}`)) return replies;
  let accepted = 0;
  for (const recipient of recipients) if (await ask(`RCPT TO:<${recipient}>`)) accepted++;
  if (accepted === 0) return replies;
  await client.send("DATA\r\n");
  await client.reply();
  for (const octets of sizedMessage(size, sender || "anna@example.com")) await client.send(octets);
  await ask(".");
  return replies;
}

async function agree(node: TestNode, name: string, changes: Partial<Message> = {}): Promise<void> {
  // Facts that a node remembers may let something in that has just been forbidden.
  node.pass(FORGOTTEN_MS);
  const message = { sender: "anna@example.com", recipients: ["friend@example.net"], size: 1000, ...changes };
  const usedBefore = await node.used("anna");
  const { replies, price } = await foretold(node, message);
  assertEquals(await node.used("anna"), usedBefore, `${name}: the dry run cost something`);
  assertEquals(await happened(node, message), replies, name);
  const isAccepted = replies.length > message.recipients.length + 1 && replies.at(-1) === ACCEPTED;
  assertEquals(await node.used("anna"), usedBefore + (isAccepted ? price : 0), `${name}: the price`);
}

/** Changes the policy, and waits until the node decides by it. */
async function change(node: TestNode, method: string, path: string, body: unknown): Promise<void> {
  await node.v1(method, `/policy${path}`, body);
  await eventually(async () => {
    const { nodes } = await node.v1<{ nodes: { upToDate: boolean }[] }>("GET", "/policy");
    return nodes.length > 0 && nodes.every(({ upToDate }) => upToDate) ? true : undefined;
  }, "the node's policy");
}

Deno.test("dry run: says what the node then does, for an account in each state", async () => {
  await using node = await startTestNode();
  await node.account("anna");
  await agree(node, "no block");
  await node.buy("anna", 1);
  await agree(node, "pending");
  node.pass(20 * 60_000);
  await agree(node, "active");
  await agree(node, "several recipients", { recipients: ["a@example.net", "b@example.net", "c@example.net"] });
  await node.api("PATCH", "/anna", { status: "suspended" });
  await agree(node, "suspended");
});

Deno.test("dry run: says what the node then does, for each sender, recipient and size", async () => {
  await using node = await startTestNode({ zone: ZONE });
  await node.account("anna", { blocks: 1 });
  await node.account("berta");
  await claim(node, "berta", "bertas.example");
  await agree(node, "null reverse path", { sender: "" });
  for (const domain of ["nowhere.example", "no-mail.example", "broken.example", "[192.0.2.1]", "localhost"]) {
    await agree(node, `sender at ${domain}`, { sender: `anna@${domain}` });
    await agree(node, `recipient at ${domain}`, { recipients: [`friend@${domain}`, "friend@example.net"] });
    await agree(node, `recipient at ${domain} alone`, { recipients: [`friend@${domain}`] });
  }
  for (const domain of ["bertas.example", "mail.BERTAS.example"]) {
    await agree(node, `sender at ${domain}`, { sender: `anna@${domain}` });
  }
  await agree(node, "larger than anything", { size: 52_428_801 });
  await agree(node, "ten megabytes", { size: 10_485_760 });
});

Deno.test("dry run: says what the node then does, where the day's relays are at their end", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  await change(node, "PATCH", "/parameters", { relaysPerBlock: 3 });
  await agree(node, "more than there are", { recipients: ["a", "b", "c", "d"].map((name) => `${name}@example.net`) });
  await agree(node, "one too many");
});

Deno.test("dry run: says what the node then does, by parameters and modules that were changed", async () => {
  await using node = await startTestNode();
  await node.account("anna", { blocks: 1 });
  await change(node, "PATCH", "/parameters", { maxRecipients: 1, claimedDomainsOnly: 1, maxSizeBytes: 2000 });
  await agree(node, "unclaimed");
  await claim(node, "anna", "example.com");
  await agree(node, "claimed; two recipients", { recipients: ["a@example.net", "b@example.net"] });
  await agree(node, "larger than is set", { size: 2001 });
  await change(node, "PUT", "", policyModule({ before: onTrigger(refusing(Reason.NdrRefused)) }));
  await agree(node, "somebody else's module");
  await agree(node, "somebody else's module, refusing", { size: TRIGGER_BYTES });
});

async function claim(node: TestNode, username: string, domain: string): Promise<void> {
  const { record } = await node.api<{ record: { name: string; value: string } }>("POST", `/${username}/domains`, {
    domain,
  });
  node.dns.zone[record.name] = { TXT: [record.value] };
  await node.api("POST", `/${username}/domains/${domain}/verify`);
}
