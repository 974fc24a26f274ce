/** The door of relay nodes: the token that all of them may share, or one that the operator made for their machine. */
import type { MiddlewareHandler } from "hono";
import type { Kysely } from "kysely";
import { bearerToken, hashToken, isUseWritten, matcher, unauthorized } from "./bearer.ts";
import type { Database } from "./store/schema.ts";
import { findRelayToken, markRelayTokenUsed } from "./store/relay_tokens.ts";

/** People, and programs that look for leaked secrets, know a token by it at sight. */
export const RELAY_TOKEN_PREFIX = "mhr_";

interface Sources {
  readonly db: Kysely<Database>;
  /** The one of the settings. The nodes of this process bear it, so that they are let through without a look-up. */
  readonly relayToken: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Lets a request through that bears a token of relay nodes. A revoked one is refused from the next request on. */
export const requireRelayToken = ({ db, relayToken, now }: Sources): MiddlewareHandler => {
  const isShared = matcher(relayToken);

  const holds = async (token: string): Promise<boolean> => {
    if (isShared(token)) return true;
    if (!token.startsWith(RELAY_TOKEN_PREFIX)) return false;
    const found = await findRelayToken(db, hashToken(token));
    if (found === undefined) return false;
    const at = now();
    if (!isUseWritten(found.last_used_at, at)) await markRelayTokenUsed(db, found.id, at);
    return true;
  };

  return async (c, next) => {
    const token = bearerToken(c);
    if (token === undefined || !await holds(token)) return unauthorized(c, "a relay token");
    await next();
  };
};
