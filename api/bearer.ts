/** Bearer tokens (RFC 6750): read from a request, hashed, and compared in constant time. */
import { hash, timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
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

/** Lets a request through that bears the token of relay nodes. */
export const requireRelayToken = (token: string): MiddlewareHandler => {
  const isRelays = matcher(token);
  return async (c, next) => {
    const given = bearerToken(c);
    if (given === undefined || !isRelays(given)) return unauthorized(c, "the relay token");
    await next();
  };
};
