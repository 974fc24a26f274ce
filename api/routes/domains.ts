/**
 * /v1/accounts/{username}/domains: domains that an account claims. Once a claim is verified, no other account sends as
 * the domain or as one below it.
 */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Kysely } from "kysely";
import type { Check, ServiceFacts } from "../domain_check/verdict.ts";
import type { MailDns } from "../domain_check/mail_dns.ts";
import { parseDomain } from "../domain_name.ts";
import { checkProof, proofOf, type ResolveTxt } from "../domain_proof.ts";
import { MISSED_CHECKS_TO_LAPSE } from "../domain_recheck.ts";
import type { AddressFacts } from "../dry_run.ts";
import { problem, problemResponses } from "../problem.ts";
import { findAccount } from "../store/accounts.ts";
import { listDkimKeys } from "../store/dkim_keys.ts";
import { whileRoom } from "../store/count_of_account.ts";
import { deleteDomain, findDomain, findOwners, insertDomain, listDomains, verifyDomain } from "../store/domains.ts";
import type { Database, DomainRow } from "../store/schema.ts";
import { rfc3339 } from "../utc_day.ts";
import { accountParam, noSuchAccount } from "./accounts.ts";
import { createRoute, createRouter, json, jsonRequest, page, pageOf, pageQuery, timeSchema } from "./router.ts";

/** Verified or not: a business has some dozens of domains. */
const MAX_CLAIMS = 1000;
/** A name of 253 characters as A-labels is shorter as U-labels; longer ones are not read. */
const MAX_DOMAIN_TEXT = 512;

const domain = z.string().max(MAX_DOMAIN_TEXT).transform((text, context) => {
  const parsed = parseDomain(text);
  if ("domain" in parsed) return parsed.domain;
  context.addIssue({ code: "custom", message: parsed.expected });
  return z.NEVER;
}).openapi({ type: "string", example: "example.com" });

const domainSchema = z.object({
  domain: z.string().openapi({ description: "In A-labels", example: "example.com" }),
  status: z.enum(["pending", "verified"]),
  record: z.object({
    name: z.string().openapi({ example: "_mailhop.example.com" }),
    type: z.literal("TXT"),
    value: z.string().openapi({ example: "mailhop-verification=5f0c…" }),
  }).openapi({ description: "To publish, and to leave there: it is looked up again daily" }),
  createdAt: timeSchema,
  verifiedAt: timeSchema.nullable(),
  checkedAt: timeSchema.nullable().openapi({ description: "When the DNS last gave an answer" }),
  missedChecks: z.int().openapi({
    description: `Daily looks in a row without the record; with ${MISSED_CHECKS_TO_LAPSE} the claim lapses`,
  }),
}).openapi("Domain");

const time = (ms: number | null): string | null => ms === null ? null : rfc3339(ms);

const show = (row: DomainRow): z.infer<typeof domainSchema> => ({
  domain: row.domain,
  status: row.verified_at === null ? "pending" : "verified",
  record: { type: "TXT", ...proofOf(row) },
  createdAt: rfc3339(row.created_at),
  verifiedAt: time(row.verified_at),
  checkedAt: time(row.checked_at),
  missedChecks: row.missed_checks,
});

const checkRecord = z.object({ name: z.string(), type: z.enum(["TXT", "MX"]), value: z.string() });

const checkSchema = z.object({
  verdict: z.enum(["good", "warning", "bad", "unknown"]),
  words: z.string().openapi({ description: "What it means, and what to do" }),
  found: z.array(checkRecord),
  publish: z.array(checkRecord).openapi({ description: "What the domain's DNS should have" }),
}).openapi("DomainCheck");

const checkedDomainSchema = domainSchema.extend({
  checks: z.object({ mx: checkSchema, spf: checkSchema, dkim: checkSchema, dmarc: checkSchema })
    .openapi({ description: "Whether recipients will take the domain's mail through this service for what it is" }),
}).openapi("CheckedDomain");

const showCheck = ({ found, publish, ...same }: Check): z.infer<typeof checkSchema> => ({
  ...same,
  found: [...found],
  publish: [...publish],
});

/** Of all that lies below a claim. */
export const domainParam = accountParam.extend({ domain });

const claim = createRoute({
  access: "manage",
  method: "post",
  path: "/{username}/domains",
  summary: "Claim a domain; it is the account's once it is verified",
  request: { params: accountParam, body: jsonRequest(z.strictObject({ domain })) },
  responses: {
    201: json(domainSchema, "The claim, with the record to publish"),
    ...problemResponses(
      "invalid-request",
      "unauthorized",
      "not-found",
      "domain-claimed",
      "domain-taken",
      "limit-reached",
    ),
  },
});

const list = createRoute({
  access: "read",
  method: "get",
  path: "/{username}/domains",
  summary: "List an account's claims",
  request: { params: accountParam, query: z.object(pageQuery) },
  responses: {
    200: json(pageOf(domainSchema), "A page of claims"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

const get = createRoute({
  access: "read",
  method: "get",
  path: "/{username}/domains/{domain}",
  summary: "Show a claim, and what the domain's MX, SPF, DKIM and DMARC records do for its mail, looked up now",
  request: { params: domainParam },
  responses: {
    200: json(checkedDomainSchema, "The claim, with a verdict on each record"),
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

const verify = createRoute({
  access: "manage",
  method: "post",
  path: "/{username}/domains/{domain}/verify",
  summary: "Look the record up now; the first account whose record is found has the domain",
  request: { params: domainParam },
  responses: {
    200: json(domainSchema, "The claim is verified"),
    ...problemResponses(
      "invalid-request",
      "unauthorized",
      "not-found",
      "domain-taken",
      "proof-missing",
      "dns-failed",
    ),
  },
});

const remove = createRoute({
  access: "manage",
  method: "delete",
  path: "/{username}/domains/{domain}",
  summary: "Give a claim up: other accounts may use the domain then",
  request: { params: domainParam },
  responses: {
    204: { description: "It is given up" },
    ...problemResponses("invalid-request", "unauthorized", "not-found"),
  },
});

export interface DomainRoutes {
  readonly db: Kysely<Database>;
  readonly now: () => number;
  readonly resolveTxt: ResolveTxt;
  /** A new secret on each call, of letters and digits. */
  readonly newToken: () => string;
  readonly addresses: Pick<AddressFacts, "sender">;
  readonly service: ServiceFacts;
  /** A view of the DNS as it is now. */
  readonly mailDns: () => MailDns;
}

export const noSuchClaim = (c: Context, domain: string) =>
  problem(c, "not-found", `The account has not claimed ${domain}: that is the first step`);

const taken = (c: Context, domain: string) =>
  problem(c, "domain-taken", `${domain}, or a domain that it lies in, is verified for another account`);

export const domainRoutes = (use: DomainRoutes) => {
  const { db, now, resolveTxt, newToken, addresses, service, mailDns } = use;

  const showChecked = async (row: DomainRow): Promise<z.infer<typeof checkedDomainSchema>> => {
    const [keys, facts] = await Promise.all([listDkimKeys(db, row), addresses.sender(row.domain)]);
    // mailauth takes 30 MiB: not before somebody asks.
    const { checkDomain } = await import("../domain_check/check.ts");
    const { mx, spf, dkim, dmarc } = await checkDomain({ domain: row.domain, keys, facts }, service, mailDns());
    return {
      ...show(row),
      checks: { mx: showCheck(mx), spf: showCheck(spf), dkim: showCheck(dkim), dmarc: showCheck(dmarc) },
    };
  };

  return createRouter()
    .openapi(claim, async (c) => {
      const { username } = c.req.valid("param");
      const { domain } = c.req.valid("json");
      if (await findAccount(db, username) === undefined) return problem(c, "not-found", noSuchAccount);
      const [owner] = await findOwners(db, [domain]);
      if (typeof owner === "string" && owner !== username) return taken(c, domain);
      const row: DomainRow = {
        username,
        domain,
        token: newToken(),
        created_at: now(),
        verified_at: null,
        checked_at: null,
        missed_checks: 0,
      };
      const made = await whileRoom(
        db,
        "domain",
        { username, most: MAX_CLAIMS },
        (transaction) => insertDomain(transaction, row),
      );
      if (made === "full") {
        return problem(c, "limit-reached", `An account has at most ${MAX_CLAIMS} claims: give up one that is not used`);
      }
      return made
        ? c.json(show(row), 201)
        : problem(c, "domain-claimed", `The claim of ${domain} and the record to publish can be shown`);
    })
    .openapi(list, async (c) => {
      const { username } = c.req.valid("param");
      if (await findAccount(db, username) === undefined) return problem(c, "not-found", noSuchAccount);
      const { cursor, limit } = c.req.valid("query");
      const rows = await listDomains(db, username, cursor ?? "", limit + 1);
      return c.json(page(rows, limit, show, (row) => row.domain), 200);
    })
    .openapi(get, async (c) => {
      const row = await findDomain(db, c.req.valid("param"));
      return row === undefined ? noSuchClaim(c, c.req.valid("param").domain) : c.json(await showChecked(row), 200);
    })
    .openapi(verify, async (c) => {
      const { username, domain } = c.req.valid("param");
      const row = await findDomain(db, { username, domain });
      if (row === undefined) return noSuchClaim(c, domain);
      const proof = proofOf(row);
      const check = await checkProof(resolveTxt, proof);
      if (check.kind === "failed") {
        return problem(c, "dns-failed", `The look-up of ${proof.name} failed: ${check.why}`);
      }
      if (check.kind === "missing") {
        const others = check.records === 0 ? "" : ` (there are ${check.records} others)`;
        return problem(c, "proof-missing", `${proof.name} has no TXT record ${proof.value}${others}`);
      }
      const verified = await verifyDomain(db, row, now());
      if (verified === "taken") return taken(c, domain);
      return verified === undefined ? noSuchClaim(c, domain) : c.json(show(verified), 200);
    })
    .openapi(remove, async (c) => {
      const { username, domain } = c.req.valid("param");
      return await deleteDomain(db, { username, domain }) ? c.body(null, 204) : noSuchClaim(c, domain);
    });
};
