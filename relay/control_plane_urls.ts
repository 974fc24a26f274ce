/**
 * How `MAILHOP_API_URL` is written for a relay: where the control plane answers, the preferred address first.
 *
 * Pure. Passwords pass over this connection, so beyond this machine it is encrypted.
 */
import type { Parser } from "./settings_grammar.ts";

/** Whole 127.0.0.0/8 is this machine (RFC 1122 3.2.1.3), and so is the name (RFC 6761 6.3). */
const LOOPBACK = /^(127(\.\d+){3}|\[::1\]|localhost)$/;
/** Tried one after the other within the deadline of one call: more would never be reached. */
const MAX_URLS = 8;

/** Origins, each once. */
export const controlPlaneUrls: Parser<readonly string[]> = {
  expected: "https://host[:port], or http:// for this machine only, without a path; several with commas, " +
    `the preferred one first, at most ${MAX_URLS}`,
  parse(text) {
    const origins = text.split(",").map((item) => origin(item.trim()));
    if (origins.length > MAX_URLS || origins.includes(undefined)) return undefined;
    return new Set(origins).size === origins.length ? Object.freeze(origins as string[]) : undefined;
  },
};

function origin(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, port, origin, href } = new URL(text);
  if (href !== `${origin}/` || port === "0") return undefined;
  return protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname)) ? origin : undefined;
}
