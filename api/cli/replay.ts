/**
 * The replay behind `mailhop policy replay`: fetches recorded decisions page by page and decides them again here. The API
 * only gives them out. Memory is bounded by a page; what is kept of the rest is a count for each way of differing.
 */
import {
  BadChunk,
  type Change,
  checkModule,
  chunkFromJson,
  PARAMETER_NAMES,
  parameterMistake,
  type ParameterName,
  type Parameters,
  PolicyFault,
  reasonName,
  Replay,
} from "../../policy/mod.ts";
import { ask, askOctets, type Problem } from "./api.ts";
import type { Context, Outcome } from "./command.ts";
import { amount, bar, type Look, table } from "./render.ts";
import type { Assignment } from "./value_parsers.ts";
import { absolute } from "./when.ts";

export interface Wanted {
  /** RFC 3339. */
  readonly since: string;
  readonly until: string | undefined;
  /** Parameters that are to be other than they were. */
  readonly assignments: readonly Assignment[];
}

/** How often something would be decided otherwise in one way, and the first time that it was. */
interface Difference {
  readonly stage: string;
  readonly was: string;
  readonly would: string;
  readonly count: number;
  readonly example: { readonly at: string; readonly account: string | null };
}

interface Replayed {
  readonly decisions: number;
  readonly changed: number;
  /** The most frequent first. */
  readonly differences: readonly Difference[];
  readonly ms: number;
}

/** @param given octets of the module; null: those of the active one. */
export async function replayed(
  context: Context,
  wanted: Wanted,
  given: Uint8Array<ArrayBuffer> | null,
): Promise<Outcome> {
  const mistake = mistakeIn(wanted.assignments);
  if (mistake !== null) return { kind: "misused", why: mistake };
  const found = given === null ? await activeModule(context) : { ok: true as const, octets: given };
  if (!found.ok) return refused(found.problem);
  const wrong = checkModule(found.octets);
  if (wrong.length > 0) return notUsable(wrong.join(" "));
  const parameters = Object.fromEntries(wanted.assignments.map(({ name, value }) => [name, value]));
  try {
    return await decideAll(context, wanted, new Replay(found.octets, parameters as Partial<Parameters>));
  } catch (error) {
    if (error instanceof PolicyFault) return notUsable(`It fails on what was recorded: ${error.message}.`);
    if (error instanceof BadChunk) {
      return refused({ status: 500, title: "What was recorded is damaged", detail: error.message });
    }
    throw error;
  } finally {
    context.terminal.status("");
  }
}

function mistakeIn(assignments: readonly Assignment[]): string | null {
  for (const { name, value } of assignments) {
    if (!(PARAMETER_NAMES as string[]).includes(name)) {
      return `There is no parameter ${name}. Those there are: mailhop policy parameters`;
    }
    const mistake = parameterMistake(name as ParameterName, value);
    if (mistake !== null) return `${name}=${value}: ${mistake}`;
  }
  return null;
}

async function activeModule({ api }: Context) {
  const policy = await ask(api.v1.policy.$get());
  if (!policy.ok) return policy;
  const { hash } = policy.body.active;
  return await askOctets(api.v1.policy.modules[":hash"].$get({ param: { hash } }));
}

async function decideAll({ api, now, terminal }: Context, { since, until }: Wanted, replay: Replay): Promise<Outcome> {
  const began = now();
  const tally = new Tally();
  let cursor: string | undefined;
  do {
    const answer = await ask(api.v1.policy.decisions.$get({ query: { since, until, cursor } }));
    if (!answer.ok) return refused(answer.problem);
    const { items, total, next } = answer.body;
    for (const item of items) {
      tally.add(item.count, replay.changes(chunkFromJson(item)));
      terminal.status(`${bar(tally.decisions, total)} ${tally.decisions} of ${amount(total, "decision")}`);
    }
    cursor = next ?? undefined;
  } while (cursor !== undefined);
  const result = tally.result(now() - began);
  return { kind: "done", json: JSON.stringify(result), text: (look) => resultText(result, look) };
}

class Tally {
  #decisions = 0;
  #changed = 0;
  readonly #differences = new Map<string, Difference>();

  get decisions(): number {
    return this.#decisions;
  }

  add(decided: number, changes: readonly Change[]): void {
    this.#decisions += decided;
    this.#changed += changes.length;
    for (const { decision, would } of changes) {
      const key = `${decision.stage} ${decision.reason} ${would.reason}`;
      const known = this.#differences.get(key);
      this.#differences.set(key, known === undefined ? firstOf(decision, would) : { ...known, count: known.count + 1 });
    }
  }

  result(ms: number): Replayed {
    const differences = [...this.#differences.values()].toSorted((a, b) => b.count - a.count);
    return { decisions: this.#decisions, changed: this.#changed, differences, ms };
  }
}

function firstOf(decision: Change["decision"], would: Change["would"]): Difference {
  return {
    stage: decision.stage,
    was: reasonName(decision.reason),
    would: reasonName(would.reason),
    count: 1,
    example: { at: absolute(new Date(decision.at).toISOString()), account: decision.account },
  };
}

function resultText({ decisions, changed, differences, ms }: Replayed, look: Look): string {
  const total = `${amount(decisions, "decision")} decided again in ${(ms / 1000).toFixed(1)} s; ` +
    `${changed === 0 ? "none" : changed.toLocaleString("en-US")} would change.`;
  if (differences.length === 0) return total;
  const rows = differences.map(({ stage, was, would, count, example: { at, account } }) => [
    stage,
    was,
    // A reason has figures: a limit, a time.
    was === would ? `${would} with other figures` : would,
    count.toLocaleString("en-US"),
    account === null ? at : `${at} ${account}`,
  ]);
  const columns = [
    { head: "STAGE" },
    { head: "WAS" },
    { head: "WOULD BE" },
    { head: "COUNT", align: "right" as const },
    { head: "EXAMPLE" },
  ];
  return `${table(look, columns, rows)}\n\n${total}`;
}

const refused = (problem: Problem): Outcome => ({ kind: "refused", problem, advice: null });

const notUsable = (detail: string): Outcome => refused({ status: 422, title: "The module may not decide", detail });
