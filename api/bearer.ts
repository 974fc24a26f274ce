/** Bearer tokens (RFC 6750): read from a request, hashed, and compared in constant time. */
import { hash, timingSafeEqual } from "node:crypto";
import type { Context } from "hono";
import { problem } from "./problem.ts";

/** The token of a request; undefined: it bears none. */
export const bearerToken = (c: Context): string | undefined =>
  // RFC 9110 11.1: the scheme's name is case-insensitive.
  /^bearer +(\S+) *$/i.exec(c.req.header("authorization") ?? "")?.[1];

/** What is stored of a random token: it has too many bits to be found from this, so it needs no salt and no cost. */
export const hashToken = (token: string): string => hash("sha256", token, "hex");

/** Says whether a token is `expected`. */
export const matcher = (expected: string): (token: string) => boolean => {
  const wanted = hash("sha256", expected, "buffer");
  return (token) => timingSafeEqual(hash("sha256", token, "buffer"), wanted);
};

/** The answer to a request without a valid token; `whose` says of whom one is wanted. */
export const unauthorized = (c: Context, whose: string) => {
  // RFC 6750 3.1: a request without any token is told no error.
  c.header("www-authenticate", bearerToken(c) === undefined ? "Bearer" : 'Bearer error="invalid_token"');
  return problem(c, "unauthorized", `This needs the header "Authorization: Bearer …" with ${whose}`);
};

/** The last use is written this rarely: nobody asks for the second, and a write for each request is dear. */
const LAST_USE_MS = 60_000;

/** Whether the last use that is written is so young that one at `now` (epoch ms) need not be. */
export const isUseWritten = (lastUsedAt: number | null, now: number): boolean =>
  lastUsedAt !== null && lastUsedAt > now - LAST_USE_MS;
