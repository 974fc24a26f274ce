/** What a next hop gets of content in memory, at the sizes where it leaves in another number of writes. */
import { assert, assertEquals } from "@std/assert";
import { DeadlineWatch, STAGE_SECONDS } from "../../../relay/delivery/deadlines.ts";
import { sendContent } from "../../../relay/delivery/content_sender.ts";
import { type OctetStream, ReplyChannel } from "../../../relay/delivery/reply_channel.ts";
import { ContentInMemory } from "../../../relay/spool/content.ts";

const KIB = 1024;
const noTicks = () => () => {};
const decoder = new TextDecoder();

/** Takes all of each write. */
class Taker {
  readonly writes: string[] = [];

  write(octets: Uint8Array): Promise<number> {
    this.writes.push(decoder.decode(octets));
    return Promise.resolve(octets.length);
  }

  read(): Promise<null> {
    return Promise.resolve(null);
  }

  close(): void {}
}

/** Lines of text, some of which begin with a dot. */
function textOf(octets: number): string {
  const lines = "A line of text.\r\n.and one that begins with a dot\r\n";
  return lines.repeat(Math.ceil(octets / lines.length)).slice(0, octets - 2) + "\r\n";
}

for (const octets of [2, 100, 8 * KIB, 32 * KIB, 32 * KIB + 1, 64 * KIB, 96 * KIB, 96 * KIB + 1, 200 * KIB]) {
  Deno.test(`content of ${octets} octets in memory: all of it, dots stuffed, and the end mark last`, async () => {
    const taker = new Taker();
    const channel = new ReplyChannel(taker as unknown as OctetStream, new DeadlineWatch(noTicks));
    const text = textOf(octets);
    let before = -1;
    const content = new ContentInMemory(new TextEncoder().encode(text));
    await sendContent(channel, content, STAGE_SECONDS.block, () => before = taker.writes.length);
    assertEquals(taker.writes.join(""), text.replaceAll(/^\./gm, "..") + ".\r\n");
    assertEquals(before, taker.writes.length - 1);
    assert(taker.writes.length <= Math.ceil(2 * octets / (64 * KIB)) + 1);
  });
}
