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
const FALLBACK = new TextDecoder("windows-1252");
/** RFC 2152's charset by any of its names; TextDecoder knows none of them. */
const UTF_7 = /utf-?7/;
/** "+", the octets of UTF-16BE in Base64, "-" (RFC 2152); without octets between them they are a "+". */
const SHIFTED = /\+([A-Za-z0-9+/]*)-?/g;
const UTF_16BE = new TextDecoder("utf-16be");
const encoder = new TextEncoder();

/** What mail programs differ in. */
export interface WordReading {
  /** The order of octets where a word in UTF-16 does not tell: big-endian (RFC 2781 4.3), or as many programs do. */
  readonly utf16: "utf-16be" | "utf-16le";
  /** Whether adjacent words of one charset are one: a character may be cut in two by them, whatever RFC 2047 5 says. */
  readonly joined: boolean;
}

/** Each way to read them; the first does for a text that all read alike. */
export const WORD_READINGS: readonly [WordReading, ...WordReading[]] = [
  { utf16: "utf-16be", joined: true },
  { utf16: "utf-16le", joined: true },
  { utf16: "utf-16be", joined: false },
  { utf16: "utf-16le", joined: false },
];

export function decodeWords(text: string, { utf16, joined } = WORD_READINGS[0]): string {
  let decoded = "";
  let end = 0;
  /** The words so far of one charset. */
  let run: { readonly charset: string; readonly octets: number[] } | undefined;
  const endRun = () => {
    if (run !== undefined) decoded += decode(run.charset, Uint8Array.from(run.octets));
    run = undefined;
  };
  for (const { index, 0: word, 1: name, 2: encoding, 3: content } of text.matchAll(ENCODED_WORD)) {
    const between = text.slice(end, index);
    const octets = encoding!.toLowerCase() === "b" ? base64(content!) : quoted(content!);
    const charset = exactCharset(name!.toLowerCase(), octets, utf16);
    const adjacent = run !== undefined && BLANKS.test(between);
    if (!adjacent || !joined || run?.charset !== charset) endRun();
    if (!adjacent) decoded += between; // RFC 2047 6.2: blanks between two encoded words are not shown.
    run ??= { charset, octets: [] };
    for (const octet of octets) run.octets.push(octet);
    end = index + word.length;
  }
  endRun();
  return decoded + text.slice(end);
}

/** The charset with the order of its octets, where its name leaves that to a mark or to the reader. */
function exactCharset(charset: string, octets: Uint8Array, unmarked: WordReading["utf16"]): string {
  // TextDecoder takes UTF-16 and UCS-2 by any such name for little-endian.
  if (charset === "utf-16le" || decoderOf(charset).encoding !== "utf-16le") return charset;
  if (octets[0] === 0xfe && octets[1] === 0xff) return "utf-16be";
  if (octets[0] === 0xff && octets[1] === 0xfe) return "utf-16le";
  return unmarked;
}

function decode(charset: string, octets: Uint8Array): string {
  const text = decoderOf(charset).decode(octets);
  if (!UTF_7.test(charset)) return text;
  return text.replaceAll(SHIFTED, (_, digits) => digits === "" ? "+" : UTF_16BE.decode(base64(digits)));
}

/** Of the names that TextDecoder knows, which are some two hundred. */
const decoders = new Map<string, TextDecoder>();

function decoderOf(charset: string): TextDecoder {
  const known = decoders.get(charset);
  if (known !== undefined) return known;
  try {
    const decoder = new TextDecoder(charset);
    decoders.set(charset, decoder);
    return decoder;
  } catch (error) {
    if (error instanceof RangeError) return FALLBACK;
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
