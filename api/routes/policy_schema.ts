/** The public API's words for the policy: what holds, parameters, changes, verdicts. */
import { z } from "@hono/zod-openapi";
import {
  PARAMETER_NAMES,
  type ParameterName,
  PARAMETERS,
  type Parameters,
  reasonName,
  type Refusal,
  STAGE_NAMES,
  type Verdict,
} from "../../policy/mod.ts";
import type { PolicyChangeRow } from "../store/schema.ts";
import { rfc3339 } from "../utc_day.ts";
import { timeSchema } from "./router.ts";

const HASH = /^[0-9a-f]{64}$/;
const EXAMPLE_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/** A module by its hash, or the program's own. */
export const moduleName = z.string().refine(
  (text) => text === "own" || HASH.test(text),
  "expected the SHA-256 of a module's octets in hex, or `own` for the program's own",
).openapi({ example: EXAMPLE_HASH });

const hash = z.string().openapi({ description: "SHA-256 of the module's octets", example: EXAMPLE_HASH });
const own = z.boolean().openapi({ description: "Whether it is the program's own" });

const moduleSchema = z.object({ hash, own });

const stage = z.enum(STAGE_NAMES as [typeof STAGE_NAMES[number], ...typeof STAGE_NAMES]);
const reason = (example: string) => z.string().openapi({ description: "`accepted`, or why not", example });

export const parameterSchema = z.object({
  name: z.string().openapi({ example: "maxRecipients" }),
  value: z.int(),
  default: z.int().openapi({ description: "Of the settings: what holds unless it is set here" }),
  isSet: z.boolean(),
  least: z.int(),
  most: z.int(),
  unit: z.string().openapi({ example: "recipients" }),
  meaning: z.string().openapi({ example: "of one message" }),
}).openapi("Parameter");

/** @param set those that the operator set. */
export const showParameters = (
  set: { readonly [Name in ParameterName]?: number },
  settings: Parameters,
): z.infer<typeof parameterSchema>[] =>
  PARAMETER_NAMES.map((name) => {
    const { least, most, unit, meaning } = PARAMETERS[name];
    const value = set[name] ?? settings[name];
    return { name, value, default: settings[name], isSet: set[name] !== undefined, least, most, unit, meaning };
  });

export const policySchema = z.object({
  abi: z.int().openapi({ description: "Version of the ABI that modules must keep", example: 1 }),
  version: z.int().openapi({ description: "One more with each change" }),
  active: moduleSchema.extend({ since: timeSchema.nullable().openapi({ description: "null: since the first start" }) }),
  shadow: moduleSchema.extend({
    compared: z.int().openapi({ description: "Decisions of the active module that it was asked for too" }),
    left: z.int().openapi({ description: "Decisions that were not compared, for lack of time" }),
    differences: z.array(z.object({
      stage,
      was: reason("accepted"),
      would: reason("quota-exceeded"),
      count: z.int(),
    })).openapi({ description: "What it would have decided otherwise, the most frequent first" }),
  }).nullable(),
  lastGood: moduleSchema.openapi({ description: "What a roll back, or a failure of the active module, leads to" }),
  parameters: z.array(parameterSchema),
  nodes: z.array(z.object({
    node: z.string().openapi({ example: "mx1" }),
    version: z.int(),
    module: hash,
    upToDate: z.boolean().openapi({ description: "Whether it decides by what holds now" }),
    seenAt: timeSchema,
    dropped: z.int().openapi({ description: "Decisions that could not be recorded since its start" }),
  })).openapi({ description: "Nodes that were heard of within the last minute; each asks every second" }),
}).openapi("Policy");

export const changeSchema = z.object({
  version: z.int(),
  at: timeSchema,
  who: z.string().openapi({ description: "`operator`, or the node where a module failed", example: "operator" }),
  what: z.enum(["beginning", "activate", "shadow", "parameters", "roll back", "fault"]),
  detail: z.string().nullable().openapi({ example: "maxRecipients 50" }),
  active: moduleName.openapi({ description: "What has held from then on" }),
  shadow: moduleName.nullable(),
  parameters: z.record(z.string(), z.int()).openapi({
    description: "Those that were set",
    example: { maxRecipients: 50 },
  }),
}).openapi("PolicyChange");

export const showChange = (row: PolicyChangeRow): z.infer<typeof changeSchema> => ({
  version: row.version,
  at: rfc3339(row.at),
  who: row.who,
  what: row.what,
  detail: row.detail,
  active: row.active ?? "own",
  shadow: row.shadow,
  parameters: JSON.parse(row.parameters),
});

const verdictSchema = z.object({
  reason: reason("quota-exceeded"),
  data: z.record(z.string(), z.union([z.number(), z.string(), z.null()])).openapi({
    description: "What is particular to the reason: figures, and times in RFC 3339",
    example: { used: 150, limit: 150, need: 1, resetsAt: "2026-11-24T00:00:00Z", pendingActivatesAt: null },
  }),
});

export const showVerdict = ({ reason, ...data }: Verdict): z.infer<typeof verdictSchema> => {
  const shown = (name: string, value: number | string | null) =>
    typeof value === "number" && name.endsWith("At") ? rfc3339(value) : value;
  const entries = Object.entries<number | string | null>(data).map(([name, value]) => [name, shown(name, value)]);
  return { reason: reasonName(reason), data: Object.fromEntries(entries) };
};

const replySchema = z.object({
  code: z.int().openapi({ example: 451 }),
  status: z.string().openapi({ example: "4.7.1" }),
  text: z.string().openapi({
    example: "Daily relay quota exceeded: 150 of 150 used, this needs 1; resets at 2026-11-24T00:00:00Z",
  }),
}).nullable().openapi({ description: "What the client is told; null: it is accepted" });

const step = verdictSchema.extend({
  stage,
  subject: z.string().nullable().openapi({ description: "The address that it is about", example: "bob@example.net" }),
  reply: replySchema,
});

export const evaluationSchema = z.object({
  at: timeSchema,
  module: moduleSchema,
  price: z.int().openapi({
    description: "Relays for the recipients that would be accepted, or for all where it does not come to them",
  }),
  accepted: z.array(z.string()).openapi({ description: "The recipients that would be accepted" }),
  outcome: step.nullable().openapi({
    description: "The refusal that ends it; null: the message is accepted, for the recipients that are",
  }),
  steps: z.array(step.extend({
    rules: z.array(verdictSchema.extend({ rule: z.string().openapi({ example: "brake" }) })).openapi({
      description: "What each rule says for itself; the first that refuses is the verdict",
    }),
  })),
}).openapi("Evaluation");

type Step = z.infer<typeof step>;

export const showStep = (
  { stage, subject, verdict, refusal }: {
    readonly stage: Step["stage"];
    readonly subject: string | null;
    readonly verdict: Verdict;
    readonly refusal: Refusal | null;
  },
): Step => ({ stage, subject, ...showVerdict(verdict), reply: refusal });
