/**
 * Runs one command line from its arguments to its exit code.
 *
 * Here alone something is printed: answers on the standard output, all else on the standard error output. Everything
 * of the process comes as a parameter, so that tests run whole commands in their own process.
 */
import { createClient, type Fetch } from "../client.ts";
import { KEY_PREFIX } from "../key_prefix.ts";
import { ApiUnreachable, withDeadline } from "./api.ts";
import type { Command, Context, FileCommand, Outcome, TokenCommand } from "./command.ts";
import { parseCommandLine } from "./command_line.ts";
import { type Ran, refusalText, unreachableText } from "./refusal.ts";
import type { RandomBytes } from "./password.ts";
import type { Look } from "./render.ts";
import { type GivenToken, readSettings, type Surroundings } from "./settings.ts";
import type { Terminal } from "./terminal.ts";

/** Exit codes: programs rely on them. */
export const EXIT = {
  done: 0,
  /** The API said no. */
  refused: 1,
  /** Wrong use: arguments, settings, a password that was not given. */
  misused: 2,
  /** The API was not reached. */
  unreachable: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface World extends Surroundings {
  readonly terminal: Terminal;
  readonly fetch: Fetch;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly randomBytes: RandomBytes;
  /** Lets so many ms go by. */
  readonly pause: (ms: number) => Promise<void>;
  /** As Deno.readFile. */
  readonly readFile: (path: string) => Promise<Uint8Array<ArrayBuffer>>;
  /** Gives up the right to read files: all that is needed is read. */
  readonly endReading: () => void;
}

export async function run(args: readonly string[], world: World): Promise<ExitCode> {
  const { terminal, now, randomBytes, pause } = world;
  const parsed = parseCommandLine(args, terminal);
  if (parsed.kind === "help") {
    terminal.out(parsed.text);
    return EXIT.done;
  }
  if (parsed.kind === "wrong") return misused(terminal, parsed.text);
  const opened = await open(parsed.command, world);
  if (typeof opened === "string") return misused(terminal, opened);
  const settings = await readSettings(world, await tokenFor(parsed.command, terminal));
  world.endReading();
  if (!settings.ok) return misused(terminal, settings.why);

  const { url, token } = settings.connection;
  const api = createClient(withDeadline(world.fetch), token, url);
  const context: Context = { api, terminal, now, randomBytes, pause };
  const look: Look = { colours: terminal.colours, columns: terminal.columns, now: now() };
  try {
    const ran: Ran = { args, withKey: token.startsWith(KEY_PREFIX) };
    return report(await opened(context), parsed.json, terminal, look, ran);
  } catch (trouble) {
    if (!(trouble instanceof ApiUnreachable)) throw trouble;
    terminal.err(unreachableText(look, url, trouble.message));
    return EXIT.unreachable;
  }
}

async function tokenFor(
  command: Command | FileCommand | TokenCommand,
  terminal: Terminal,
): Promise<GivenToken | undefined> {
  if (!("token" in command)) return undefined;
  const given = command.token === "stdin" ? (await terminal.readAll())?.trim() ?? null : null;
  return {
    given,
    ask: async () => {
      if (!terminal.interactive) return null;
      const line = await terminal.askHidden("Key of the account, or the operator's token (it is not shown): ");
      return line.kind === "line" ? line.text.trim() : null;
    },
  };
}

/** The command with its file, if it needs one; or what is wrong with the file. */
async function open(command: Command | FileCommand | TokenCommand, { readFile }: World): Promise<Command | string> {
  if ("token" in command) return command.with;
  if (!("file" in command)) return command;
  try {
    return command.with(await readFile(command.file));
  } catch (trouble) {
    if (trouble instanceof Deno.errors.NotFound) return `${command.file} does not exist`;
    const isForbidden = trouble instanceof Deno.errors.PermissionDenied || trouble instanceof Deno.errors.NotCapable;
    if (isForbidden || trouble instanceof Deno.errors.IsADirectory) return `${command.file} may not be read as a file`;
    throw trouble;
  }
}

function report(outcome: Outcome, json: boolean, terminal: Terminal, look: Look, ran: Ran): ExitCode {
  switch (outcome.kind) {
    case "done":
      if (!json) terminal.out(outcome.text(look));
      else if (outcome.json !== "") terminal.out(outcome.json);
      if (outcome.aside !== undefined) (json ? terminal.err : terminal.out)(outcome.aside);
      return EXIT.done;
    case "refused":
      terminal.err(refusalText(look, outcome.problem, outcome.advice, ran));
      return EXIT.refused;
    case "misused":
      return misused(terminal, outcome.why);
  }
}

function misused(terminal: Terminal, why: string): ExitCode {
  terminal.err(why);
  return EXIT.misused;
}
