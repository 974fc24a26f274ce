/** `deno task backup` and `deno task restore`, as an operator runs them. */
import { ROOT } from "./relay_process.ts";
import { environmentWithoutSettings } from "./environment.ts";

export interface TaskRun {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

export interface TaskOptions {
  readonly dataDir: string;
  /** Settings beside it. */
  readonly settings?: Record<string, string>;
  /** Its own error output says this: it is killed at once. */
  readonly killAt?: string;
}

export async function runTask(which: "backup" | "restore", args: string[], options: TaskOptions): Promise<TaskRun> {
  const { dataDir, settings = {}, killAt } = options;
  await using process = new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", which, ...args],
    cwd: ROOT,
    clearEnv: true,
    env: { ...environmentWithoutSettings(), ...settings, MAILHOP_DATA_DIR: dataDir },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const printed = new Response(process.stdout).text();
  let errors = "";
  for await (const text of process.stderr.pipeThrough(new TextDecoderStream())) {
    errors += text;
    if (killAt !== undefined && errors.includes(killAt)) killTree(process.pid);
  }
  const { code } = await process.status;
  return { code, output: await printed, errors };
}

/** The task runner and what it runs. */
function killTree(pid: number): void {
  const children = Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter((id) =>
    id !== ""
  );
  for (const id of [...children.map(Number), pid]) Deno.kill(id, "SIGKILL");
}
