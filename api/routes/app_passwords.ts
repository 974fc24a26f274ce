/** /v1/accounts/{username}/passwords: a password of its own for each device or program that sends. */
import { z } from "@hono/zod-openapi";
import type { Kysely } from "kysely";
import { hashToken } from "../bearer.ts";
import { problem, problemResponses } from "../problem.ts";
import { findAccount } from "../store/accounts.ts";
import { type AppPassword, deleteAppPassword, insertAppPassword, listAppPasswords } from "../store/app_passwords.ts";
import { whileRoom } from "../store/count_of_account.ts";
import type { Database } from "../store/schema.ts";
import { rfc3339 } from "../utc_day.ts";
import { accountParam, noSuchAccount } from "./accounts.ts";
import { label, lastUsedAt } from "./api_keys.ts";
import { createRoute, createRouter, json, jsonRequest, page, pageOf, pageQuery, timeSchema } from "./router.ts";

/** One for each device, with room: more is a program that makes them in a loop. */
const MAX_PASSWORDS = 100;
/** Characters of a group, which people type without losing their place. */
const GROUP = /.{8}/g;

const passwordSchema = z.object({
  id: z.string(),
  label: label.openapi({ description: "The device or program that has it", example: "phone" }),
  createdAt: timeSchema,
  lastUsedAt,
  lastUsedFrom: z.string().nullable()
    .openapi({ description: "The address from which it was used then", example: "192.0.2.7" }),
}).openapi("AppPassword");

const newPasswordSchema = passwordSchema.extend({
  password: z.string().openapi({
    description: "The password itself, this once: it is stored nowhere",
    example: "5f0c1a2b-9d3e4f50-617283a4-b5c6d7e8",
  }),
}).openapi("NewAppPassword");

const show = (row: AppPassword): z.infer<typeof passwordSchema> => ({
  id: row.id,
  label: row.label,
  createdAt: rfc3339(row.created_at),
  lastUsedAt: row.last_used_at === null ? null : rfc3339(row.last_used_at),
  lastUsedFrom: row.last_used_from,
});

const create = createRoute({
  access: "manage",
  method: "post",
  path: "/{username}/passwords",
  summary: "Make a further password for the account to send with",
  request: { params: accountParam, body: jsonRequest(z.strictObject({ label })) },
  responses: {
    201: json(newPasswordSchema, "The password"),
    ...problemResponses("invalid-request", "unauthorized", "not-found", "limit-reached"),
  },
});

const list = createRoute({
  access: "read",
  method: "get",
  path: "/{username}/passwords",
  summary: "List an account's further passwords, the oldest first",
  request: { params: accountParam, query: z.object(pageQuery) },
  responses: {
    200: json(pageOf(passwordSchema), "A page of passwords"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

const revoke = createRoute({
  access: "manage",
  method: "delete",
  path: "/{username}/passwords/{id}",
  summary: "Revoke a password: nobody logs in with it any more, within seconds",
  request: { params: accountParam.extend({ id: z.string() }) },
  responses: { 204: { description: "It is revoked" }, ...problemResponses("unauthorized", "not-found") },
});

export interface AppPasswordRoutes {
  readonly db: Kysely<Database>;
  readonly now: () => number;
  readonly newId: () => string;
  /** A new secret on each call, of letters and digits. */
  readonly newToken: () => string;
}

export const appPasswordRoutes = ({ db, now, newId, newToken }: AppPasswordRoutes) =>
  createRouter()
    .openapi(create, async (c) => {
      const { username } = c.req.valid("param");
      if (await findAccount(db, username) === undefined) return problem(c, "not-found", noSuchAccount);
      const password = newToken().match(GROUP)?.join("-") ?? "";
      const { label } = c.req.valid("json");
      const row = { id: newId(), username, label, created_at: now(), last_used_at: null, last_used_from: null };
      const made = await whileRoom(
        db,
        "app_password",
        { username, most: MAX_PASSWORDS },
        (transaction) => insertAppPassword(transaction, { ...row, password_hash: hashToken(password) }),
      );
      if (made === "full") {
        const most = `An account has at most ${MAX_PASSWORDS} of these passwords`;
        return problem(c, "limit-reached", `${most}: revoke one that is not used`);
      }
      return c.json({ ...show(row), password }, 201);
    })
    .openapi(list, async (c) => {
      const { username } = c.req.valid("param");
      if (await findAccount(db, username) === undefined) return problem(c, "not-found", noSuchAccount);
      const { cursor, limit } = c.req.valid("query");
      const rows = await listAppPasswords(db, username, cursor ?? "", limit + 1);
      return c.json(page(rows, limit, show, (row) => row.id), 200);
    })
    .openapi(revoke, async (c) => {
      const { username, id } = c.req.valid("param");
      const found = await deleteAppPassword(db, username, id);
      return found ? c.body(null, 204) : problem(c, "not-found", "The account has no such password");
    });
