/**
 * The HTTP side: one call of the typed client made into an answer, a refusal, or the fact that nobody answered.
 *
 * A refusal of the API (RFC 9457) is a value. `ApiUnreachable` alone is thrown: no answer, or none that is the API's.
 */
import type { ClientResponse, InferResponseType } from "hono/client";
import type { SuccessStatusCode } from "hono/utils/http-status";
import type { Client, Fetch } from "../client.ts";

type Accounts = Client["v1"]["accounts"];
type Messages = Client["v1"]["messages"];
type PolicyApi = Client["v1"]["policy"];

/** What the API tells of each thing. */
export type Account = InferResponseType<Accounts[":username"]["$get"], 200>;
export type ApiKey = InferResponseType<Accounts[":username"]["keys"]["$get"], 200>["items"][number];
export type AppPassword = InferResponseType<Accounts[":username"]["passwords"]["$get"], 200>["items"][number];
export type Block = InferResponseType<Accounts[":username"]["blocks"]["$post"], 201>;
export type Quota = InferResponseType<Accounts[":username"]["quota"]["$get"], 200>;
export type Day = InferResponseType<Accounts[":username"]["usage"]["$get"], 200>["items"][number];
export type Network = InferResponseType<Accounts[":username"]["networks"]["$post"], 201>;
export type Domain = InferResponseType<Accounts[":username"]["domains"]["$post"], 201>;
export type CheckedDomain = InferResponseType<Accounts[":username"]["domains"][":domain"]["$get"], 200>;
export type ClientSettings = InferResponseType<Accounts[":username"]["client-settings"]["$get"], 200>;
export type Finding = InferResponseType<Client["v1"]["doctor"]["$get"], 200>["items"][number];
export type DkimKeys = InferResponseType<Accounts[":username"]["domains"][":domain"]["dkim"]["$get"], 200>;
export type Suppressions = InferResponseType<Accounts[":username"]["suppressions"]["$get"], 200>;
export type MessageHistory = InferResponseType<Messages[":id"]["$get"], 200>;
export type Message = Omit<MessageHistory, "events">;
export type HistoryEvent = MessageHistory["events"][number];
export type RelayToken = InferResponseType<Client["v1"]["relay-tokens"]["$get"], 200>["items"][number];
export type AuditEntry = InferResponseType<Client["v1"]["audit"]["$get"], 200>["items"][number];
export type Policy = InferResponseType<PolicyApi["$get"], 200>;
export type Parameter = Policy["parameters"][number];
export type PolicyChange = InferResponseType<PolicyApi["history"]["$get"], 200>["items"][number];
export type Evaluation = InferResponseType<PolicyApi["evaluate"]["$post"], 200>;
export type QueueJob = InferResponseType<Client["v1"]["queue"]["jobs"][":id"]["$get"], 200>;
export type Node = InferResponseType<Client["v1"]["nodes"]["$get"], 200>["items"][number];
export type Notice = InferResponseType<Client["v1"]["notices"]["$get"], 200>["items"][number];

/** RFC 9457 problem details, as far as the tool shows them. */
export interface Problem {
  readonly status: number;
  /** Stable; not there where the tool itself says it. */
  readonly name?: string;
  readonly title: string;
  readonly detail: string | null;
  /** Of a request that was not valid: each field, and what was expected. */
  readonly errors?: readonly FieldError[];
}

interface FieldError {
  readonly field: string;
  readonly expected: string;
}

interface Refused {
  readonly ok: false;
  readonly problem: Problem;
}

export type Answer<Body> =
  /** `json` is what the API sent, to the letter; "" where it sent nothing (204). */
  | { readonly ok: true; readonly body: Body; readonly json: string }
  | Refused;

/** What a call answers when it succeeds: the bodies of its 2xx responses. */
export type BodyOf<Response> = Response extends ClientResponse<infer Body, infer Status, infer _Format>
  ? Status extends SuccessStatusCode ? Body : never
  : never;

/** Nobody answered in time, or somebody who is not the MailHop API. */
export class ApiUnreachable extends Error {
  override readonly name = "ApiUnreachable";
}

/** Longer than the API takes for anything; a server that hangs is one that cannot be reached. */
const API_DEADLINE_MS = 30_000;

/** `fetch` with a deadline for the whole answer. */
export const withDeadline = (fetch: Fetch): Fetch => (input, init) =>
  fetch(input, { ...init, signal: AbortSignal.timeout(API_DEADLINE_MS) });

/**
 * A value as one segment of a path. The typed client puts what it gets into the URL as it is, and a "/" or "?" in a
 * username would make it another route.
 */
export const segment = (value: string): string => encodeURIComponent(value);

/** Awaits a call of the typed client. @throws {ApiUnreachable} */
export async function ask<Response extends ClientResponse<unknown, number, string>>(
  call: Promise<Response>,
): Promise<Answer<BodyOf<Response>>> {
  const { status, ok, body: text } = await receive(call, (response) => response.text());
  const body = parse(text);
  if (ok && body !== undefined) return { ok, body: body as BodyOf<Response>, json: text.trim() };
  return refusalIn(ok ? undefined : body, status);
}

/** The same for a call that is answered with octets. */
export async function askOctets(
  call: Promise<ClientResponse<unknown, number, string>>,
): Promise<{ readonly ok: true; readonly octets: Uint8Array<ArrayBuffer> } | Refused> {
  const { status, ok, body } = await receive(call, (response) => response.arrayBuffer());
  if (ok) return { ok, octets: new Uint8Array(body) };
  return refusalIn(parse(new TextDecoder().decode(body)), status);
}

function refusalIn(body: unknown, status: number): Refused {
  const problem = parseProblem(body, status);
  if (problem !== null) return { ok: false, problem };
  throw new ApiUnreachable(`what answered (HTTP status ${status}) is not the MailHop API`);
}

type AnyResponse = ClientResponse<unknown, number, string>;

async function receive<Body>(call: Promise<AnyResponse>, read: (response: AnyResponse) => Promise<Body>) {
  try {
    const response = await call;
    return { status: response.status, ok: response.ok, body: await read(response) };
  } catch (trouble) {
    throw new ApiUnreachable(trouble instanceof Error ? trouble.message : String(trouble), { cause: trouble });
  }
}

/** undefined where it is no JSON; null for an empty body. */
function parse(text: string): unknown {
  if (text.trim() === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** RFC 9457 3.1; null where it is none. */
function parseProblem(body: unknown, status: number): Problem | null {
  if (typeof body !== "object" || body === null) return null;
  const { type, title, detail, errors } = body as Record<string, unknown>;
  if (typeof title !== "string") return null;
  return {
    status,
    title,
    detail: typeof detail === "string" ? detail : null,
    ...(typeof type === "string" && { name: type.slice(type.lastIndexOf("/") + 1) }),
    // As the API's schema has them.
    ...(Array.isArray(errors) && { errors: errors as FieldError[] }),
  };
}
