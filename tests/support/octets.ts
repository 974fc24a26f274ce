/** Octets as strings of characters up to U+00FF, which regular expressions can work on; and how to compare them. */

/** Arguments that one call may well have. */
const PIECE = 8192;
/** Octets that are shown around a difference. */
const SHOWN = 40;

export function latin1(text: string): Uint8Array<ArrayBuffer> {
  const octets = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) octets[at] = text.charCodeAt(at);
  return octets;
}

/** Not what `TextDecoder("latin1")` does, which is windows-1252. */
export function fromLatin1(octets: Uint8Array): string {
  let text = "";
  for (let at = 0; at < octets.length; at += PIECE) text += String.fromCharCode(...octets.subarray(at, at + PIECE));
  return text;
}

/** The octets of a text in UTF-8, each as a character. */
export function utf8Octets(text: string): string {
  return fromLatin1(new TextEncoder().encode(text));
}

/** As assertEquals, but shows the first difference alone: contents may have megabytes. */
export function assertSameOctets(actual: string, expected: string, what: string): void {
  if (actual === expected) return;
  let at = 0;
  while (actual[at] === expected[at]) at++;
  const around = (text: string) => JSON.stringify(text.slice(Math.max(0, at - SHOWN), at + SHOWN));
  throw new Error(
    `${what}: ${actual.length} octets instead of ${expected.length}; at ${at} ${around(actual)} instead of ` +
      around(expected),
  );
}

/**
 * What was handed to the relay: a content without the one field that the relay put above it.
 * @throws {Error} it does not begin with a trace field of this message
 */
export function belowTrace(content: string, messageId: string): string {
  // The field ends with its date (RFC 5321 4.4); a line behind it may begin with a blank and is not part of it.
  const field = /^Received: from [^;]*;[^+]*\+0000\r\n/.exec(content)?.[0];
  if (field?.includes(` id ${messageId}\r\n`)) return content.slice(field.length);
  throw new Error(`no trace field of ${messageId} on top: ${JSON.stringify(content.slice(0, 400))}`);
}

/** The id in the relay's trace field. */
export function messageId(content: string): string {
  const [, id] = /\bid (\w+)\r\n/.exec(content) ?? [];
  if (id === undefined) throw new Error(`no message id in:\n${content.slice(0, 400)}`);
  return id;
}
