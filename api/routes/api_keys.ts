/** /v1/accounts/{username}/keys: keys with which an account's own programs use this API. */
import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import { SCOPES } from "../access.ts";
import { hashToken } from "../bearer.ts";
import { KEY_PREFIX } from "../key_prefix.ts";
import { problem, problemResponses } from "../problem.ts";
import { findAccount } from "../store/accounts.ts";
import { type ApiKey, deleteApiKey, insertApiKey, listApiKeys } from "../store/api_keys.ts";
import { whileRoom } from "../store/count_of_account.ts";
import type { Database } from "../store/schema.ts";
import { rfc3339 } from "../utc_day.ts";
import { accountParam, noSuchAccount } from "./accounts.ts";
import { createRoute, createRouter, json, jsonRequest, page, pageOf, pageQuery, timeSchema } from "./router.ts";

/** One for each program, with room: more is a program that makes keys in a loop. */
const MAX_KEYS = 100;
const MAX_LABEL_CHARS = 100;

/** What people call a key, a password or a machine. */
export const label = z.string().min(1).max(MAX_LABEL_CHARS).regex(/^\P{C}+$/u, "expected text without controls")
  // Said once more, because the document's pattern has no place for the flag.
  .openapi({ example: "monitoring", pattern: "^\\P{C}+$" });

export const lastUsedAt = timeSchema.nullable().openapi({ description: "To the minute; null: not yet" });

const scopes = z.array(z.enum(SCOPES)).openapi({
  description: "read: look at the account's own things; manage: that, and change its domains, DKIM keys, " +
    "suppressed addresses, choice of non-delivery reports, passwords and keys",
});

const keySchema = z.object({
  id: z.string(),
  label,
  scopes,
  createdAt: timeSchema,
  lastUsedAt,
}).openapi("ApiKey");

const newKeySchema = keySchema.extend({
  key: z.string().openapi({ description: "The key itself, this once: it is stored nowhere", example: "mhk_5f0c…" }),
}).openapi("NewApiKey");

const show = (key: ApiKey): z.infer<typeof keySchema> => ({
  id: key.id,
  label: key.label,
  scopes: [...key.scopes],
  createdAt: rfc3339(key.created_at),
  lastUsedAt: key.last_used_at === null ? null : rfc3339(key.last_used_at),
});

const create = createRoute({
  access: "manage",
  method: "post",
  path: "/{username}/keys",
  summary: "Make an API key for the account",
  request: {
    params: accountParam,
    body: jsonRequest(z.strictObject({ label, scopes: scopes.min(1).default(["read"]) })),
  },
  responses: {
    201: json(newKeySchema, "The key"),
    ...problemResponses("invalid-request", "unauthorized", "not-found", "limit-reached"),
  },
});

const list = createRoute({
  access: "read",
  method: "get",
  path: "/{username}/keys",
  summary: "List an account's API keys, the oldest first",
  request: { params: accountParam, query: z.object(pageQuery) },
  responses: {
    200: json(pageOf(keySchema), "A page of keys"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

const revoke = createRoute({
  access: "manage",
  method: "delete",
  path: "/{username}/keys/{id}",
  summary: "Revoke an API key: it holds no longer",
  request: { params: accountParam.extend({ id: z.string() }) },
  responses: { 204: { description: "It is revoked" }, ...problemResponses("unauthorized", "not-found") },
});

export interface ApiKeyRoutes {
  readonly db: Kysely<Database>;
  readonly now: () => number;
  readonly newId: () => string;
  /** A new secret on each call, of letters and digits. */
  readonly newToken: () => string;
}

export const apiKeyRoutes = ({ db, now, newId, newToken }: ApiKeyRoutes) =>
  createRouter()
    .openapi(create, async (c) => {
      const { username } = c.req.valid("param");
      const { label, scopes } = c.req.valid("json");
      if (await findAccount(db, username) === undefined) return problem(c, "not-found", noSuchAccount);
      const secret = `${KEY_PREFIX}${newToken()}`;
      const key: ApiKey = { id: newId(), username, label, scopes, created_at: now(), last_used_at: null };
      const made = await whileRoom(
        db,
        "api_key",
        { username, most: MAX_KEYS },
        (transaction) => insertApiKey(transaction, { ...key, key_hash: hashToken(secret) }),
      );
      if (made === "full") {
        return problem(c, "limit-reached", `An account has at most ${MAX_KEYS} keys: revoke one that is not used`);
      }
      return c.json({ ...show(key), key: secret }, 201);
    })
    .openapi(list, async (c) => {
      const { username } = c.req.valid("param");
      if (await findAccount(db, username) === undefined) return problem(c, "not-found", noSuchAccount);
      const { cursor, limit } = c.req.valid("query");
      const rows = await listApiKeys(db, username, cursor ?? "", limit + 1);
      return c.json(page(rows, limit, show, (row) => row.id), 200);
    })
    .openapi(revoke, async (c) => {
      const { username, id } = c.req.valid("param");
      const found = await deleteApiKey(db, username, id);
      return found ? c.body(null, 204) : problem(c, "not-found", "The account has no such key");
    });
