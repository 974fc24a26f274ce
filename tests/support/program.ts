/** A program of this machine, run to its end within a deadline. */
import { find } from "./installed.ts";

/** For a whole dialogue with the relay, on a busy machine. */
const DEADLINE_MS = 30_000;

export interface ProgramRun {
  readonly code: number;
  /** What it printed: standard output, then standard error. */
  readonly output: string;
}

/** @param input what it reads from its standard input. */
export async function runProgram(
  program: string,
  args: readonly string[],
  input = "",
  env: Readonly<Record<string, string>> = {},
): Promise<ProgramRun> {
  const process = new Deno.Command(find(program) ?? program, {
    args: [...args],
    env: { ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(DEADLINE_MS),
  }).spawn();
  const writing = writeInput(process.stdin, input);
  const { code, stdout, stderr } = await process.output();
  await writing;
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function writeInput(stdin: WritableStream<Uint8Array>, input: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  } catch (error) {
    // A program that fails early does not read it all; its exit code and words tell why.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
