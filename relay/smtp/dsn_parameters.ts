/**
 * The parameters of the DSN extension (RFC 3461 4; ORCPT with RFC 6533 3), and what the envelope keeps of them. Pure.
 *
 * xtext is kept as it came, for it is passed on unchanged (RFC 3461 5.2.1); here it is decoded to see that nothing but
 * printable characters is in it.
 */
import type { DsnRequest, NotifyOccasion, RecipientDsnRequest } from "../envelope.ts";
import { asciiUpperCase } from "../protocol/ascii.ts";
import { badParameter, replies } from "../protocol/replies.ts";
import { asUtf8AddressXtext, utf8AddressForm } from "../protocol/utf8_address.ts";
import { decodeXtext } from "../protocol/xtext.ts";
import type { Parsed } from "./parsed.ts";

/** RFC 3461 4.4, in octets before the encoding. */
const MAX_ENVID_OCTETS = 100;
/** RFC 3461 4.2, in octets behind the encoding. */
const MAX_ORCPT_OCTETS = 500;

const NOTIFY_OCCASIONS: ReadonlySet<string> = new Set<NotifyOccasion>(["SUCCESS", "FAILURE", "DELAY"]);
/** RFC 3461 4.2: an atom of RFC 822, a semicolon, the address. */
const ORCPT = /^([!#-'*+\-/0-9?A-Z^_`a-z{|}~]+);(.+)$/u;

/** RFC 3461 4.3. */
export function parseRet(value: string | undefined): Parsed<DsnRequest["ret"]> {
  const ret = value && asciiUpperCase(value);
  return ret === "FULL" || ret === "HDRS" ? { ok: ret } : { refusal: badParameter("RET", "FULL or HDRS") };
}

/** RFC 3461 4.4. */
export function parseEnvid(value: string | undefined): Parsed<string> {
  const decoded = value === undefined ? undefined : decodeXtext(value);
  if (value === undefined || decoded === undefined || decoded.length > MAX_ENVID_OCTETS) {
    return { refusal: badParameter("ENVID", `at most ${MAX_ENVID_OCTETS} printable characters as xtext`) };
  }
  return { ok: value };
}

/** RFC 3461 4.1: NEVER, for which the list is empty, or a list. */
export function parseNotify(value: string | undefined): Parsed<readonly NotifyOccasion[]> {
  const words = asciiUpperCase(value ?? "").split(",");
  if (words.length === 1 && words[0] === "NEVER") return { ok: [] };
  if (!words.every(isOccasion) || new Set(words).size < words.length) {
    return { refusal: badParameter("NOTIFY", "NEVER, or SUCCESS, FAILURE and DELAY with commas between, each once") };
  }
  return { ok: words };
}

function isOccasion(word: string): word is NotifyOccasion {
  return NOTIFY_OCCASIONS.has(word);
}

/** RFC 3461 4.2. @param smtputf8 whether MAIL had it, so that an address of type utf-8 may be written as it is. */
export function parseOrcpt(value: string | undefined, smtputf8: boolean): Parsed<string> {
  const refusal = badParameter("ORCPT", `at most ${MAX_ORCPT_OCTETS} octets of type;address, the address as xtext`);
  const [, type, address] = ORCPT.exec(value ?? "") ?? [];
  if (value === undefined || type === undefined || address === undefined) return { refusal };
  // In the form in which any next hop can take it, the longer one.
  if (asUtf8AddressXtext(value).length > MAX_ORCPT_OCTETS) return { refusal };
  if (type.toLowerCase() !== "utf-8") return decodeXtext(address) === undefined ? { refusal } : { ok: value };
  // RFC 6533 3: in its 7-bit form the type needs no SMTPUTF8.
  const form = utf8AddressForm(address);
  if (form === undefined) return { refusal };
  return form === "utf-8-addr-unitext" && !smtputf8 ? { refusal: replies.needsSmtputf8 } : { ok: value };
}

/** What the envelope keeps: null where no parameter was given, as with most messages. */
export function dsnRequestOf(
  { ret, envid }: Pick<DsnRequest, "ret" | "envid">,
  recipients: readonly (RecipientDsnRequest | null)[],
): DsnRequest | null {
  if (ret === null && envid === null && recipients.every((each) => each === null)) return null;
  return { ret, envid, recipients };
}
