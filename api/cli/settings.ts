/**
 * Where the API is and with which token the tool speaks to it, from the environment and the server's data directory.
 *
 * A newcomer on the server's own machine sets nothing: the token that the server made at its first start is used. It
 * is never sent to another machine, and no token goes over a network in clear.
 */
import { join } from "@std/path";

const DEFAULT_API_URL = "http://127.0.0.1:8080";
const DEFAULT_DATA_DIR = "./data";
const TOKEN_FILE = "admin-token";

/** What this file needs of the process. */
export interface Surroundings {
  env(name: string): string | undefined;
  /** As Deno.readTextFile. */
  readTextFile(path: string): Promise<string>;
}

export interface Connection {
  /** Without a final slash. */
  readonly url: string;
  readonly token: string;
}

export type Settings = { readonly ok: true; readonly connection: Connection } | {
  readonly ok: false;
  /** What is wrong and what to do, for people. */
  readonly why: string;
};

export interface GivenToken {
  /** Goes before all others. */
  readonly given: string | null;
  /** For where there is none; null: it is not to be had. */
  readonly ask: () => Promise<string | null>;
}

const NOT_GIVEN: GivenToken = { given: null, ask: () => Promise.resolve(null) };

export async function readSettings(surroundings: Surroundings, { given, ask } = NOT_GIVEN): Promise<Settings> {
  const written = surroundings.env("MAILHOP_API_URL") || DEFAULT_API_URL;
  const url = parseApiUrl(written);
  if (url === null) {
    return failure(
      `MAILHOP_API_URL=${written}: expected https://…, or http://… to this machine, such as ${DEFAULT_API_URL}`,
    );
  }
  const token = given ?? surroundings.env("MAILHOP_API_TOKEN")?.trim();
  if (token) return success(url, token);
  if (!isLoopback(url.hostname)) {
    const asked = await ask();
    return asked
      ? success(url, asked)
      : failure(`MAILHOP_API_TOKEN is not set: ${url.origin} is not this machine, so its token must be given`);
  }
  const path = join(surroundings.env("MAILHOP_DATA_DIR") || DEFAULT_DATA_DIR, TOKEN_FILE);
  const found = await readToken(surroundings, path);
  if ("token" in found) return success(url, found.token);
  const asked = await ask();
  return asked ? success(url, asked) : failure(
    `No API token: ${found.why}.\n` +
      "Run this where the server's data directory is (or set MAILHOP_DATA_DIR), or set MAILHOP_API_TOKEN.",
  );
}

/** A URL that a token may be sent to; null for any other text. */
function parseApiUrl(text: string): URL | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const safe = url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
  return safe && url.username === "" && url.password === "" && url.search === "" && url.hash === "" ? url : null;
}

/** RFC 1122 3.2.1.3, RFC 4291 2.5.3, RFC 6761 6.3. `hostname` is as URL normalises it. */
function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}

async function readToken({ readTextFile }: Surroundings, path: string): Promise<{ token: string } | { why: string }> {
  try {
    const token = (await readTextFile(path)).trim();
    return token === "" ? { why: `${path} is empty` } : { token };
  } catch (trouble) {
    if (trouble instanceof Deno.errors.NotFound) return { why: `${path} does not exist` };
    if (trouble instanceof Deno.errors.PermissionDenied || trouble instanceof Deno.errors.NotCapable) {
      return { why: `${path} may not be read` };
    }
    throw trouble;
  }
}

const success = (url: URL, token: string): Settings => ({
  ok: true,
  connection: { url: url.href.replace(/\/+$/, ""), token },
});
const failure = (why: string): Settings => ({ ok: false, why });
