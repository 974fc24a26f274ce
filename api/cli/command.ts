/**
 * What a command is: a function from its surroundings to an outcome, which the one place that prints (run.ts) shows.
 *
 * Commands print nothing themselves, so `--json`, colours and exit codes are the same for all.
 */
import type { Client } from "../client.ts";
import type { Answer, Problem } from "./api.ts";
import type { RandomBytes } from "./password.ts";
import type { Look } from "./render.ts";
import type { Terminal } from "./terminal.ts";

export interface Context {
  readonly api: Client;
  readonly terminal: Terminal;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly randomBytes: RandomBytes;
  /** Lets so many ms go by. */
  readonly pause: (ms: number) => Promise<void>;
}

export type Command = (context: Context) => Promise<Outcome>;

/** A command that needs a file, which is read before anybody is asked anything. */
export interface FileCommand {
  readonly file: string;
  readonly with: (octets: Uint8Array<ArrayBuffer>) => Command;
}

/** A command that may be given its token, where others are told to set it. */
export interface TokenCommand {
  /** From where; "ask": only where none is set, on a terminal. */
  readonly token: "ask" | "stdin";
  readonly with: Command;
}

export type Outcome =
  | {
    readonly kind: "done";
    /** The API's JSON, for `--json`. */
    readonly json: string;
    /** The same for people. */
    readonly text: (look: Look) => string;
    /** What `--json` has no place for and must not be lost: a password that was made here. */
    readonly aside?: string;
  }
  | { readonly kind: "refused"; readonly problem: Problem; readonly advice: Words | null }
  /** The command cannot be run as it was given. */
  | { readonly kind: "misused"; readonly why: string };

/** What to do; or what the operator can do, where it is nothing that an account's key may. */
export type Words = string | { readonly operator: string };

/** What to do about a refusal, by HTTP status; the advice that holds for every command is in refusal.ts. */
export type Advice = Readonly<Partial<Record<number, Words>>>;

/** The outcome of a command that is one call. */
export function outcome<Body>(
  answer: Answer<Body>,
  text: (body: Body, look: Look) => string,
  advice: Advice = {},
): Outcome {
  if (!answer.ok) return { kind: "refused", problem: answer.problem, advice: advice[answer.problem.status] ?? null };
  return { kind: "done", json: answer.json, text: (look) => text(answer.body, look) };
}
