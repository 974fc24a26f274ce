/**
 * Messages to several relays at once, from clients that go to the next relay when one is leaving: told so by a 421, or
 * closed, or not there. With a ledger; every other reply that refuses ends the load.
 *
 * Message "m17" goes to m17@example.net. The clients need no password: their address is one of the account's networks.
 */
import { delay } from "@std/async/delay.js";
import { Dialogue } from "./dialogue.ts";
import { expectReply, isGone, Refused, sendMessage } from "./load.ts";

/** Where no relay is there, before the next try. */
const PAUSE_MS = 20;

export class RoamingLoad {
  /** Ids whose 250 at the end of the data was read. */
  readonly acknowledged = new Set<string>();
  /** How often a relay was left for another. */
  moves = 0;
  #tried = 0;
  #ended = false;
  readonly #watchers: { readonly count: number; readonly reached: () => void }[] = [];

  /** Resolves when so many more messages are acknowledged. */
  more(count: number): Promise<void> {
    return new Promise((reached) => this.#watchers.push({ count: this.acknowledged.size + count, reached }));
  }

  /** No more are begun. */
  enough(): void {
    this.#ended = true;
  }

  /** @param ports of the relays. Resolves when it is enough. @throws {Error} a reply that refuses */
  async run(ports: readonly number[], clients: number): Promise<void> {
    await Promise.all(Array.from({ length: clients }, (_, at) => this.#roam(ports, at)));
  }

  async #roam(ports: readonly number[], first: number): Promise<void> {
    for (let at = first; !this.#ended; at++) {
      try {
        using client = await Dialogue.connect(ports[at % ports.length]!);
        await expectReply(client, "220");
        await client.send("EHLO load.test\r\n");
        await expectReply(client, "250");
        while (!this.#ended) await this.#send(client);
      } catch (error) {
        if (!isLeaving(error)) throw error;
        this.moves++;
        await delay(PAUSE_MS);
      }
    }
  }

  async #send(client: Dialogue): Promise<void> {
    const id = `m${++this.#tried}`;
    await sendMessage(client, id);
    this.acknowledged.add(id);
    for (const { count, reached } of this.#watchers) if (this.acknowledged.size >= count) reached();
  }
}

function isLeaving(error: unknown): boolean {
  return isGone(error) || (error instanceof Refused && error.reply.startsWith("421"));
}
