/** Lines, base64 and keywords as the model of the session reads them; it shares nothing with the relay. */
import { Cursor } from "./path_model.ts";

/** A line of text that ends with CRLF (RFC 5321 2.3.8), in UTF-8 (RFC 6531 3.1), without control characters. */
export function readText(line: string): string | undefined {
  if (!line.endsWith("\r\n") || line.slice(0, -2).includes("\r")) return undefined;
  const text = readUtf8(line.slice(0, -2));
  const isControl = (character: string) => character < " " || (character >= "\x7f" && character <= "\x9f");
  return text === undefined || [...text].some(isControl) ? undefined : text;
}

function readUtf8(octets: string): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(octets, (octet) => octet.charCodeAt(0)),
    );
  } catch {
    return undefined;
  }
}

/** RFC 4648 4, padded; of UTF-8 (RFC 4616 2). */
export function readBase64(text: string): string | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*(?:==?)?$/.test(text)) return undefined;
  return readUtf8(atob(text));
}

/** A cursor at the path behind "FROM:" or "TO:". Lenient: blanks before the path. */
export function pathIn(argument: string, keyword: string): Cursor | undefined {
  const cursor = new Cursor(argument);
  if (!cursor.takeText(keyword)) return undefined;
  cursor.takeWhile((character) => character === " ");
  return cursor;
}
