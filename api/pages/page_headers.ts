/** Headers of pages for people: nothing is loaded from elsewhere, nothing runs, and nobody frames them. */
import type { MiddlewareHandler } from "hono";

/** Figures and ports may change with the next start, so a page is asked for again soon. */
const MAX_AGE_SECONDS = 300;
const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

export const pageHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  c.header("content-security-policy", POLICY);
  c.header("cache-control", `public, max-age=${MAX_AGE_SECONDS}`);
};
