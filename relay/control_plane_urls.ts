/**
 * How `MAILHOP_API_URL` is written for a relay: where the control plane answers, the preferred address first.
 *
 * Pure. Passwords pass over this connection, so beyond this machine it is encrypted.
 */
import { keepsSecrets, type Parser } from "./settings_grammar.ts";

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
  const url = new URL(text);
  const isOrigin = url.href === `${url.origin}/` && url.port !== "0";
  return isOrigin && keepsSecrets(url) ? url.origin : undefined;
}
