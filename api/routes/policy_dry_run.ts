/** /v1/policy/evaluate: what would happen to a message, what it would cost, and why. Nothing changes. */
import { z } from "@hono/zod-openapi";
import { OWN_HASH, PARAMETERS } from "../../policy/mod.ts";
import { dryRun, type DryRunSources, type Mailbox, type Outcome, type Step } from "../dry_run.ts";
import { problem, problemResponses } from "../problem.ts";
import { dayOf, rfc3339 } from "../utc_day.ts";
import { noSuchAccount } from "./accounts.ts";
import { evaluationSchema, showStep, showVerdict } from "./policy_schema.ts";
import { createRoute, createRouter, instant, json, jsonRequest } from "./router.ts";

/** RFC 5321 4.5.3.1.3 allows 256 octets; SMTPUTF8 gets some room. */
const MAX_ADDRESS_CHARS = 512;
/** Farther ahead nothing is known. */
const MAX_AHEAD_MS = 366 * 86_400_000;

const address = z.string().max(MAX_ADDRESS_CHARS);

const evaluate = createRoute({
  access: "operator",
  changesNothing: true,
  method: "post",
  path: "/evaluate",
  summary: "Try a message: what would happen, what it would cost, and why, rule by rule; nothing changes",
  description: "The sender's and the recipients' domains are looked up as a node does. The message is taken for an " +
    "ordinary one whose author is its sender.",
  request: {
    body: jsonRequest(z.strictObject({
      account: z.string().openapi({ example: "alice" }),
      sender: address.openapi({ description: "Reverse path; empty for the null one", example: "alice@example.com" }),
      recipients: z.array(address).min(1).max(PARAMETERS.maxRecipients.most).openapi({ example: ["bob@example.net"] }),
      size: z.int().min(0).openapi({ description: "Octets of the message", example: 10485760 }),
      at: instant.optional().openapi({ description: "Now if left out; today or later" }),
    })),
  },
  responses: {
    200: json(evaluationSchema, "What would happen"),
    ...problemResponses("invalid-request", "unauthorized", "not-found", "policy-fault"),
  },
});

const showRules = ({ rules }: Step) => rules.map(({ rule, verdict }) => ({ rule, ...showVerdict(verdict) }));

const show = ({ at, module, price, accepted, refusedBy, steps }: Outcome): z.infer<typeof evaluationSchema> => ({
  at: rfc3339(at),
  module: { hash: module, own: module === OWN_HASH },
  price,
  accepted: [...accepted],
  outcome: refusedBy && showStep(refusedBy),
  steps: steps.map((step) => ({ ...showStep(step), rules: showRules(step) })),
});

export interface PolicyDryRunRoutes extends DryRunSources {
  readonly now: () => number;
}

export const policyDryRunRoutes = ({ now, ...sources }: PolicyDryRunRoutes) => {
  const mailboxOf = (address: string): Mailbox | null => {
    const parsed = sources.addresses.domainOf(address);
    return parsed && { address, ...parsed };
  };
  const askedFor = (at: number): string | null => {
    const isKnown = dayOf(at) >= dayOf(now()) && at <= now() + MAX_AHEAD_MS;
    return isKnown ? null : "expected a time of today (UTC) or later, within a year";
  };

  return createRouter().openapi(evaluate, async (c) => {
    const { account, sender, recipients, size, at } = c.req.valid("json");
    const from = sender === "" ? null : mailboxOf(sender);
    const to = recipients.map(mailboxOf);
    const wrong = [
      { field: "sender", expected: sender !== "" && from === null ? "expected an address, or nothing" : null },
      ...to.map((mailbox, n) => ({ field: `recipients.${n}`, expected: mailbox ? null : "expected an address" })),
      { field: "at", expected: at === undefined ? null : askedFor(at) },
    ].flatMap(({ field, expected }) => expected === null ? [] : [{ field, expected }]);
    if (wrong.length > 0) {
      return problem(
        c,
        "invalid-request",
        wrong.map(({ field, expected }) => `${field}: ${expected}`).join("; "),
        wrong,
      );
    }
    const question = {
      account,
      sender: from,
      recipients: to.filter((mailbox) => mailbox !== null),
      sizeBytes: size,
      at,
    };
    const outcome = await dryRun(sources, question);
    return outcome === undefined ? problem(c, "not-found", noSuchAccount) : c.json(show(outcome), 200);
  });
};
