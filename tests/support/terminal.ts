/** Runs a command as a person at a terminal would, who types a line at each prompt. Needs util-linux's `script`. */
import { ROOT } from "./relay_process.ts";
import { environmentWithoutSettings } from "./start_process.ts";

const encoder = new TextEncoder();

/**
 * @param command for the shell, in the project's folder.
 * @param answers what is typed when a prompt for a password has come, in turn.
 * @returns what stood on the screen. @throws {Error} the command failed
 */
export async function atTerminal(command: string, answers: readonly string[]): Promise<string> {
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
    if (!/(?:password|again)[^\r\n]*: ?$/i.test(unanswered)) continue;
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
