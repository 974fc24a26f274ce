/**
 * Many messages over several connections at once, with a ledger: which were tried, and of which the 250 was read.
 *
 * Message "m17" goes to m17@example.net, so a next hop can tell it from its recipient. The client needs no password:
 * its address is to be one of the account's networks.
 */
import { Dialogue } from "./dialogue.ts";

/** About what a short mail has. */
const BODY = "The quick brown fox jumps over the lazy dog.\r\n".repeat(40);

export class Load {
  /** Ids whose envelope was sent, whatever became of them. */
  readonly tried = new Set<string>();
  /** Ids whose 250 at the end of the data was read. */
  readonly acknowledged = new Set<string>();
  /** Connections that ended before the messages did. */
  lostConnections = 0;
  #messages: number;
  readonly #watchers: { readonly count: number; readonly reached: () => void }[] = [];

  /** @param messages may be Infinity: until there are enough. */
  constructor(messages: number) {
    this.#messages = messages;
  }

  /** Resolves when so many messages are acknowledged. */
  reaches(count: number): Promise<void> {
    return new Promise((reached) => this.#watchers.push({ count, reached }));
  }

  /** No more are begun. */
  enough(): void {
    this.#messages = this.tried.size;
  }

  /**
   * Goes on with messages that were not tried yet until there are none, or until the relay is gone.
   * @throws {Error} a reply that refuses
   */
  async run(port: number, connections: number): Promise<void> {
    await Promise.all(Array.from({ length: connections }, () => this.#sendSome(port)));
  }

  async #sendSome(port: number): Promise<void> {
    try {
      using client = await Dialogue.connect(port);
      await client.reply();
      await client.send("EHLO load.test\r\n");
      await client.reply();
      while (this.tried.size < this.#messages) await this.#sendOne(client);
    } catch (error) {
      if (!isGone(error)) throw error;
      this.lostConnections++;
    }
  }

  async #sendOne(client: Dialogue): Promise<void> {
    const id = `m${this.tried.size + 1}`;
    this.tried.add(id);
    await sendMessage(client, id);
    this.acknowledged.add(id);
    for (const { count, reached } of this.#watchers) if (this.acknowledged.size >= count) reached();
  }
}

/** A reply that says something else than that all goes well. */
export class Refused extends Error {
  override readonly name = "Refused";
  constructor(expected: string, readonly reply: string) {
    super(`expected ${expected}: ${reply}`);
  }
}

/** A message to "<id>@example.net", whose 250 was read then. @throws {Refused} */
export async function sendMessage(client: Dialogue, id: string): Promise<void> {
  await client.send(`MAIL FROM:<anna@example.com>\r\nRCPT TO:<${id}@example.net>\r\nDATA\r\n`);
  for (const expected of ["250", "250", "354"]) await expectReply(client, expected);
  await client.send(`From: anna@example.com\r\nSubject: ${id}\r\n\r\n${BODY}.\r\n`);
  await expectReply(client, "250");
}

/** @throws {Refused} */
export async function expectReply(client: Dialogue, code: string): Promise<void> {
  const [line = ""] = await client.reply();
  if (!line.startsWith(code)) throw new Refused(code, line);
}

/** What a kill of the relay looks like from outside. */
export function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.UnexpectedEof || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionRefused || error instanceof Deno.errors.BrokenPipe;
}
