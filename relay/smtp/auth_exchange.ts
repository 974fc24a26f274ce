/**
 * The SASL exchanges PLAIN (RFC 4616) and LOGIN (the expired draft that clients still speak), as AUTH carries them
 * (RFC 4954). Pure.
 */
import { decodeBase64 } from "@std/encoding";
import { replies } from "../protocol/replies.ts";
import type { Reply } from "../protocol/reply.ts";

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Where the exchange stands: what the client's next line is. */
export type Exchange =
  | { readonly expects: "plain" }
  | { readonly expects: "login-username" }
  | { readonly expects: "login-password"; readonly username: string };

export type ExchangeStep =
  | { readonly challenge: Reply; readonly exchange: Exchange }
  | { readonly credentials: Credentials }
  | { readonly refusal: Reply };

const MECHANISM = /^([A-Za-z0-9_-]{1,20})(?: +([^ ]+))? *$/;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @param argument what stands behind "AUTH ". */
export function beginExchange(argument: string): ExchangeStep {
  const parsed = MECHANISM.exec(argument);
  if (parsed === null) return { refusal: replies.authMalformed };
  const [, mechanism, initial] = parsed;
  switch (mechanism!.toUpperCase()) {
    case "PLAIN":
      if (initial === undefined) return { challenge: replies.emptyChallenge, exchange: { expects: "plain" } };
      // RFC 4954 4: a single equals sign is an initial response of no octets.
      return continueExchange({ expects: "plain" }, initial === "=" ? "" : initial);
    case "LOGIN":
      if (initial === undefined) {
        return { challenge: replies.usernameChallenge, exchange: { expects: "login-username" } };
      }
      return continueExchange({ expects: "login-username" }, initial === "=" ? "" : initial);
    default:
      return { refusal: replies.authMechanismUnknown };
  }
}

/** @param line the client's response, base64, or "*" to cancel. */
export function continueExchange(exchange: Exchange, line: string): ExchangeStep {
  if (line === "*") return { refusal: replies.authCancelled };
  const text = decode(line);
  if (text === undefined) return { refusal: replies.authMalformed };
  switch (exchange.expects) {
    case "plain":
      return plain(text);
    case "login-username":
      return {
        challenge: replies.passwordChallenge,
        exchange: { expects: "login-password", username: text },
      };
    case "login-password":
      return { credentials: { username: exchange.username, password: text } };
  }
}

/** RFC 4616 2: [authzid] NUL authcid NUL passwd. Acting for another identity is not offered. */
function plain(message: string): ExchangeStep {
  const [authorize, username, password, ...more] = message.split("\0");
  if (username === undefined || password === undefined || more.length > 0) return { refusal: replies.authMalformed };
  if (authorize !== "" && authorize !== username) return { refusal: replies.authFailed };
  return { credentials: { username, password } };
}

function decode(base64: string): string | undefined {
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) return undefined;
  try {
    return decoder.decode(decodeBase64(base64));
  } catch (error) {
    if (error instanceof TypeError) return undefined; // not UTF-8
    throw error;
  }
}
