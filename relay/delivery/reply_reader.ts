/**
 * Puts the replies of a remote server together from what arrives, wherever the chunks are split (RFC 5321 4.2).
 *
 * Pure. It bounds what a hostile server can make us keep. A bare LF ends a line too: servers that send one exist, and
 * a reply gives nobody anything to smuggle.
 */

export interface RemoteReply {
  /** 200 to 599. Of a multi-line reply whose codes differ (RFC 5321 4.2.1 forbids it) the last line's counts. */
  readonly code: number;
  /** RFC 3463 status code of the first line that has one in the code's class, such as "5.1.1"; null if none has. */
  readonly enhanced: string | null;
  /** What stands behind code and separator, line by line: the server's own words, not cleaned. */
  readonly lines: readonly string[];
}

/** What the server sent is no SMTP reply, or is beyond all measure. The connection is of no further use. */
export class MalformedReply extends Error {
  override readonly name = "MalformedReply";
}

/** Octets of one line. RFC 5321 4.5.3.1.5 says 512; some servers explain at length. */
export const MAX_REPLY_LINE_OCTETS = 4096;
/** Lines of one reply; the longest EHLO replies in the field have about thirty. */
export const MAX_REPLY_LINES = 128;
/** Octets of one reply. */
const MAX_REPLY_OCTETS = 64 * 1024;

const CR = 13, LF = 10;
const REPLY_LINE = /^([2-5]\d\d)(?:([ -])(.*))?$/s;
const STATUS_CODE = /^([245])\.\d{1,3}\.\d{1,3}(?= |$)/;
const decoder = new TextDecoder();

export class ReplyReader {
  /** The start of a line whose end has not arrived. */
  #rest: Uint8Array | null = null;
  #lines: string[] = [];
  #octets = 0;
  readonly #replies: RemoteReply[] = [];

  /** Takes the next octets of the wire; they are not kept. @throws {MalformedReply} */
  push(chunk: Uint8Array): void {
    let from = 0;
    for (let lf = chunk.indexOf(LF); lf >= 0; lf = chunk.indexOf(LF, from)) {
      const slice = chunk.subarray(from, lf);
      this.#line(this.#rest === null ? slice : joined(this.#rest, slice));
      this.#rest = null;
      from = lf + 1;
    }
    if (from === chunk.length) return;
    const slice = chunk.subarray(from);
    this.#rest = this.#rest === null ? slice.slice() : joined(this.#rest, slice);
    if (this.#rest.length > MAX_REPLY_LINE_OCTETS) throw new MalformedReply("sent an endless reply line");
  }

  /** The next complete reply, or undefined as long as there is none. */
  next(): RemoteReply | undefined {
    return this.#replies.shift();
  }

  /** Whether anything arrived that `next` has not given out, be it an incomplete line. */
  get hasUnread(): boolean {
    return this.#replies.length > 0 || this.#lines.length > 0 || this.#rest !== null;
  }

  #line(octets: Uint8Array): void {
    if (octets.length > MAX_REPLY_LINE_OCTETS) throw new MalformedReply("sent an endless reply line");
    const end = octets.at(-1) === CR ? octets.length - 1 : octets.length;
    const text = decoder.decode(octets.subarray(0, end));
    const match = REPLY_LINE.exec(text);
    if (match === null) throw new MalformedReply("sent something that is no SMTP reply");
    this.#octets += octets.length;
    this.#lines.push(match[3] ?? "");
    if (this.#lines.length > MAX_REPLY_LINES || this.#octets > MAX_REPLY_OCTETS) {
      throw new MalformedReply("sent an endless reply");
    }
    if (match[2] === "-") return;
    const code = Number(match[1]);
    this.#replies.push({ code, enhanced: statusCode(code, this.#lines), lines: this.#lines });
    this.#lines = [];
    this.#octets = 0;
  }
}

function statusCode(code: number, lines: readonly string[]): string | null {
  const replyClass = Math.floor(code / 100);
  for (const line of lines) {
    const match = STATUS_CODE.exec(line);
    if (match !== null && Number(match[1]) === replyClass) return match[0];
  }
  return null;
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}
