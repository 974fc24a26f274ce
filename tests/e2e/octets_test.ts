/** What the relay received leaves it identical, below its trace field (invariant 5); over TLS in, plain out. */
import { assertEquals } from "@std/assert";
import { startDnsServer } from "../support/dns_server.ts";
import { endOf } from "../support/history.ts";
import { NextHopServer } from "../support/next_hop_server.ts";
import { OctetClient } from "../support/octet_client.ts";
import { assertSameOctets, belowTrace, latin1 } from "../support/octets.ts";
import { eventually, openAccount, startRelay } from "../support/relay_process.ts";

const HEADER = "Subject: octets\r\nFrom: anna@customer.test\r\n\r\n";
/** From here on each recipient costs two relays. */
const TEN_MB = 10 * 1024 * 1024;

const contents: Record<string, string> = {
  "leading dots": `${HEADER}.\r\n..\r\n...\r\n.x\r\n\r\n.\r\n`,
  "dots at every place of a buffer": HEADER +
    Array.from({ length: 20_000 }, (_, line) => `${".".repeat(line % 7)}${"x".repeat(line % 5)}\r\n`).join(""),
  "every octet but CR and LF": HEADER + everyOctet().repeat(50) + "\r\n",
  "lines of 998 and 999 octets": `${HEADER}${"a".repeat(998)}\r\n${"b".repeat(999)}\r\n`,
  "lines beyond 64 KiB": `${HEADER}${"c".repeat(65_537)}\r\n.${"d".repeat(1_000_000)}\r\n${"e".repeat(131_072)}\r\n`,
  "a long header field": `Subject: ${"f".repeat(70_000)}\r\n\r\nText.\r\n`,
  "10 MB": tenMegabytes(),
  "an empty body": HEADER,
  "a header without the empty line": "Subject: alone\r\n",
  "an empty header": "\r\nText.\r\n",
  "no header at all": "Text without a colon.\r\n.\r\n",
  "a first line that begins with a blank": " Text.\r\n",
  "empty lines only": "\r\n\r\n\r\n",
  "nothing at all": "",
};

Deno.test("octets: what the relay received leaves it identical below the trace field", async (t) => {
  await using dns = startDnsServer({ "*": { MX: ["10 @"], A: ["127.0.0.1"] } });
  await using hop = await NextHopServer.start();
  await using relay = await startRelay({ MAILHOP_DNS: dns.setting, MAILHOP_ROUTES: `*=127.0.0.1:${hop.port}` });
  await using client = await OctetClient.open(relay, "anna", await openAccount(relay, "anna"));

  for (const [name, content] of Object.entries(contents)) {
    await t.step(name, async () => {
      const recipient = `${name.replaceAll(" ", "-")}@example.test`;
      const id = await client.send("anna@customer.test", [recipient], latin1(content));
      const { content: arrived } = await eventually(
        () => hop.received.find(({ recipients }) => recipients.includes(recipient)),
        `"${name}" at the next hop`,
      );
      assertSameOctets(belowTrace(arrived, id), content, name);
      const { sizeBytes, relays } = await endOf(relay, id);
      assertEquals({ sizeBytes, relays }, { sizeBytes: content.length, relays: content.length < TEN_MB ? 1 : 2 });
    });
  }
  await t.step("each arrived once", () => {
    assertEquals(hop.received.length, Object.keys(contents).length);
  });
});

function everyOctet(): string {
  const octets = Array.from({ length: 256 }, (_, octet) => octet).filter((octet) => octet !== 13 && octet !== 10);
  return String.fromCharCode(...octets);
}

/** 10,485,760 octets: lines of all lengths up to 300, with 8-bit octets, and dots in front of every third. */
function tenMegabytes(): string {
  const lines = Array.from({ length: 300 }, (_, length) => {
    const text = everyOctet().slice(32).repeat(2).slice(length % 200, length % 200 + length);
    return `${length % 3 === 0 ? "." : ""}${text}\r\n`;
  }).join("");
  const room = TEN_MB - HEADER.length - 2;
  // No CR without its LF at the cut.
  return `${HEADER}${lines.repeat(Math.ceil(room / lines.length)).slice(0, room).replace(/\r$/, "x")}\r\n`;
}
