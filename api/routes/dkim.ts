/**
 * /v1/accounts/{username}/domains/{domain}/dkim: keys that sign the mail of a verified domain, and their rotation: make
 * new keys, publish their records, have them looked up. From then on they sign, and those before are retired.
 *
 * No answer has a private key in it.
 */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Kysely } from "kysely";
import { ALGORITHMS, checkDkimRecord, dkimRecordOf, makeKeyPair, selectorOf } from "../dkim_key.ts";
import type { ResolveTxt } from "../domain_proof.ts";
import { problem, problemResponses } from "../problem.ts";
import { activateDkimKey, deleteDkimKey, insertDkimKey, listDkimKeys, type PublicKeyRow } from "../store/dkim_keys.ts";
import { findDomain } from "../store/domains.ts";
import type { Database } from "../store/schema.ts";
import { rfc3339 } from "../utc_day.ts";
import { domainParam, noSuchClaim } from "./domains.ts";
import { createRoute, createRouter, json, timeSchema } from "./router.ts";

/** Mail that was signed last may be checked so much later: queued at its recipient's, or read by a filter there. */
const KEEP_PUBLISHED_MS = 7 * 86_400_000;

const keySchema = z.object({
  selector: z.string().openapi({ example: "mh-rsa-5f0c1a2b" }),
  algorithm: z.enum(["rsa-sha256", "ed25519-sha256"]),
  state: z.enum(["pending", "active", "retired"]).openapi({
    description: "pending: its record was not seen yet; active: it signs; retired: another one took its place",
  }),
  record: z.object({
    name: z.string().openapi({ example: "mh-rsa-5f0c1a2b._domainkey.example.com" }),
    type: z.literal("TXT"),
    value: z.string().openapi({ example: "v=DKIM1; k=rsa; p=MIIB…" }),
  }).openapi({ description: "To publish. In a zone file, more than 255 characters go into several quoted strings" }),
  createdAt: timeSchema,
  changedAt: timeSchema.openapi({ description: "When it came into its state" }),
  keepRecordUntil: timeSchema.nullable().openapi({
    description: "retired: until then its record is to stay, for mail that it has signed",
  }),
}).openapi("DkimKey");

/** A domain has a handful: they are one page. */
const keysSchema = z.object({ items: z.array(keySchema), next: z.null() }).openapi("DkimKeys");

const show = (key: PublicKeyRow): z.infer<typeof keySchema> => ({
  selector: key.selector,
  algorithm: key.algorithm,
  state: key.state,
  record: dkimRecordOf(key),
  createdAt: rfc3339(key.created_at),
  changedAt: rfc3339(key.changed_at),
  keepRecordUntil: key.state === "retired" ? rfc3339(key.changed_at + KEEP_PUBLISHED_MS) : null,
});

const create = createRoute({
  access: "manage",
  method: "post",
  path: "/{username}/domains/{domain}/dkim",
  summary: "Make keys, an RSA and an Ed25519 one; they sign once their records were looked up",
  request: { params: domainParam },
  responses: {
    201: json(keysSchema, "All keys, with the records to publish"),
    ...problemResponses("invalid-request", "unauthorized", "not-found", "domain-unverified"),
  },
});

const list = createRoute({
  access: "read",
  method: "get",
  path: "/{username}/domains/{domain}/dkim",
  summary: "List a domain's keys",
  request: { params: domainParam },
  responses: {
    200: json(keysSchema, "The keys, a handful"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

const rotate = createRoute({
  access: "manage",
  method: "post",
  path: "/{username}/domains/{domain}/dkim/rotate",
  summary: "Look the records of pending keys up now; those that are published sign, in the place of those before",
  request: { params: domainParam },
  responses: {
    200: json(keysSchema, "All keys: at least one that was pending signs now"),
    ...problemResponses("invalid-request", "unauthorized", "not-found", "proof-missing", "dns-failed"),
  },
});

const remove = createRoute({
  access: "manage",
  method: "delete",
  path: "/{username}/domains/{domain}/dkim/{selector}",
  summary: "Delete a key: it signs no more within minutes",
  request: { params: domainParam.extend({ selector: z.string().max(63) }) },
  responses: {
    204: { description: "It is deleted" },
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

export interface DkimRoutes {
  readonly db: Kysely<Database>;
  readonly now: () => number;
  readonly resolveTxt: ResolveTxt;
  /** A new secret on each call, of letters and digits. */
  readonly newToken: () => string;
}

export const dkimRoutes = ({ db, now, resolveTxt, newToken }: DkimRoutes) => {
  const keysOf = async (claim: { username: string; domain: string }) => ({
    items: (await listDkimKeys(db, claim)).map(show),
    next: null,
  });
  const noPendingKeys = (c: Context) => problem(c, "not-found", "There are no new keys: make them first");

  return createRouter()
    .openapi(create, async (c) => {
      const claim = c.req.valid("param");
      const row = await findDomain(db, claim);
      if (row === undefined) return noSuchClaim(c, claim.domain);
      if (row.verified_at === null) {
        return problem(c, "domain-unverified", `The claim of ${claim.domain} is to be verified first`);
      }
      const at = now();
      // A pending key stays: it may be published already.
      const pending = (await listDkimKeys(db, claim)).filter(({ state }) => state === "pending");
      for (const algorithm of ALGORITHMS) {
        if (pending.some((key) => key.algorithm === algorithm)) continue;
        const { privateKey, publicKey } = await makeKeyPair(algorithm);
        await insertDkimKey(db, {
          ...claim,
          algorithm,
          state: "pending",
          selector: selectorOf(algorithm, newToken()),
          private_key: privateKey,
          public_key: publicKey,
          created_at: at,
          changed_at: at,
        });
      }
      return c.json(await keysOf(claim), 201);
    })
    .openapi(list, async (c) => {
      const claim = c.req.valid("param");
      if (await findDomain(db, claim) === undefined) return noSuchClaim(c, claim.domain);
      return c.json(await keysOf(claim), 200);
    })
    .openapi(rotate, async (c) => {
      const claim = c.req.valid("param");
      if (await findDomain(db, claim) === undefined) return noSuchClaim(c, claim.domain);
      const pending = (await listDkimKeys(db, claim)).filter(({ state }) => state === "pending");
      const [first] = pending;
      if (first === undefined) return noPendingKeys(c);
      const checks = await Promise.all(
        pending.map(async (key) => ({ key, check: await checkDkimRecord(resolveTxt, key) })),
      );
      const published = checks.filter(({ check }) => check.kind === "found");
      for (const { key } of published) await activateDkimKey(db, key, now());
      if (published.length > 0) return c.json(await keysOf(claim), 200);
      for (const { key, check } of checks) {
        if (check.kind === "failed") {
          return problem(c, "dns-failed", `The look-up of ${dkimRecordOf(key).name} failed: ${check.why}`);
        }
      }
      const names = pending.map((key) => dkimRecordOf(key).name).join(", ");
      return problem(c, "proof-missing", `No TXT record has the new key: ${names}`);
    })
    .openapi(remove, async (c) => {
      const { selector, ...claim } = c.req.valid("param");
      const deleted = await deleteDkimKey(db, { ...claim, selector });
      return deleted ? c.body(null, 204) : problem(c, "not-found", `${claim.domain} has no key ${selector}`);
    });
};
