/**
 * No account sends as a domain that another has claimed (invariant 6): a whole node with two accounts, spoken to over a
 * socket. All the ways to write a From field are in admission/author_domains_test.ts.
 */
import { assertEquals } from "@std/assert";
import type { Dialogue } from "../support/dialogue.ts";
import { ENVELOPE, FORGOTTEN_MS, startTestNode, type TestNode } from "../support/node.ts";

const TAKEN = "belongs to another account: send with an address of your own, or with that account";
const KIB = 1024;

interface Claim {
  readonly status: string;
  readonly record: { readonly name: string; readonly value: string };
}

/** A node with "anna" and "bo". example.com is everybody's; the domains below are bo's. */
async function startClaimedNode(): Promise<TestNode> {
  const mail = { MX: ["10 mx.example.com"] };
  const node = await startTestNode({
    zone: { "claimed.example": mail, "sub.claimed.example": mail, "xn--bcher-kva.example": mail },
  });
  for (const name of ["anna", "bo"]) await node.account(name, { blocks: 1 });
  for (const domain of ["claimed.example", "bücher.example"]) await own(node, "bo", domain);
  return node;
}

async function own(node: TestNode, username: string, domain: string): Promise<void> {
  const { record: { name, value } } = await node.api<Claim>("POST", `/${username}/domains`, { domain });
  node.dns.zone[name] = { TXT: [value] };
  await node.api("POST", `/${username}/domains/${encodeURIComponent(domain)}/verify`);
}

/** Sends a message whose header section is `header`; the reply to it. */
async function send(client: Dialogue, header: string): Promise<string> {
  await client.play(`${ENVELOPE}\nC: DATA\nS: 354 …`);
  await client.send(`${header}\r\n\r\nHello\r\n.\r\n`);
  return (await client.reply()).join("\n");
}

const accepted = (reply: string) => reply.startsWith("250 2.0.0 OK: queued as ");

Deno.test("MAIL: as a domain that another account has claimed gets 550 5.7.1, its owner is let through", async () => {
  await using node = await startClaimedNode();
  using anna = await node.login("anna");
  await anna.play(`
    C: MAIL FROM:<me@claimed.example>
    S: 550 5.7.1 Domain claimed.example ${TAKEN}
    C: MAIL FROM:<me@Sub.CLAIMED.example>
    S: 550 5.7.1 Domain sub.claimed.example ${TAKEN}
    C: MAIL FROM:<@example.com:me@claimed.example>
    S: 550 5.7.1 Domain claimed.example ${TAKEN}
    C: MAIL FROM:<me@XN--BCHER-KVA.example>
    S: 550 5.7.1 Domain xn--bcher-kva.example ${TAKEN}
    C: MAIL FROM:<me@bücher.example> SMTPUTF8
    S: 550 5.7.1 Domain bücher.example ${TAKEN}
    C: MAIL FROM:<me@example.com>
    S: 250 2.1.0 Sender OK
    C: RSET
    S: 250 2.0.0 OK
    C: MAIL FROM:<>
    S: 250 2.1.0 Sender OK
  `);
  using bo = await node.login("bo");
  for (const domain of ["claimed.example", "sub.claimed.example", "xn--bcher-kva.example", "example.com"]) {
    await bo.play(`
      C: MAIL FROM:<me@${domain}>
      S: 250 2.1.0 Sender OK
      C: RSET
      S: 250 2.0.0 OK
    `);
  }
});

const FORMS: readonly string[] = [
  "From: me@claimed.example",
  "FROM : me@Claimed.Example.",
  "From:\r\n\tAnna\r\n <me@claimed.example>",
  "From: me@sub.claimed.example",
  "From: anna@example.com, me@claimed.example",
  "From: Friends: anna@example.com, me@claimed.example;",
  'From: "me@claimed.example" <anna@example.com>',
  "From: anna@example.com (me@claimed.example)",
  "From: me (me) @ claimed (claimed) . example",
  "From: <@example.com:me@claimed.example>",
  'From: "me"@claimed.example',
  "From: =?utf-8?q?me=40claimed.example?= <anna@example.com>",
  "From: me@bücher.example",
  "From: me@xn--bcher-kva.example",
  "From: <me@claimed.example",
  `Subject: a\r\nX-Long: ${"x".repeat(900)}\r\nFrom: me@claimed.example`,
];

Deno.test("end of data: From in another account's domain gets 550 5.7.1 in every form, and costs nothing", async () => {
  await using node = await startClaimedNode();
  using anna = await node.login("anna");
  for (const header of FORMS) {
    const reply = await send(anna, header);
    assertEquals([reply.slice(0, 17), reply.endsWith(TAKEN)], ["550 5.7.1 Domain ", true], header);
  }
  assertEquals(await node.used("anna"), 0);
  assertEquals(accepted(await send(anna, "From: anna@example.com")), true);
  assertEquals(accepted(await send(anna, "Subject: no From at all")), true);
});

Deno.test("end of data: the owner is let through with every one of these forms", async () => {
  await using node = await startClaimedNode();
  using bo = await node.login("bo");
  for (const header of FORMS) assertEquals(accepted(await send(bo, header)), true, header);
  assertEquals(await node.used("bo"), FORMS.length);
});

Deno.test("end of data: of authors in several domains, the first that is not the account's is named", async () => {
  await using node = await startClaimedNode();
  await own(node, "anna", "example.com");
  using anna = await node.login("anna");
  assertEquals(
    await send(anna, "From: anna@example.com, me@bücher.example, me@claimed.example"),
    `550 5.7.1 Domain xn--bcher-kva.example ${TAKEN}`,
  );
});

Deno.test("end of data: a header that does not end within 128 KiB gets 552 5.3.4, wherever its From stands", async () => {
  await using node = await startClaimedNode();
  using anna = await node.login("anna");
  const line = `X-Padding: ${"x".repeat(985)}\r\n`;
  const padding = (octets: number) => line.repeat(Math.ceil(octets / line.length));
  const tooLong = "552 5.3.4 Header too long: at most 131072 bytes before the empty line";
  for (const octets of [128 * KIB, 400 * KIB]) {
    assertEquals(await send(anna, `${padding(octets)}From: me@claimed.example`), tooLong);
    assertEquals(await send(anna, `From: anna@example.com\r\n${padding(octets)}X: x`), tooLong);
  }
  // Just below it, a message of any size is read.
  const fits = `${padding(126 * KIB)}From: me@claimed.example\r\n\r\n${"body ".repeat(80_000)}`;
  assertEquals(await send(anna, fits), `550 5.7.1 Domain claimed.example ${TAKEN}`);
  assertEquals(await node.used("anna"), 0);
});

Deno.test("end of data: a From field too long to be read gets 550 5.6.0", async () => {
  await using node = await startClaimedNode();
  using anna = await node.login("anna");
  const folds = `${" ".repeat(900)}\r\n`.repeat(10);
  const tooLong = "550 5.6.0 From field too long: at most 8192 bytes and 32 domains";
  assertEquals(await send(anna, `From: anna@example.com,\r\n${folds} me@claimed.example`), tooLong);
  const many = Array.from({ length: 40 }, (_, n) => `a@d${n}.example`).join(",\r\n ");
  assertEquals(await send(anna, `From: ${many}, me@claimed.example`), tooLong);
});

Deno.test("a claim reaches a node within seconds; what was given up is free at once", async () => {
  await using node = await startClaimedNode();
  using anna = await node.login("anna");
  assertEquals(accepted(await send(anna, "From: anna@example.com")), true);
  await own(node, "bo", "example.com");
  node.pass(FORGOTTEN_MS);
  await anna.play(`
    C: MAIL FROM:<anna@example.com>
    S: 550 5.7.1 Domain example.com ${TAKEN}
  `);
  // A refusal is looked up anew: the node's memory of the claim does not refuse.
  await node.api("DELETE", "/bo/domains/example.com");
  assertEquals(accepted(await send(anna, "From: anna@example.com")), true);
});

Deno.test("control plane away: nobody is refused, and nothing passes unchecked", async () => {
  await using node = await startClaimedNode();
  using anna = await node.login("anna");
  await anna.play(`${ENVELOPE}\nC: DATA\nS: 354 …`);
  node.link.down = true;
  await anna.play(`
    C: From: me@claimed.example
    C: .
    S: 451 4.3.0 Temporary local error: try again later
  `);
});
