/** Signatures on whole messages of many kinds, as mailauth's verifier sees them. */
import { assertEquals, assertMatch } from "@std/assert";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { getLogger } from "@logtape/logtape";
import { authorDomains } from "../../../relay/admission/author_domains.ts";
import { type Signable, Signer, type SignerOptions, type Signing } from "../../../relay/dkim/signer.ts";
import { type DomainKeys, type KeyQuestion, KeysUnknown } from "../../../relay/dkim/signing_keys.ts";
import type { Content } from "../../../relay/spool/types.ts";
import { makeKey, verdicts } from "../../support/dkim.ts";
import { assertGrownByLess, memoryUse } from "../../support/memory_growth.ts";
import { holds, sizeOf } from "../../support/size.ts";

const NOON = Date.parse("2026-11-23T12:00:00Z");
const MINUTE_MS = 60_000;
const MIB = 1024 * 1024;
const rsa = await makeKey("r1", "rsa-sha256");
const ed25519 = await makeKey("e1", "ed25519-sha256");
const service = await makeKey("s1", "rsa-sha256");
const KEYS: Record<string, DomainKeys> = {
  "alice example.com": { domain: "example.com", keys: [rsa, ed25519] },
  "null relay.example.net": { domain: "relay.example.net", keys: [service] },
};
const RECORDS = new Map([
  ["r1._domainkey.example.com", rsa.record],
  ["e1._domainkey.example.com", ed25519.record],
  ["s1._domainkey.relay.example.net", service.record],
]);
const BOTH_PASS = ["r1 of example.com: pass", "e1 of example.com: pass"];
const HEADER = "Received: from x by y\r\nFrom: Alice <alice@example.com>\r\nTo: bob@example.net\r\nSubject: hello\r\n" +
  "Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n";

const MESSAGE: Signable = {
  id: "message-1",
  account: "alice",
  receivedAt: NOON,
  origin: { address: "192.0.2.1", helo: "client", protocol: "ESMTPSA", tls: null },
};

function signer(options: Partial<SignerOptions> = {}): Signer {
  return new Signer({
    keys: { of: ({ account, domain }: KeyQuestion) => Promise.resolve(KEYS[`${account} ${domain}`] ?? null) },
    authorDomains,
    serviceDomain: null,
    now: () => NOON,
    log: getLogger("test-dkim"),
    ...options,
  });
}

/**
 * In chunks of that size, each in the buffer of the one before, as a large message comes from its file; Infinity: in
 * memory, as a small one.
 */
function contentOf(octets: Uint8Array, chunkOctets = 64 * 1024): Content {
  return {
    sizeBytes: octets.length,
    ...(chunkOctets === Infinity && { octets }),
    async *chunks() {
      const buffer = new Uint8Array(Math.min(chunkOctets, octets.length));
      for (let at = 0; at < octets.length; at += buffer.length) {
        const chunk = octets.subarray(at, at + buffer.length);
        buffer.set(chunk);
        yield buffer.subarray(0, chunk.length);
      }
      await Promise.resolve();
    },
  };
}

async function octetsOf(signing: Signing): Promise<Buffer> {
  if (signing.kind === "deferred") throw new Error(`deferred: ${signing.why}`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of signing.content.chunks()) chunks.push(chunk.slice());
  const octets = Buffer.concat(chunks);
  assertEquals(octets.length, signing.content.sizeBytes);
  return octets;
}

/** Signs, sees that the octets below are those that were given, and asks the verifier. */
async function signAndVerify(message: Uint8Array, chunkOctets?: number, options?: Partial<SignerOptions>) {
  const signed = await octetsOf(await signer(options).sign(MESSAGE, contentOf(message, chunkOctets)));
  assertEquals(signed.subarray(signed.length - message.length).equals(message), true, "the message was changed");
  return await verdicts(signed, RECORDS);
}

const latin1 = (text: string) => Buffer.from(text, "latin1");

const MESSAGES: Record<string, string> = {
  "plain text": `${HEADER}\r\nHello.\r\n`,
  "dots": `${HEADER}\r\n.\r\n..\r\n.hidden\r\n`,
  "8-bit": `${HEADER}\r\nGr\xfc\xdfe \xe2\x82\xac\r\n`,
  "8-bit in the header": `${HEADER}X-Latin: \xe4\r\nSubject: \xf6\r\n\r\nHello.\r\n`.replace("Subject: hello\r\n", ""),
  "lines of 20,000 octets": `${HEADER}\r\n${"x".repeat(20_000)}\r\n${"y ".repeat(10_000)}\r\n`,
  "no body": `${HEADER}\r\n`,
  "a header alone": HEADER,
  "a body of empty lines": `${HEADER}\r\n\r\n\r\n\r\n`,
  "a body of blanks": `${HEADER}\r\n  \r\n\t\r\n \t `,
  "trailing empty lines": `${HEADER}\r\nHello.\r\n\r\n\r\n \r\n`,
  "empty lines before and between": `${HEADER}\r\n\r\n\r\nHello.\r\n\r\n\r\nBye.\r\n`,
  "trailing blanks": `${HEADER}\r\nHello. \t \r\n \t Bye. \r\n`,
  "blanks in a row": `${HEADER}\r\na  b\t\tc \t d\r\n   e\r\n`,
  "no CRLF at the end": `${HEADER}\r\nHello.`,
  "NUL and controls": `${HEADER}\r\na\0b\x01c\x7f\x0b\x0c\r\n`,
  "folded fields": HEADER.replace("Subject: hello", "Subject: hello\r\n  there\r\n\tworld  \r\n \tagain") +
    "\r\nHello.\r\n",
  "blanks around colons": HEADER.replace("Subject: hello", "SUBJECT \t:   hello  ") + "\r\nHello.\r\n",
  "an empty Subject": HEADER.replace("Subject: hello", "Subject:") + "\r\nHello.\r\n",
  "fields several times": `${HEADER}To: carol@example.net\r\nReferences: <a@b>\r\nReferences: <c@d>\r\n\r\nHello.\r\n`,
  "every covered field": HEADER + "Cc: c@example.net\r\nReply-To: r@example.com\r\nSender: s@example.com\r\n" +
    "In-Reply-To: <0@example.com>\r\nReferences: <0@example.com>\r\nMIME-Version: 1.0\r\n" +
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nList-Id: <l.example.com>\r\n" +
    "List-Unsubscribe: <https://example.com/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nHello.\r\n",
  "signed before by others":
    `DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=x;\r\n h=from; bh=AA==; b=AA==\r\n${HEADER}\r\nHello.\r\n`,
};

for (const [name, message] of Object.entries(MESSAGES)) {
  Deno.test(`DKIM: RSA and Ed25519 signatures hold: ${name}`, async () => {
    for (const chunkOctets of [1, 7, 64 * 1024, Infinity]) {
      assertEquals(
        (await signAndVerify(latin1(message), chunkOctets)).slice(0, 2),
        BOTH_PASS,
        `chunks of ${chunkOctets}`,
      );
    }
  });
}

Deno.test("DKIM: signatures of 10 MiB hold", async () => {
  const line = "0123456789 abcdefghijklmnopqrstuvwxyz  ABCDEFGHIJKLMNOPQRSTUVWXYZ\t.\r\n";
  const body = line.repeat(Math.ceil(10 * 1024 * 1024 / line.length));
  assertEquals(await signAndVerify(latin1(`${HEADER}\r\n${body}`)), BOTH_PASS);
});

Deno.test("DKIM: memory does not grow with the message", async () => {
  const chunk = latin1("0123456789 abcdefghijklmnopqrstuvwxyz\r\n".repeat(1600));
  const chunks = Math.ceil(sizeOf({ ci: 128, large: 2048 }) * MIB / chunk.length);
  const content: Content = {
    sizeBytes: chunks * chunk.length,
    async *chunks() {
      yield latin1(`${HEADER}\r\n`);
      for (let at = 0; at < chunks; at++) yield chunk;
      await Promise.resolve();
    },
  };
  const before = memoryUse();
  const signing = await signer().sign(MESSAGE, content);
  assertGrownByLess(before, { heapBytes: 2 * MIB, rssBytes: 48 * MIB });
  assertEquals(signing.kind === "content" && signing.content.sizeBytes > content.sizeBytes, true);
});

Deno.test("DKIM: signatures of random messages hold, however they are cut", async () => {
  const piece = fc.constantFrom(" ", "\t", "\r\n", ".", "a", "\xe9", "\0", "=", ":");
  const body = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(""));
  const subject = fc.array(fc.constantFrom(" ", "\t", "\r\n ", "a", "\xe9", ":"), { maxLength: 20 })
    // A fold of blanks alone is obsolete syntax (RFC 5322 4.2), and readers take it for the end of the header.
    .map((pieces) => `Subject:${pieces.join("")}x\r\n`);
  await holds(
    fc.asyncProperty(subject, body, fc.integer({ min: 1, max: 90 }), async (subject, body, chunkOctets) => {
      const message = HEADER.replace("Subject: hello\r\n", subject) + `\r\n${body}`;
      assertEquals(await signAndVerify(latin1(message), chunkOctets), BOTH_PASS);
    }),
    { ci: 300, large: 20_000 },
    import.meta.filename,
  );
});

Deno.test("DKIM: From, Subject, To, Cc and Reply-To are signed once more than they are there: none can be added", async () => {
  const signed = await octetsOf(await signer().sign(MESSAGE, contentOf(latin1(`${HEADER}\r\nHello.\r\n`))));
  assertMatch(
    signed.toString().replace(/\r\n /g, " "),
    /h=from: from: subject: subject: to: to: cc: reply-to: date: message-id;/,
  );
  for (const added of ["From: eve@example.org", "Subject: other", "Cc: eve@example.org", "Reply-To: eve@example.org"]) {
    const results = await verdicts(Buffer.concat([latin1(`${added}\r\n`), signed]), RECORDS);
    assertEquals(results, ["r1 of example.com: fail, bad signature", "e1 of example.com: fail, bad signature"], added);
  }
});

Deno.test("DKIM: no line of a signature is longer than 78 characters", async () => {
  const message = latin1(MESSAGES["every covered field"]!);
  const signed = await octetsOf(await signer().sign(MESSAGE, contentOf(message)));
  const lines = signed.subarray(0, signed.length - message.length).toString().split("\r\n");
  assertEquals(lines.filter((line) => line.length > 78), []);
});

Deno.test("DKIM: mail of a domain without keys stays as it is", async () => {
  const message = latin1(`${HEADER}\r\nHello.\r\n`.replace("@example.com>", "@example.org>"));
  assertEquals(await signAndVerify(message), []);
});

Deno.test("DKIM: several From fields, or none, are not signed for", async () => {
  assertEquals(await signAndVerify(latin1(`From: eve@example.org\r\n${HEADER}\r\nHello.\r\n`)), []);
  assertEquals(await signAndVerify(latin1("Subject: hello\r\n\r\nHello.\r\n")), []);
});

Deno.test("DKIM: as the service, where the operator wants it, but not mail whose From could pass for the service's", async () => {
  const from = (domain: string) => latin1(`${HEADER}\r\nHello.\r\n`.replace("@example.com>", `@${domain}>`));
  const options = { serviceDomain: "relay.example.net" };
  const asService = ["s1 of relay.example.net: pass"];
  assertEquals(await signAndVerify(from("example.org"), undefined, options), asService);
  assertEquals(await signAndVerify(from("example.com"), undefined, options), BOTH_PASS);
  assertEquals(await signAndVerify(from("example.net"), undefined, options), []);
  assertEquals(await signAndVerify(from("other.example.net"), undefined, options), []);
  // What the relay itself writes, a DSN, is the service's own.
  const dsn = { ...MESSAGE, origin: null };
  const signed = await octetsOf(await signer(options).sign(dsn, contentOf(from("relay.example.net"))));
  assertEquals(await verdicts(signed, RECORDS), asService);
});

Deno.test("DKIM: keys that cannot be looked up put mail off for half an hour; then it goes unsigned", async () => {
  const message = latin1(`${HEADER}\r\nHello.\r\n`);
  const keys = { of: () => Promise.reject(new KeysUnknown("the keys to sign with cannot be looked up")) };
  const after = (minutes: number) =>
    signer({ keys, now: () => NOON + minutes * MINUTE_MS }).sign(MESSAGE, contentOf(message));
  assertEquals(await after(29), { kind: "deferred", why: "the keys to sign with cannot be looked up" });
  assertEquals(await octetsOf(await after(30)), message);
});

Deno.test("DKIM: a header that is too long, or repeats fields too often, is not signed", async () => {
  for (const more of [`X-Long: ${"x".repeat(128 * 1024)}\r\n`, "To: x@example.net\r\n".repeat(100)]) {
    for (const chunkOctets of [1000, 1024 * 1024]) {
      assertEquals(await signAndVerify(latin1(`${HEADER}${more}\r\nHello.\r\n`), chunkOctets), []);
    }
  }
});
