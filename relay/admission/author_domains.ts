/**
 * The domains of all that can be read as an address in a From field.
 *
 * Mail programs disagree about what a strange From field says: which of two addresses counts, whether one stands in the
 * display name, in a comment or in an encoded word. So none of them is trusted to be right: a domain is listed if a
 * strict reading finds it (nodemailer's parser: groups, comments, quoted strings, routes, blanks), or a naive one
 * that takes whatever stands behind an "@". It lists rather too many than too few; the display name counts, since it is
 * all that many programs show. Pure.
 */
import addressparser from "nodemailer/lib/addressparser";
import { asciiDomain } from "../dns/names.ts";
import { decodeWords, WORD_READINGS } from "./encoded_words.ts";

/** A From field of eight full lines (RFC 5322 2.1.1); longer ones are refused, for a parser's time grows with them. */
export const MAX_FROM_OCTETS = 8 * 1024;
/** Each costs a look-up; authors of one message come from a few. */
export const MAX_AUTHOR_DOMAINS = 32;

const UTF8 = new TextDecoder();
const LATIN1 = new TextDecoder("latin1");
/** Stands where octets were not UTF-8. */
const REPLACEMENT_CHARACTER = "\ufffd";

// Behind an "@": letters, digits and what joins them (a U-label's dot may be an ideographic one, UTS 46 2.3) …
const PLAIN_DOMAIN = /@([\p{L}\p{M}\p{N}_.\-\u3002]+)/gu;
// … or everything up to a character that RFC 5322 3.2.3 keeps out of atoms, for a label in DNS may be anything.
const ANY_DOMAIN = /@([^\s<>()[\]\\,;:"@]+)/gu;
const FOLD = /\r\n(?=[ \t])/g;
/** What some reader may not see: blanks, quotes, escapes, controls, characters without a shape. */
const INVISIBLE = /[\s"\\\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]+/gu;
const DOTS_AROUND = /^\.+|\.+$/g;

/**
 * @param value the field's value as it came, folds included.
 * @returns lower-case A-labels without the final dot, each once; null where it is too long, or they are too many.
 */
export function authorDomains(value: Uint8Array): readonly string[] | null {
  if (value.length > MAX_REMEMBERED_OCTETS) return findDomains(value);
  const key = LATIN1.decode(value);
  let domains = remembered.get(key);
  if (domains === undefined) {
    domains = findDomains(value);
    if (remembered.size >= MAX_REMEMBERED) remembered.clear();
    remembered.set(key, domains);
  }
  return domains;
}

/**
 * The same field is read twice, by admission and for its signature, and most senders write the same one in each message;
 * to read it takes 20 to 40 µs, each time.
 */
const remembered = new Map<string, readonly string[] | null>();
/** Fields of some hundred octets each. */
const MAX_REMEMBERED = 1000;
const MAX_REMEMBERED_OCTETS = 256;

function findDomains(value: Uint8Array): string[] | null {
  if (value.length > MAX_FROM_OCTETS) return null;
  const domains = new Set<string>();
  for (const reading of readings(value)) {
    for (const { address, name } of addressparser(reading, { flatten: true })) {
      collect(address, domains);
      collect(name, domains);
    }
    collect(reading, domains);
    collect(withoutComments(reading).replace(INVISIBLE, ""), domains);
    if (domains.size > MAX_AUTHOR_DOMAINS) return null;
  }
  return [...domains];
}

/**
 * The value as text: as UTF-8 (RFC 6532), as Latin-1 where it is not all UTF-8, each as it is and with its encoded words
 * decoded in each way that programs read them.
 */
function readings(value: Uint8Array): Set<string> {
  const utf8 = UTF8.decode(value);
  const texts = utf8.includes(REPLACEMENT_CHARACTER) ? [utf8, LATIN1.decode(value)] : [utf8];
  return new Set(
    texts.map((text) => text.replace(FOLD, "")).flatMap((text) => {
      // Most have no encoded word: all read them alike.
      const ways = text.includes("=?") ? WORD_READINGS : [];
      return [text, ...ways.map((reading) => decodeWords(text, reading))];
    }),
  );
}

function collect(text: string, domains: Set<string>): void {
  if (text === "") return;
  // NFKC makes an "@" of its wide and small forms, as IDNA does with letters (RFC 5895 2).
  const normal = text.normalize("NFKC");
  for (const pattern of [PLAIN_DOMAIN, ANY_DOMAIN]) {
    for (const [, found] of normal.matchAll(pattern)) {
      const domain = asciiDomain(found!.replace(DOTS_AROUND, ""))?.replace(DOTS_AROUND, "");
      // One label alone is nobody's to claim.
      if (domain?.includes(".")) domains.add(domain);
    }
  }
}

/** Comments nest (RFC 5322 3.2.2); one that is not closed is none. */
function withoutComments(text: string): string {
  let kept = "";
  let from = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "(") {
      if (depth++ === 0) {
        kept += text.slice(from, at);
        from = at;
      }
    } else if (text[at] === ")" && depth > 0 && --depth === 0) from = at + 1;
  }
  return kept + text.slice(from);
}
