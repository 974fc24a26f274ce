/** Messages as a client without pipelining hands them in: each on a connection of its own, some at the same time. */
import { Client } from "./client.ts";

const LINE = `${"0123456789abcdef".repeat(4)}\r\n`;
const encoder = new TextEncoder();

/** A message with about so many octets in its body, and the end mark. */
export function messageOf(octets: number): Uint8Array {
  return encoder.encode(
    `From: <anna@customer.test>\r\nTo: <ben@example.test>\r\nSubject: load\r\n\r\n${
      LINE.repeat(octets / LINE.length)
    }.\r\n`,
  );
}

/** @throws {Error} a reply that refuses. */
export async function sendEach(port: number, messages: number, octets: number, parallel = 50): Promise<void> {
  const content = messageOf(octets);
  let left = messages;
  const some = async () => {
    while (left-- > 0) {
      using client = await Client.connect(port);
      await client.handIn(content);
      await client.say("QUIT", "221");
    }
  };
  await Promise.all(Array.from({ length: parallel }, some));
}
