/**
 * Sends a message's content and the end mark: dots stuffed, in as few writes as its size allows, never more of it in
 * memory than one write.
 */
import { DotStuffing } from "../protocol/dot_stuffing.ts";
import type { Content } from "../spool/types.ts";
import type { ReplyChannel } from "./reply_channel.ts";

/** Octets of one write: larger ones gain nothing measurable on loopback, smaller ones cost a system call each. */
const WRITE_OCTETS = 64 * 1024;
/** Content in memory up to this size leaves in one write, however many dots it has: twice its size at most. */
const SMALL_OCTETS = WRITE_OCTETS / 2;
/** Room for stuffed dots and the end mark, so that a small message with few of them leaves in one write. */
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
  if (content.octets !== undefined && content.sizeBytes <= SMALL_OCTETS) {
    const stuffed = stuffing.push(content.octets), end = stuffing.end();
    const whole = channel.outgoing(stuffed.length + end.length);
    whole.set(stuffed);
    whole.set(end, stuffed.length);
    onEnd();
    return await channel.send(whole, blockSeconds);
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
  if (content.octets !== undefined) await add(stuffing.push(content.octets));
  else for await (const chunk of content.chunks()) await add(stuffing.push(chunk));
  onEnd();
  await add(stuffing.end());
  await channel.send(buffer.subarray(0, used), blockSeconds);
}
