/** Runs a command as a person at a terminal would, who types a line at each prompt. Needs util-linux's `script`. */
import { ROOT } from "./relay_process.ts";
import { environmentWithoutSettings } from "./environment.ts";

const encoder = new TextEncoder();
const PASSWORD_PROMPT = /(?:password|again)[^\r\n]*: ?$/i;

/**
 * @param command for the shell, in the project's folder.
 * @param answers what is typed when a prompt has come, in turn.
 * @param prompt what the screen ends with when it waits for an answer; unless told, that of a password.
 * @returns what stood on the screen. @throws {Error} the command failed
 */
export async function atTerminal(
  command: string,
  answers: readonly string[],
  prompt = PASSWORD_PROMPT,
): Promise<string> {
  await using process = new Deno.Command("script", {
    args: ["--quiet", "--return", "--command", command, "/dev/null"],
    cwd: ROOT,
    clearEnv: true,
    env: environmentWithoutSettings(),
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const keyboard = process.stdin.getWriter();
  const waiting = [...answers];
  let screen = "", unanswered = "";
  for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
    screen += text;
    unanswered += text;
    if (!prompt.test(unanswered)) continue;
    unanswered = "";
    const answer = waiting.shift();
    if (answer === undefined) throw new Error(`one prompt too many:\n${screen}`);
    await keyboard.write(encoder.encode(`${answer}\n`));
  }
  await keyboard.close();
  const { code } = await process.status;
  if (code !== 0) throw new Error(`exit code ${code}:\n${screen}`);
  return screen;
}
