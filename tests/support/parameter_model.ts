/**
 * The parameters of MAIL and RCPT as the RFCs define them: the model's own reading, to compare the relay's with. It
 * shares nothing with the relay.
 */
import { lower } from "./path_model.ts";

export interface MailRead {
  readonly size: number;
  readonly body: string;
  readonly smtputf8: boolean;
  readonly ret: string | null;
  readonly envid: string | null;
}

export interface RcptRead {
  readonly notify: readonly string[] | null;
  readonly orcpt: string | null;
}

/** The code of a refusal: 501 for a bad value, 555 for an unknown parameter, 553 where SMTPUTF8 is missing. */
export type Refused = 501 | 553 | 555;

type Parameter = readonly [name: string, value: string | undefined];

const isOneOf = (value: string | undefined, ...words: string[]) => value !== undefined && words.includes(lower(value));

export function readMailParameters(rest: string): MailRead | Refused {
  const parameters = readParameters(rest);
  if (parameters === undefined) return 501;
  let size = 0, body = "7bit", smtputf8 = false, ret: string | null = null, envid: string | null = null;
  for (const [name, value] of parameters) {
    let good: boolean;
    switch (name) {
      case "size": // RFC 1870 4
        good = value !== undefined && /^[0-9]{1,20}$/.test(value);
        size = Math.min(Number(value), Number.MAX_SAFE_INTEGER);
        break;
      case "body": // RFC 6152 2; BINARYMIME is not offered
        good = isOneOf(value, "7bit", "8bitmime");
        body = lower(value ?? "");
        break;
      case "smtputf8": // RFC 6531 3.4
        good = smtputf8 = value === undefined;
        break;
      case "auth": // RFC 4954 5
        good = value === "<>" || (value !== undefined && value !== "" && xtextOctets(value) !== undefined);
        break;
      case "ret": // RFC 3461 4.3
        good = isOneOf(value, "full", "hdrs");
        ret = lower(value ?? "");
        break;
      case "envid": { // RFC 3461 4.4: at most 100 characters, of printable ASCII
        const octets = xtextOctets(value ?? "");
        good = value !== undefined && octets !== undefined && octets.length <= 100 && octets.every(isPrintable);
        envid = value ?? "";
        break;
      }
      default:
        return 555; // RFC 5321 4.1.1.11
    }
    if (!good) return 501;
  }
  return { size, body, smtputf8, ret, envid };
}

/** @param smtputf8 whether MAIL had it. */
export function readRcptParameters(rest: string, smtputf8: boolean): RcptRead | null | Refused {
  const parameters = readParameters(rest);
  if (parameters === undefined) return 501;
  let notify: string[] | null = null, orcpt: string | null = null;
  for (const [name, value] of parameters) {
    switch (name) {
      case "notify": { // RFC 3461 4.1
        const words = (value ?? "").split(",").map(lower);
        const never = words.length === 1 && words[0] === "never";
        if (!never && !words.every((word) => isOneOf(word, "success", "failure", "delay"))) return 501;
        if (new Set(words).size < words.length) return 501;
        notify = never ? [] : words;
        break;
      }
      case "orcpt": { // RFC 3461 4.2
        const refused = readOriginalRecipient(value ?? "", smtputf8);
        if (refused !== undefined) return refused;
        orcpt = value!;
        break;
      }
      default:
        return 555;
    }
  }
  return parameters.length === 0 ? null : { notify, orcpt };
}

/** addr-type ";" xtext, or, for type utf-8, one of the forms of RFC 6533 3. */
function readOriginalRecipient(value: string, smtputf8: boolean): Refused | undefined {
  const semicolon = value.indexOf(";");
  const type = value.slice(0, Math.max(0, semicolon)), address = value.slice(semicolon + 1);
  if (type === "" || address === "" || octetsInAscii(value) > 500) return 501;
  // An atom of RFC 822: no specials.
  if ([...type].some((character) => !isGraphic(character) || '()<>@,;:\\".[]'.includes(character))) return 501;
  if (lower(type) === "utf-8") {
    const rest = address.replace(
      /\\x\{([0-9A-Fa-f]{2,6})\}/g,
      (_, hex: string) => isHidden(parseInt(hex, 16)) ? " " : "",
    );
    // What may only be embedded stands there as it is.
    if ([...rest].some((character) => " \\+=".includes(character))) return 501;
    return [...rest].every(isGraphic) || smtputf8 ? undefined : 553;
  }
  return xtextOctets(address)?.every(isPrintable) === true ? undefined : 501;
}

/** With each character beyond ASCII as RFC 6533 3 writes it where SMTPUTF8 is not to be had. */
function octetsInAscii(value: string): number {
  const lengths = [...value].map((character) => character <= "\x7f" ? 1 : hexOf(character).length + "\\x{}".length);
  return lengths.reduce((sum, length) => sum + length, 0);
}

const hexOf = (character: string) => character.codePointAt(0)!.toString(16);

/** A control character or half of one, in disguise. */
function isHidden(codePoint: number): boolean {
  return codePoint < 32 || (codePoint >= 127 && codePoint < 160) || codePoint > 0x10ffff ||
    (codePoint >= 0xd800 && codePoint < 0xe000);
}

const isGraphic = (character: string) => character > " " && character <= "~";
const isPrintable = (octet: number) => octet >= 32 && octet < 127;

/** RFC 3461 4: the octets that xtext stands for; undefined: it is not xtext. */
function xtextOctets(text: string): number[] | undefined {
  const octets: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (!isGraphic(character) || character === "=") return undefined;
    if (character === "+") {
      const hex = text.slice(at + 1, at + 3);
      if (hex.length < 2 || [...hex].some((digit) => !"0123456789ABCDEF".includes(digit))) return undefined;
      octets.push(parseInt(hex, 16));
      at += 2;
    } else octets.push(character.charCodeAt(0));
  }
  return octets;
}

/** RFC 5321 4.1.2 (esmtp-param, with the UTF-8 of RFC 6531 3.3), each once; undefined: not of that form. */
function readParameters(rest: string): Parameter[] | undefined {
  const words = rest.split(" ").filter((word) => word !== "");
  if (words.length > 0 && !rest.startsWith(" ")) return undefined;
  const parameters: Parameter[] = [];
  for (const word of words) {
    const equals = word.indexOf("=");
    const name = lower(equals < 0 ? word : word.slice(0, equals));
    const value = equals < 0 ? undefined : word.slice(equals + 1);
    if (!/^[a-z0-9][a-z0-9-]*$/.test(name) || parameters.some(([before]) => before === name)) return undefined;
    if (value !== undefined && (value === "" || value.includes("="))) return undefined;
    parameters.push([name, value]);
  }
  return parameters;
}
