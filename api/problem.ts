/**
 * Every refusal and failure of the API, as problem details (RFC 9457).
 *
 * One catalogue: name → status and title. A handler names a problem and says what is particular to this one; the name
 * is the last part of `type` and stays stable.
 */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { ZodError } from "zod";
import { expectedWords } from "./expected_words.ts";

export const PROBLEMS = {
  "invalid-request": { status: 400, title: "The request is not valid" },
  "unauthorized": { status: 401, title: "A valid bearer token is needed" },
  "login-failed": { status: 401, title: "Wrong username or password" },
  "operator-only": { status: 403, title: "This is for the operator alone" },
  "scope-missing": { status: 403, title: "The API key may not do this" },
  "not-its-node": { status: 403, title: "The node belongs to another machine" },
  "not-found": { status: 404, title: "There is no such thing" },
  "method-not-allowed": { status: 405, title: "The path does not take this method" },
  "username-taken": { status: 409, title: "The username is taken" },
  "network-taken": { status: 409, title: "The network belongs to an account already" },
  "domain-taken": { status: 409, title: "The domain belongs to another account" },
  "domain-claimed": { status: 409, title: "The account has claimed the domain already" },
  "no-doors": { status: 409, title: "The node lets nobody in" },
  "domain-unverified": { status: 409, title: "The claim is not verified" },
  "ends-earlier": { status: 409, title: "The block ends earlier" },
  "no-module-before": { status: 409, title: "There is no module to go back to" },
  "limit-reached": { status: 409, title: "The account has as many of these as it may" },
  "changed-since": { status: 412, title: "It was changed by somebody else" },
  "body-too-large": { status: 413, title: "The request body is too large" },
  "unsupported-media-type": { status: 415, title: "The request body is of another type" },
  "network-too-wide": { status: 422, title: "The network is very wide" },
  "idempotency-key-reused": { status: 422, title: "The idempotency key was used for something else" },
  "module-refused": { status: 422, title: "The module may not decide" },
  "proof-missing": { status: 422, title: "The DNS record is not there" },
  "too-many-requests": { status: 429, title: "Too many requests: slow down" },
  "internal": { status: 500, title: "The service failed" },
  // 503 would say that others are answered no better: a node turns away from a control plane that says so.
  "policy-fault": { status: 500, title: "The policy's module failed: try again" },
  "busy": { status: 503, title: "The service is busy: try again" },
  "database-unavailable": { status: 503, title: "The database does not answer: try again" },
  "counters-unavailable": { status: 503, title: "The counters do not answer: try again" },
  "dns-failed": { status: 503, title: "The DNS could not be asked: try again" },
} as const;

export type ProblemName = keyof typeof PROBLEMS;
type StatusOf<Name extends ProblemName> = (typeof PROBLEMS)[Name]["status"];

export const PROBLEM_JSON = "application/problem+json";

export const problemSchema = z.object({
  type: z.string().openapi({ description: "Stable name of the problem", example: "/problems/not-found" }),
  title: z.string(),
  status: z.int(),
  detail: z.string().openapi({ description: "What is wrong here, and what to do" }),
  errors: z.array(z.object({ field: z.string(), expected: z.string() })).optional()
    .openapi({
      description: "For an invalid request: each field with what was expected of it, or what is wrong with it",
    }),
}).openapi("Problem");

type FieldError = NonNullable<z.infer<typeof problemSchema>["errors"]>[number];

/** Answers with the problem `name`. */
export const problem = <Name extends ProblemName>(
  c: Context,
  name: Name,
  detail: string,
  errors?: FieldError[],
) => {
  const { title } = PROBLEMS[name];
  const status: StatusOf<Name> = PROBLEMS[name].status;
  const body: z.infer<typeof problemSchema> = { type: `/problems/${name}`, title, status, detail };
  return c.json(errors === undefined ? body : { ...body, errors }, status, { "content-type": PROBLEM_JSON });
};

// Of the whole process, which has no schemas but the API's.
z.config({ localeError: expectedWords });

/** Answers a request that its schema refused: each field, and what was expected. `part` is json, query or param. */
export const invalidRequest = (c: Context, part: string, error: ZodError) => {
  const errors = error.issues.flatMap((issue) => {
    // Each field that is not known is one for itself.
    const fields = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    return fields.map((path) => ({
      field: path.length > 0 ? path.map(String).join(".") : part === "json" ? "body" : part,
      expected: issue.message,
    }));
  });
  const detail = errors.map(({ field, expected }) => `${field}: ${expected}`).join("; ");
  return problem(c, "invalid-request", detail, errors);
};

type ProblemResponses<Name extends ProblemName> = {
  [Each in Name as StatusOf<Each>]: {
    description: string;
    content: { "application/problem+json": { schema: typeof problemSchema } };
  };
};

/** The entries of `names` for a route's `responses` in the OpenAPI document, with an example of each problem. */
export const problemResponses = <Name extends ProblemName>(...names: Name[]): ProblemResponses<Name> => {
  const byStatus = Map.groupBy(names, (name) => PROBLEMS[name].status);
  return Object.fromEntries([...byStatus].map(([status, names]) => [status, {
    description: names.map((name) => PROBLEMS[name].title).join(", or: "),
    content: { [PROBLEM_JSON]: { schema: problemSchema, examples: examplesOf(names) } },
  }])) as unknown as ProblemResponses<Name>;
};

const examplesOf = (names: readonly ProblemName[]) =>
  Object.fromEntries(names.map((name) => {
    const { status, title } = PROBLEMS[name];
    return [name, { summary: title, value: { type: `/problems/${name}`, title, status, detail: `${title}: …` } }];
  }));
