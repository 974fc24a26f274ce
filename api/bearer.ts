/** Lets a request through that bears the expected token. What is compared are hashes, in constant time. */
import { hash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { problem } from "./problem.ts";

const sha256 = (token: string) => hash("sha256", token, "buffer");

/** `whose` names the token in the refusal: "operator's" or "relay". */
export const requireBearer = (token: string, whose: string): MiddlewareHandler => {
  const expected = sha256(token);
  return async (c, next) => {
    // RFC 9110 11.1: the scheme's name is case-insensitive.
    const given = /^bearer +(\S+) *$/i.exec(c.req.header("authorization") ?? "")?.[1];
    if (given === undefined || !timingSafeEqual(sha256(given), expected)) {
      c.header("www-authenticate", "Bearer");
      return problem(c, "unauthorized", `This needs the header "Authorization: Bearer …" with the ${whose} token`);
    }
    await next();
  };
};
