/** Signatures from key to next hop: a whole node with its control plane, spoken to over a socket. */
import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { startTestNode, type TestNode, type TestSettings } from "../../support/node.ts";
import { verdicts } from "../../support/dkim.ts";

interface Keys {
  readonly items: readonly {
    readonly selector: string;
    readonly record: { readonly name: string; readonly value: string };
  }[];
}

/** "anna" has example.com, "operator" the domain of the service. */
async function startSigningNode(settings: Partial<TestSettings> = {}) {
  const mail = { MX: ["10 mx.example.com"] };
  const node = await startTestNode({ settings, zone: { "example.org": mail, "relay.test": mail } });
  const records = new Map<string, string>();
  for (const [username, domain] of [["anna", "example.com"], ["operator", "mail.relay.test"]] as const) {
    await node.account(username, { blocks: 1 });
    const { record } = await node.api<{ record: { name: string; value: string } }>("POST", `/${username}/domains`, {
      domain,
    });
    node.dns.zone[record.name] = { TXT: [record.value] };
    await node.api("POST", `/${username}/domains/${domain}/verify`);
    const { items } = await node.api<Keys>("POST", `/${username}/domains/${domain}/dkim`);
    for (const { record: { name, value } } of items) {
      node.dns.zone[name] = { TXT: [value] };
      records.set(name, value);
    }
    await node.api("POST", `/${username}/domains/${domain}/dkim/rotate`);
  }
  return { node, records };
}

/** Sends a message from this address; what arrives, and the verdicts on its signatures. */
async function arrival(node: TestNode, records: ReadonlyMap<string, string>, from: string, username = "anna") {
  const before = node.nextHop.received.length;
  using client = await node.login(username);
  await client.play(`
    C: MAIL FROM:<${from}>
    S: 250 2.1.0 Sender OK
    C: RCPT TO:<friend@example.net>
    S: 250 2.1.5 Recipient OK
    C: DATA
    S: 354 …
  `);
  await client.send(`From: Somebody <${from}>\r\nSubject: hello\r\n\r\nHello.\r\n..two dots  \r\n.\r\n`);
  await client.play("S: 250 2.0.0 OK: queued as …");
  await node.nextHop.until(({ received }) => received.length > before);
  const { content } = node.nextHop.received[before]!;
  return { content, verdicts: await verdictsOf(content, records) };
}

/** Without the selectors' tokens. */
async function verdictsOf(content: string, records: ReadonlyMap<string, string>): Promise<string[]> {
  const found = await verdicts(Buffer.from(content, "latin1"), records);
  return found.map((verdict) => verdict.replace(/-[0-9a-f]{8} /, " "));
}

Deno.test("DKIM: mail of a claimed domain arrives signed, above the relay's Received, and is otherwise untouched", async () => {
  const { node, records } = await startSigningNode();
  await using _ = node;
  const { content, verdicts } = await arrival(node, records, "anna@example.com");
  assertEquals(verdicts, ["mh-rsa of example.com: pass", "mh-ed25519 of example.com: pass"]);
  assertEquals(content.match(/^[A-Za-z-]+(?=:)/gm), [
    "DKIM-Signature",
    "DKIM-Signature",
    "Received",
    "From",
    "Subject",
  ]);
  assertEquals(content.endsWith("\r\nSubject: hello\r\n\r\nHello.\r\n.two dots  \r\n"), true);
});

Deno.test("DKIM: another account's mail is not signed with them", async () => {
  const { node, records } = await startSigningNode();
  await using _ = node;
  await node.account("bo", { blocks: 1 });
  assertEquals((await arrival(node, records, "bo@example.org", "bo")).verdicts, []);
});

Deno.test("DKIM: mail of domains without keys is signed as the service where the operator wants it", async () => {
  const { node, records } = await startSigningNode({ dkimService: true, serviceName: "smtp.mail.relay.test" });
  await using _ = node;
  assertEquals((await arrival(node, records, "anna@example.org")).verdicts, [
    "mh-rsa of mail.relay.test: pass",
    "mh-ed25519 of mail.relay.test: pass",
  ]);
  assertEquals((await arrival(node, records, "anna@relay.test")).verdicts, []);
});

Deno.test("DKIM: a notice to an account is signed as the service where the operator wants it", async () => {
  const { node, records } = await startSigningNode({ dkimService: true, serviceName: "smtp.mail.relay.test" });
  await using _ = node;
  await node.api("PATCH", "/anna", { email: "anna@example.net" });
  await node.sayBlocks();
  await node.nextHop.until(({ received }) => received.length > 0);
  const { content } = node.nextHop.received[0]!;
  assertEquals(/^From: .*<postmaster@smtp\.mail\.relay\.test>\r$/m.test(content), true);
  assertEquals(await verdictsOf(content, records), [
    "mh-rsa of mail.relay.test: pass",
    "mh-ed25519 of mail.relay.test: pass",
  ]);
});

Deno.test("DKIM: no private key is in what the public API says", async () => {
  const { node } = await startSigningNode();
  await using _ = node;
  const said = JSON.stringify(await node.api("GET", "/anna/domains/example.com/dkim"));
  // PKCS #8 of RSA begins with these in base64.
  assertEquals(/MIIEv|privateKey|private_key/.test(said), false);
});
