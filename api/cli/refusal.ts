/** How trouble is told: what is wrong, what the API says of it, and what to do. Pure. */
import type { Problem } from "./api.ts";
import { type Look, show } from "./render.ts";

/** What to do where the command knows nothing better. */
function generalAdvice(status: number): string | null {
  if (status === 401) {
    return "Set MAILHOP_API_TOKEN to the server's token (it is in the file admin-token of its data directory), or to a key.";
  }
  if (status === 403) {
    return "This needs a token that may do it in MAILHOP_API_TOKEN: the operator's, or a key with the scope.";
  }
  if (status === 429) return "Wait a little, then run it again.";
  if (status >= 500) return "The trouble is on the server's side: see its log, then run it again.";
  return null;
}

/** The API said no. */
export function refusalText(look: Look, problem: Problem, advice: string | null): string {
  const lines = [show(look, { text: problem.title, style: "bad" })];
  if (problem.detail !== null && problem.detail !== problem.title) lines.push(show(look, problem.detail));
  const what = advice ?? generalAdvice(problem.status);
  if (what !== null) lines.push(show(look, what));
  return lines.join("\n");
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
