/**
 * The door of relay nodes: the token that all of them may share, or one that the operator made for their machine.
 *
 * With the shared one a node may speak for any. With a machine's, for nodes of its label: those that nobody else, the
 * shared token included, has spoken for before. So a stolen one cannot settle, refund or report for nodes other than
 * those of its machine, and a second token of the same label takes the place of the first.
 *
 * A node that changes from a machine's token to the shared one goes on at once. It stays its label's, so it may change
 * back; whoever shall not speak for it any more is shut out by revoking that token. From the shared token to that of a
 * machine the operator has to hand the node over (POST /v1/relay-tokens with `nodes`): before that it is refused, for
 * nothing tells it from a thief. The shared token still speaks for it then, as for any.
 */
import type { Context, MiddlewareHandler } from "hono";
import type { Kysely } from "kysely";
import { bearerToken, hashToken, isUseWritten, matcher, unauthorized } from "./bearer.ts";
import type { Database } from "./store/schema.ts";
import { claimRelayNode, SHARED_LABEL } from "./store/relay_nodes.ts";
import { findRelayToken, markRelayTokenUsed } from "./store/relay_tokens.ts";

/** People, and programs that look for leaked secrets, know a token by it at sight. */
export const RELAY_TOKEN_PREFIX = "mhr_";

/** Nodes of which this process knows that they are claimed; far more than there are. */
const MAX_CLAIMED = 10_000;

interface Sources {
  readonly db: Kysely<Database>;
  /** The one of the settings. The nodes of this process bear it: who they are is looked up once. */
  readonly relayToken: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** What the node routes know of each request. */
export interface RelayEnv {
  Variables: {
    /** Whether the token may speak for a node. */
    speaksFor: (node: string) => Promise<boolean>;
  };
}

export const speaksFor = (c: Context<RelayEnv>, node: string): Promise<boolean> => c.get("speaksFor")(node);

/** Lets a request through that bears a token of relay nodes. A revoked one is refused from the next request on. */
export const requireRelayToken = ({ db, relayToken, now }: Sources): MiddlewareHandler<RelayEnv> => {
  const isShared = matcher(relayToken);
  /** A node that somebody has claimed is never nobody's again, so that is asked once and not with each call. */
  const claimed = new Set<string>();

  const speakShared = async (node: string): Promise<boolean> => {
    if (claimed.has(node)) return true;
    await claimRelayNode(db, { node, label: SHARED_LABEL });
    if (claimed.size >= MAX_CLAIMED) claimed.clear();
    claimed.add(node);
    return true;
  };

  /** The label of a machine's token; undefined: it does not hold. */
  const labelOf = async (token: string): Promise<string | undefined> => {
    if (!token.startsWith(RELAY_TOKEN_PREFIX)) return undefined;
    const found = await findRelayToken(db, hashToken(token));
    if (found === undefined) return undefined;
    const at = now();
    if (!isUseWritten(found.last_used_at, at)) await markRelayTokenUsed(db, found.id, at);
    return found.label;
  };

  return async (c, next) => {
    const token = bearerToken(c);
    if (token !== undefined && isShared(token)) {
      c.set("speaksFor", speakShared);
      return await next();
    }
    const label = token === undefined ? undefined : await labelOf(token);
    if (label === undefined) return unauthorized(c, "a relay token");
    c.set("speaksFor", async (node) => await claimRelayNode(db, { node, label }) === label);
    await next();
  };
};
