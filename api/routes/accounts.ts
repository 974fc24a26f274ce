/** /v1/accounts: who may use the service. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Kysely } from "kysely";
import { entityTag, matchingVersions } from "../entity_tag.ts";
import type { Passwords } from "../passwords.ts";
import { noSuchAccount, operatorOnly, principalOf } from "../principal.ts";
import { problem, problemResponses } from "../problem.ts";
import {
  type Account,
  type AccountChange,
  changeAccount,
  findAccount,
  insertAccount,
  listAccounts,
} from "../store/accounts.ts";
import type { Database } from "../store/schema.ts";
import { rfc3339 } from "../utc_day.ts";
import { createRoute, createRouter, json, jsonRequest, page, pageOf, pageQuery, timeSchema } from "./router.ts";

/** Octets of a password: the lower bound against guessing, the upper one against work. */
const MIN_PASSWORD_OCTETS = 8;
const MAX_PASSWORD_OCTETS = 256;

const octets = (text: string): number => new TextEncoder().encode(text).length;

/** A node does not ask for a longer name (relay/admission/admission.ts). */
const username = z.string().regex(/^[a-z0-9._-]{1,64}$/, "expected 1 to 64 of a-z, 0-9, dot, underscore and hyphen")
  // In a URL these are the way to somewhere else, also where they are encoded (RFC 3986 5.2.4).
  .refine((text) => text !== "." && text !== "..", "expected more than one or two dots");
const password = z.string().refine(
  (text) => octets(text) >= MIN_PASSWORD_OCTETS && octets(text) <= MAX_PASSWORD_OCTETS,
  `expected ${MIN_PASSWORD_OCTETS} to ${MAX_PASSWORD_OCTETS} octets`,
).refine(
  // RFC 4616 2: NUL ends a password in AUTH PLAIN; half of a surrogate pair has no UTF-8.
  (text) => !text.includes("\0") && text.isWellFormed(),
  "expected text in UTF-8 without NUL",
).openapi({ format: "password" });
const email = z.email().max(254);
const status = z.enum(["active", "suspended"]);
/** Any text: what is no tag of ours matches nothing. */
const ifMatch = z.object({
  "if-match": z.string().optional().openapi({ description: "The ETag of the account as it is to be changed" }),
});

const ndrSchema = z.strictObject({
  choice: z.enum(["count", "limit", "refuse"]).openapi({
    description:
      "What is done with the account's non-delivery reports: count them like any other message, limit them " +
      "to a share of the day, or refuse them",
  }),
  sharePercent: z.int().min(1).max(100).nullable().default(null)
    .openapi({ description: "With `limit`: percent of the day's relays; null: the service's own figure" }),
});

const accountSchema = z.object({
  username: username.openapi({ example: "alice" }),
  email: z.string().nullable(),
  status,
  ndr: ndrSchema,
  brakeReleasedUntil: timeSchema.nullable()
    .openapi({ description: "The operator has released the account from the brake until then" }),
  noticeMail: z.boolean().openapi({ description: "Whether its notices go to `email`, too", example: true }),
  createdAt: timeSchema,
}).openapi("Account");

/** The account in the path of a route; one that was never legal is simply not found. */
export const accountParam = z.object({ username: z.string() });
export { noSuchAccount };

const show = (account: Account): z.infer<typeof accountSchema> => ({
  username: account.username,
  email: account.email,
  status: account.status,
  ndr: { choice: account.ndr_choice, sharePercent: account.ndr_share_percent },
  brakeReleasedUntil: account.brake_released_until === null ? null : rfc3339(account.brake_released_until),
  noticeMail: account.notice_mail === 1,
  createdAt: rfc3339(account.created_at),
});

/** What the brake is released for where nobody says how long: the rest of the day, and the next one's mail. */
const RELEASE_HOURS = 24;
const MAX_RELEASE_HOURS = 24 * 28;
const HOUR_MS = 3_600_000;

const create = createRoute({
  access: "operator",
  method: "post",
  path: "/",
  summary: "Create an account",
  request: { body: jsonRequest(z.strictObject({ username, password, email: email.optional() })) },
  responses: {
    201: json(accountSchema, "The account"),
    ...problemResponses("invalid-request", "unauthorized", "username-taken", "busy"),
  },
});

const list = createRoute({
  access: "operator",
  method: "get",
  path: "/",
  summary: "List accounts by name",
  request: { query: z.object(pageQuery) },
  responses: {
    200: json(pageOf(accountSchema), "A page of accounts"),
    ...problemResponses("invalid-request", "unauthorized"),
  },
});

const get = createRoute({
  access: "read",
  method: "get",
  path: "/{username}",
  summary: "Show an account",
  request: { params: accountParam },
  responses: { 200: json(accountSchema, "The account"), ...problemResponses("unauthorized", "not-found") },
});

const patch = createRoute({
  access: "manage",
  method: "patch",
  path: "/{username}",
  summary: "Suspend an account or let it relay again; say what is done with its non-delivery reports and notices",
  description: "The status and the address are the operator's to change.",
  request: {
    params: accountParam,
    headers: ifMatch,
    body: jsonRequest(
      z.strictObject({ status, email: email.nullable(), ndr: ndrSchema, noticeMail: z.boolean() }).partial()
        .refine((change) => Object.keys(change).length > 0, "expected `status`, `email`, `ndr` or `noticeMail`"),
    ),
  },
  responses: {
    200: json(accountSchema, "The account as it is now"),
    ...problemResponses("invalid-request", "unauthorized", "operator-only", "not-found", "changed-since"),
  },
});

const putPassword = createRoute({
  access: "manage",
  method: "put",
  path: "/{username}/password",
  summary: "Set an account's password",
  request: { params: accountParam, headers: ifMatch, body: jsonRequest(z.strictObject({ password })) },
  responses: {
    204: { description: "The password is set" },
    ...problemResponses("invalid-request", "unauthorized", "not-found", "changed-since", "busy"),
  },
});

const releaseBrake = createRoute({
  access: "operator",
  method: "post",
  path: "/{username}/brake/release",
  summary: "Release an account from the brake: its volume is not compared with its habit for so long",
  request: {
    params: accountParam,
    body: jsonRequest(z.strictObject({ hours: z.int().min(1).max(MAX_RELEASE_HOURS).default(RELEASE_HOURS) })),
  },
  responses: {
    200: json(accountSchema, "The account as it is now"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

interface Wanted {
  readonly status?: Account["status"] | undefined;
  readonly email?: string | null | undefined;
  readonly ndr?: z.infer<typeof ndrSchema> | undefined;
  readonly noticeMail?: boolean | undefined;
}

const toChange = ({ status, email, ndr, noticeMail }: Wanted): AccountChange => ({
  ...(status !== undefined && { status }),
  ...(email !== undefined && { email }),
  ...(noticeMail !== undefined && { notice_mail: noticeMail ? 1 : 0 }),
  ...(ndr !== undefined && { ndr_choice: ndr.choice, ndr_share_percent: ndr.sharePercent }),
});

export interface AccountRoutes {
  readonly db: Kysely<Database>;
  readonly passwords: Passwords;
  readonly now: () => number;
}

export const accountRoutes = ({ db, passwords, now }: AccountRoutes) => {
  /** What a change has not found: an account, or one in the version that was to be changed. */
  const notChanged = async (c: Context, username: string) =>
    await findAccount(db, username) === undefined
      ? problem(c, "not-found", noSuchAccount)
      : problem(c, "changed-since", "The account is not as If-Match says any more: look at it, then change it");
  const tag = (c: Context, { version }: Account): void => c.header("etag", entityTag(version));

  return createRouter()
    .openapi(create, async (c) => {
      const { username, password, email } = c.req.valid("json");
      const account: Account = {
        ...{ username, email: email ?? null, status: "active", created_at: now(), version: 1 },
        ...{ ndr_choice: "count", ndr_share_percent: null, brake_released_until: null, notice_mail: 1 },
      };
      const inserted = await insertAccount(db, { ...account, password_hash: await passwords.hash(password) });
      if (!inserted) return problem(c, "username-taken", `${username} is taken: choose another`);
      tag(c, account);
      return c.json(show(account), 201);
    })
    .openapi(list, async (c) => {
      const { cursor, limit } = c.req.valid("query");
      const rows = await listAccounts(db, cursor ?? "", limit + 1);
      return c.json(page(rows, limit, show, (row) => row.username), 200);
    })
    .openapi(get, async (c) => {
      const account = await findAccount(db, c.req.valid("param").username);
      if (account === undefined) return problem(c, "not-found", noSuchAccount);
      tag(c, account);
      return c.json(show(account), 200);
    })
    .openapi(patch, async (c) => {
      const { username } = c.req.valid("param");
      const wanted = c.req.valid("json");
      if (principalOf(c).kind !== "operator") {
        if (wanted.status !== undefined) return operatorOnly(c, "An account's status");
        // Whoever has stolen a key is not to turn the alerts elsewhere.
        if (wanted.email !== undefined) return operatorOnly(c, "An account's address");
      }
      const versions = matchingVersions(c.req.valid("header")["if-match"]);
      const account = await changeAccount(db, username, toChange(wanted), versions);
      if (account === undefined) return notChanged(c, username);
      tag(c, account);
      return c.json(show(account), 200);
    })
    .openapi(releaseBrake, async (c) => {
      const change = { brake_released_until: now() + c.req.valid("json").hours * HOUR_MS };
      const account = await changeAccount(db, c.req.valid("param").username, change);
      if (account === undefined) return problem(c, "not-found", noSuchAccount);
      tag(c, account);
      return c.json(show(account), 200);
    })
    .openapi(putPassword, async (c) => {
      const { username } = c.req.valid("param");
      const change = { password_hash: await passwords.hash(c.req.valid("json").password) };
      const versions = matchingVersions(c.req.valid("header")["if-match"]);
      const account = await changeAccount(db, username, change, versions);
      if (account === undefined) return notChanged(c, username);
      tag(c, account);
      return c.body(null, 204);
    });
};
