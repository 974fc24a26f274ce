/** How trouble is told: what is wrong, what the API says of it, and what to do. Pure. */
import type { Problem } from "./api.ts";
import type { Words } from "./command.ts";
import { type Look, show } from "./render.ts";

/** What was run, as far as the words go by it. */
export interface Ran {
  readonly args: readonly string[];
  /** Whether with an account's key, and not with the operator's token. */
  readonly withKey: boolean;
}

/** What to do where the command knows nothing better. */
function generalAdvice({ status, name }: Problem): string | null {
  if (status === 401) {
    return "Set MAILHOP_API_TOKEN to the server's token (it is in the file admin-token of its data directory), or to a key.";
  }
  if (name === "operator-only") return "This needs the operator's token in MAILHOP_API_TOKEN.";
  if (status === 403) {
    return "This needs a token that may do it in MAILHOP_API_TOKEN: the operator's, or a key with the scope.";
  }
  if (status === 429) return "Wait a little, then run it again.";
  if (status >= 500) return "The trouble is on the server's side: see its log, then run it again.";
  return null;
}

/** The API said no. */
export function refusalText(look: Look, problem: Problem, advice: Words | null, ran: Ran): string {
  const detail = detailText(problem, ran);
  const lines = [show(look, { text: problem.title, style: "bad" })];
  if (detail !== null && detail !== problem.title) lines.push(show(look, detail));
  const own = advice === null || typeof advice === "string" ? advice : ran.withKey ? null : advice.operator;
  const what = own ?? generalAdvice(problem);
  if (what !== null) lines.push(show(look, what));
  return lines.join("\n");
}

/** What came with an option bears the option's name, and not that of the API's field. */
function detailText({ detail, errors }: Problem, { args }: Ran): string | null {
  if (errors === undefined) return detail;
  return errors.map(({ field, expected }) => {
    const option = `--${field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const isGiven = args.some((arg) => arg === option || arg.startsWith(`${option}=`));
    return `${isGiven ? option : field}: ${expected}`;
  }).join("; ");
}

/** The API did not answer. */
export function unreachableText(look: Look, url: string, why: string): string {
  return [
    show(look, { text: `The API at ${url} cannot be reached`, style: "bad" }),
    show(look, why),
    "Start the server with: npx -y deno@2.9.6 task start",
    "If it runs elsewhere, set MAILHOP_API_URL (and MAILHOP_API_TOKEN).",
  ].join("\n");
}
