/** Hands in many messages over a fixed number of connections: with pipelining, at one round trip for each message. */

const CONTENT_OCTETS = 4096;
const REPLY_OCTETS = 4096;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const LINE = `${"0123456789abcdef".repeat(4)}\r\n`;
const CONTENT = `Subject: backlog\r\n\r\n${LINE.repeat(CONTENT_OCTETS / LINE.length)}.\r\n`;
const ENVELOPE = "MAIL FROM:<anna@customer.test>\r\nRCPT TO:<ben@example.test>\r\nDATA\r\n";
/** The first message's envelope, and what follows on it: its content and the next one's envelope. */
const FIRST = encoder.encode(ENVELOPE);
const NEXT = encoder.encode(CONTENT + ENVELOPE);
const LAST = encoder.encode(CONTENT);
/** The last line of a reply. */
const REPLY = /^(\d{3})(?: .*)?\r\n/gm;

/** @throws {Error} a reply that refuses */
export async function fill(port: number, messages: number, connections: number): Promise<void> {
  const share = Math.floor(messages / connections), more = messages % connections;
  await Promise.all(Array.from({ length: connections }, (_, n) => sendSome(port, share + (n < more ? 1 : 0))));
}

async function sendSome(port: number, messages: number): Promise<void> {
  if (messages === 0) return;
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  const buffer = new Uint8Array(REPLY_OCTETS);
  const hear = async (...codes: string[]) => {
    for (let text = "";;) {
      const replies = [...text.matchAll(REPLY)].map(([, code]) => code);
      if (replies.some((code, n) => code !== codes[n])) throw new Error(`expected ${codes}: ${text}`);
      if (replies.length === codes.length) return;
      const length = await conn.read(buffer);
      if (length === null) throw new Error(`closed; expected ${codes}: ${text}`);
      text += decoder.decode(buffer.subarray(0, length));
    }
  };
  const say = async (octets: Uint8Array) => {
    for (let at = 0; at < octets.length;) at += await conn.write(octets.subarray(at));
  };
  await hear("220");
  await say(encoder.encode("EHLO filling.test\r\n"));
  await hear("250");
  await say(FIRST);
  await hear("250", "250", "354");
  for (let left = messages - 1; left > 0; left--) {
    await say(NEXT);
    await hear("250", "250", "250", "354");
  }
  await say(LAST);
  await hear("250");
}
