/**
 * Sends a message's content and the end mark: dots stuffed, in few writes. What is in memory is sent from there but for its
 * end; of what is not, never more than one write is brought there.
 */
import { DotStuffing } from "../protocol/dot_stuffing.ts";
import type { Content } from "../spool/types.ts";
import type { ReplyChannel } from "./reply_channel.ts";

/** Octets of one write: larger ones gain nothing measurable on loopback, smaller ones cost a system call each. */
const WRITE_OCTETS = 64 * 1024;
/** Of content in memory so much is copied, to leave in one write with the end mark; what comes before is sent from where it is. */
const SMALL_OCTETS = WRITE_OCTETS / 2;
/** Room for stuffed dots and the end mark, so that small content that comes in chunks leaves in one write. */
const STUFFING_OCTETS = 64;

/**
 * @param onEnd called just before the write that holds the end mark: from then on the server may have the message.
 * @throws {ConnectionLost} and what `content` throws, in which case the end mark was not sent.
 */
export async function sendContent(
  channel: ReplyChannel,
  content: Content,
  blockSeconds: number,
  onEnd: () => void,
): Promise<void> {
  const stuffing = new DotStuffing();
  if (content.octets !== undefined) {
    let rest = stuffing.push(content.octets);
    while (rest.length > SMALL_OCTETS) {
      const part = rest.subarray(0, WRITE_OCTETS);
      await channel.send(part, blockSeconds);
      rest = rest.subarray(part.length);
    }
    const end = stuffing.end(), last = channel.outgoing(rest.length + end.length);
    last.set(rest);
    last.set(end, rest.length);
    onEnd();
    return await channel.send(last, blockSeconds);
  }
  const buffer = new Uint8Array(Math.min(WRITE_OCTETS, content.sizeBytes + STUFFING_OCTETS));
  let used = 0;
  // Copied at once: whose memory a chunk is behind the next one is the spool's business.
  const add = async (octets: Uint8Array) => {
    while (octets.length > buffer.length - used) {
      const fitting = buffer.length - used;
      buffer.set(octets.subarray(0, fitting), used);
      await channel.send(buffer, blockSeconds);
      octets = octets.subarray(fitting);
      used = 0;
    }
    buffer.set(octets, used);
    used += octets.length;
  };
  for await (const chunk of content.chunks()) await add(stuffing.push(chunk));
  onEnd();
  await add(stuffing.end());
  await channel.send(buffer.subarray(0, used), blockSeconds);
}
