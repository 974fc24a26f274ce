/**
 * The arguments of MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3 and the extensions that EHLO offers). Pure.
 */
import type { DsnRequest, RecipientDsnRequest } from "../envelope.ts";
import { asciiUpperCase } from "../protocol/ascii.ts";
import { type Mailbox, parsePath } from "../protocol/path.ts";
import { badParameter, badPath, badReversePath, badSyntax, replies, unknownParameter } from "../protocol/replies.ts";
import { parseEnvid, parseNotify, parseOrcpt, parseRet } from "./dsn_parameters.ts";
import type { Parsed } from "./parsed.ts";

export interface MailArguments extends Pick<DsnRequest, "ret" | "envid"> {
  /** null: the null reverse path. */
  readonly mailbox: Mailbox | null;
  /** SIZE= (RFC 1870); 0 where it is not given. */
  readonly declaredSizeBytes: number;
  readonly body: "7BIT" | "8BITMIME";
  readonly smtputf8: boolean;
}

export interface RcptArguments {
  /** "postmaster": `<Postmaster>` without a domain (RFC 5321 4.1.1.3). */
  readonly to: Mailbox | "postmaster";
  /** null where no parameter was given. */
  readonly dsn: RecipientDsnRequest | null;
}

/** RFC 1870 4: the number has up to 20 digits. */
const SIZE_VALUE = /^\d{1,20}$/;
/** RFC 4954 5: "<>" or xtext (RFC 3461 4). */
const AUTH_VALUE = /^(?:<>|(?:[!-*,-<>-~]|\+[0-9A-F]{2})+)$/;
const PARAMETER = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~\u{a0}-\u{10ffff}]+))?$/u;

/** @param argument what stands behind "MAIL ". */
export function parseMail(argument: string): Parsed<MailArguments> {
  const start = pathStart(argument, "FROM:");
  if (start === undefined) return { refusal: badSyntax("MAIL FROM:<address>") };
  const path = parsePath(argument, start);
  if (path.kind === "error") return { refusal: badReversePath(path.why) };
  if (path.kind === "postmaster") return { refusal: badReversePath("an address needs a domain: user@example.com") };
  const parameters = parseParameters(argument, path.end);
  if ("refusal" in parameters) return parameters;
  const mailbox = path.kind === "null" ? null : path.mailbox;
  let declaredSizeBytes = 0, smtputf8 = false;
  let body: MailArguments["body"] = "7BIT";
  let ret: MailArguments["ret"] = null, envid: MailArguments["envid"] = null;
  for (const [name, value] of parameters.ok) {
    switch (name) {
      case "SIZE":
        if (value === undefined || !SIZE_VALUE.test(value)) {
          return { refusal: badParameter(name, "a number of octets") };
        }
        // Twenty digits are more than a number holds exactly; it is too big either way.
        declaredSizeBytes = Math.min(Number(value), Number.MAX_SAFE_INTEGER);
        break;
      case "BODY": {
        const type = value && asciiUpperCase(value);
        if (type !== "7BIT" && type !== "8BITMIME") return { refusal: badParameter(name, "7BIT or 8BITMIME") };
        body = type;
        break;
      }
      case "SMTPUTF8":
        if (value !== undefined) return { refusal: badParameter(name, "no value") };
        smtputf8 = true;
        break;
      case "AUTH":
        // RFC 4954 5: no client is trusted to name another submitter, so the value is as good as "<>".
        if (value === undefined || !AUTH_VALUE.test(value)) {
          return { refusal: badParameter(name, "an address as xtext, or <>") };
        }
        break;
      case "RET": {
        const parsed = parseRet(value);
        if ("refusal" in parsed) return parsed;
        ret = parsed.ok;
        break;
      }
      case "ENVID": {
        const parsed = parseEnvid(value);
        if ("refusal" in parsed) return parsed;
        envid = parsed.ok;
        break;
      }
      default:
        return { refusal: unknownParameter(name) };
    }
  }
  if (mailbox?.utf8 && !smtputf8) return { refusal: replies.needsSmtputf8 };
  return { ok: { mailbox, declaredSizeBytes, body, smtputf8, ret, envid } };
}

/** @param argument what stands behind "RCPT ". @param smtputf8 whether MAIL had it. */
export function parseRcpt(argument: string, smtputf8: boolean): Parsed<RcptArguments> {
  const start = pathStart(argument, "TO:");
  if (start === undefined) return { refusal: badSyntax("RCPT TO:<address>") };
  const path = parsePath(argument, start);
  if (path.kind === "error") return { refusal: badPath(path.why) };
  if (path.kind === "null") return { refusal: badPath("a recipient cannot be empty") };
  const parameters = parseParameters(argument, path.end);
  if ("refusal" in parameters) return parameters;
  const dsn = parseRcptParameters(parameters.ok, smtputf8);
  if ("refusal" in dsn) return dsn;
  if (path.kind === "postmaster") return { ok: { to: "postmaster", dsn: dsn.ok } };
  if (path.mailbox.utf8 && !smtputf8) return { refusal: replies.needsSmtputf8 };
  return { ok: { to: path.mailbox, dsn: dsn.ok } };
}

function parseRcptParameters(parameters: readonly Parameter[], smtputf8: boolean): Parsed<RecipientDsnRequest | null> {
  if (parameters.length === 0) return { ok: null };
  let notify: RecipientDsnRequest["notify"] = null, orcpt: RecipientDsnRequest["orcpt"] = null;
  for (const [name, value] of parameters) {
    switch (name) {
      case "NOTIFY": {
        const parsed = parseNotify(value);
        if ("refusal" in parsed) return parsed;
        notify = parsed.ok;
        break;
      }
      case "ORCPT": {
        const parsed = parseOrcpt(value, smtputf8);
        if ("refusal" in parsed) return parsed;
        orcpt = parsed.ok;
        break;
      }
      default:
        return { refusal: unknownParameter(name) };
    }
  }
  return { ok: { notify, orcpt } };
}

/** Behind the colon; blanks before the path are not in the grammar, but common and harmless. */
function pathStart(argument: string, keyword: string): number | undefined {
  if (asciiUpperCase(argument.slice(0, keyword.length)) !== keyword) return undefined;
  let at = keyword.length;
  while (argument[at] === " ") at++;
  return at;
}

type Parameter = [name: string, value: string | undefined];

function parseParameters(argument: string, from: number): Parsed<Parameter[]> {
  const rest = argument.slice(from);
  const words = rest.split(" ").filter((word) => word !== "");
  if (words.length === 0) return { ok: [] };
  if (rest[0] !== " ") return { refusal: badSyntax("a blank behind the address") };
  const seen = new Map<string, string | undefined>();
  for (const text of words) {
    const parsed = PARAMETER.exec(text);
    if (parsed === null) return { refusal: badSyntax("parameters of the form NAME=value") };
    const name = asciiUpperCase(parsed[1]!);
    if (seen.has(name)) return { refusal: badParameter(name, "it once only") };
    seen.set(name, parsed[2]);
  }
  return { ok: [...seen] };
}
