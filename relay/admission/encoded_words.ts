/**
 * The encoded words of a header field made readable (RFC 2047), as generously as mail programs do. Pure.
 *
 * What it cannot decode it still gives in some form; it never throws.
 */

/** RFC 2047 2, and RFC 2231 5 with a language behind the charset. */
const ENCODED_WORD = /=\?([^?*\s]+)(?:\*[^?\s]*)?\?([bq])\?([^?]*)\?=/gi;
const BLANKS = /^\s*$/;
const NOT_BASE64 = /[^A-Za-z0-9+/]/g;
const QUOTED_OCTET = /=([0-9A-F]{2})|[\s\S]/gi;
/** Knows every octet, and ASCII where it should be. */
const FALLBACK_CHARSET = "windows-1252";
const encoder = new TextEncoder();

export function decodeWords(text: string): string {
  let decoded = "";
  let end = 0;
  /** The words so far of one charset: a character may be cut in two by them, whatever RFC 2047 5 says. */
  let run: { readonly charset: string; readonly octets: number[] } | undefined;
  const endRun = () => {
    if (run !== undefined) decoded += decoderOf(run.charset).decode(Uint8Array.from(run.octets));
    run = undefined;
  };
  for (const { index, 0: word, 1: name, 2: encoding, 3: content } of text.matchAll(ENCODED_WORD)) {
    const between = text.slice(end, index);
    const charset = name!.toLowerCase();
    const adjacent = run !== undefined && BLANKS.test(between);
    if (!adjacent || run?.charset !== charset) endRun();
    if (!adjacent) decoded += between; // RFC 2047 6.2: blanks between two encoded words are not shown.
    run ??= { charset, octets: [] };
    for (const octet of encoding!.toLowerCase() === "b" ? base64(content!) : quoted(content!)) run.octets.push(octet);
    end = index + word.length;
  }
  endRun();
  return decoded + text.slice(end);
}

function decoderOf(charset: string): TextDecoder {
  try {
    return new TextDecoder(charset);
  } catch (error) {
    if (error instanceof RangeError) return new TextDecoder(FALLBACK_CHARSET);
    throw error;
  }
}

function base64(content: string): Uint8Array {
  const digits = content.replace(NOT_BASE64, "");
  // A digit too many carries no octet.
  return Uint8Array.fromBase64(digits.length % 4 === 1 ? digits.slice(0, -1) : digits);
}

function quoted(content: string): Uint8Array {
  const octets: number[] = [];
  for (const [character, hex] of content.matchAll(QUOTED_OCTET)) {
    if (hex !== undefined) octets.push(parseInt(hex, 16));
    else if (character === "_") octets.push(0x20);
    else octets.push(...encoder.encode(character));
  }
  return Uint8Array.from(octets);
}
