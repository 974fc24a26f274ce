/** Establishes who makes a request of the public API, and lets it through to a route that admits them. */
import type { Context, MiddlewareHandler } from "hono";
import { type Access, decide, neededScope, type Principal } from "./access.ts";
import { type AuditSources, createRecorder, type Recorder } from "./audit_log.ts";
import { bearerToken, hashToken, isUseWritten, matcher, unauthorized } from "./bearer.ts";
import { siteOf } from "./cidr.ts";
import { KEY_PREFIX } from "./key_prefix.ts";
import { problem } from "./problem.ts";
import { createRateLimit, type RateAnswer } from "./rate_limit.ts";
import { findApiKey, markApiKeyUsed } from "./store/api_keys.ts";

/** What the public API knows of each request. */
export interface ApiEnv {
  /** What Deno.serve tells of the connection; nothing of a call in this process. */
  Bindings: { readonly remoteAddr?: Deno.Addr };
  Variables: {
    /** In `X-Request-Id` of the answer, in the log and in the audit log. */
    requestId: string;
    /** Set on every route that is not for anyone. */
    principal: Principal;
    /** Set where the principal is. */
    recorder: Recorder;
  };
}

/** Of all keys of an account: ten a second, far more than a person's or a monitoring's work. */
const REQUEST_RATE = { name: "requests", quota: 600, windowSeconds: 60 };
/** The same for those that could change something: each is synced to the disk, and stands in the audit log for more than a year. */
const CHANGE_RATE = { name: "changes", quota: 60, windowSeconds: 60 };
/** Tokens that do not hold, from one site: a program with a revoked key is told to stop, and floods no log. */
const FAILURE_RATE = { name: "failed-tokens", quota: 20, windowSeconds: 60 };

export const noSuchAccount = "There is no account of that name";

export const principalOf = (c: Context<ApiEnv>): Principal => c.get("principal");

interface Sources extends AuditSources {
  /** The operator's. */
  readonly adminToken: string;
}

const showRate = (c: Context, { headers }: RateAnswer): void => {
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
};

const tooMany = (c: Context, { resetSeconds }: RateAnswer, what: string) => {
  c.header("retry-after", String(resetSeconds));
  return problem(c, "too-many-requests", `${what}: try again in ${resetSeconds} seconds`);
};

/** Calls without an address are of this process. */
const siteBehind = ({ env }: Context<ApiEnv>): string => {
  const address = env?.remoteAddr;
  return address !== undefined && "hostname" in address ? siteOf(address.hostname) : "";
};

/**
 * Finds the principal of each request. One without a valid token is answered with 401, after many of them with 429; a
 * valid one is let through all the same, for others may share its address. Nothing is cached.
 */
export const identify = ({ db, adminToken, newId, now }: Sources): MiddlewareHandler<ApiEnv> => {
  const isOperators = matcher(adminToken);
  const recorder = createRecorder({ db, newId, now });
  const requestsOf = createRateLimit(REQUEST_RATE), changesOf = createRateLimit(CHANGE_RATE);
  const failuresFrom = createRateLimit(FAILURE_RATE);

  const principalBehind = async (token: string): Promise<Principal | undefined> => {
    if (isOperators(token)) return { kind: "operator" };
    if (!token.startsWith(KEY_PREFIX)) return undefined;
    const key = await findApiKey(db, hashToken(token));
    if (key === undefined) return undefined;
    const at = now();
    if (!isUseWritten(key.last_used_at, at)) await markApiKeyUsed(db, key.id, at);
    return { kind: "key", id: key.id, label: key.label, username: key.username, scopes: key.scopes };
  };

  return async (c, next) => {
    const token = bearerToken(c);
    const principal = token === undefined ? undefined : await principalBehind(token);
    if (principal === undefined) {
      const rate = failuresFrom(siteBehind(c), now());
      showRate(c, rate);
      if (!rate.allowed) return tooMany(c, rate, "Too many requests from this address had no valid token");
      return unauthorized(c, "the operator's token or an account's API key");
    }
    if (principal.kind === "key") {
      const isChange = c.req.method !== "GET" && c.req.method !== "HEAD";
      const rate = (isChange ? changesOf : requestsOf)(principal.username, now());
      showRate(c, rate);
      if (!rate.allowed) return tooMany(c, rate, "The account's keys have made too many requests");
    }
    c.set("principal", principal);
    c.set("recorder", recorder);
    await next();
  };
};

/** The answer to a key that asks for what only the operator may do with its own account. */
export const operatorOnly = (c: Context, what = "This") =>
  problem(c, "operator-only", `${what} is for the operator alone: no API key may do it`);

/** Lets through whom a route that declares `access` admits. The account in the path is the parameter `username`. */
export const admit = (access: Access): MiddlewareHandler<ApiEnv> => async (c, next) => {
  if (access === "anyone") return await next();
  switch (decide(principalOf(c), access, c.req.param("username"))) {
    case "allowed":
      return await next();
    case "not-found":
      return problem(c, "not-found", noSuchAccount);
    case "operator-only":
      return operatorOnly(c);
    case "scope-missing":
      // RFC 6750 3.1
      c.header("www-authenticate", `Bearer error="insufficient_scope", scope="${neededScope(access)}"`);
      return problem(c, "scope-missing", `The key needs the scope "${neededScope(access)}" for this`);
  }
};

/** Has the audit log record a request, what it is refused included. */
export const recorded: MiddlewareHandler<ApiEnv> = (c, next) => c.get("recorder")(c, principalOf(c), next);
