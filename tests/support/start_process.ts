/**
 * A start as an operator types it, whatever comes of it: what it prints, and how it ends. A relay that is to work for a
 * test is `startRelay` of relay_process.ts.
 *
 *     await using start = StartProcess.spawn({ MAILHOP_MX_PORT: "0" });
 *     assertEquals(await start.exitCode, 2);
 */
import { environmentWithoutSettings } from "./environment.ts";
import { ROOT } from "./relay_process.ts";

/** A cold start compiles the policy and makes keys on a busy machine. */
const PRINT_DEADLINE_MS = 60_000;

export class StartProcess implements AsyncDisposable {
  /** Resolves when the process has ended and all it printed is here. */
  readonly exitCode: Promise<number>;
  /** Standard output and standard error so far. */
  output = "";
  errors = "";
  readonly #process: Deno.ChildProcess;
  #ended = false;
  #changed = Promise.withResolvers<void>();

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    const collecting = [
      this.#collect(process.stdout, (text) => this.output += text),
      this.#collect(process.stderr, (text) => this.errors += text),
    ];
    this.exitCode = Promise.all([process.status, ...collecting]).then(([{ code }]) => {
      this.#ended = true;
      this.#notify();
      return code;
    });
  }

  /** @param settings all that the process is told; those of the test's own environment are not passed on. */
  static spawn(settings: Record<string, string>): StartProcess {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["task", "start"],
      cwd: ROOT,
      clearEnv: true,
      env: { ...environmentWithoutSettings(), ...settings },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    return new StartProcess(command.spawn());
  }

  /** Resolves when `text` has been printed. @throws {Error} the process ended without it, or it took too long */
  async printed(text: string): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#notify();
    }, PRINT_DEADLINE_MS);
    try {
      while (!this.output.includes(text)) {
        if (this.#ended || late) throw new Error(`"${text}" was not printed:\n${this.output}${this.errors}`);
        await this.#changed.promise;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** The lines of standard error that are not the task runner's. */
  get complaints(): string[] {
    return this.errors.split("\n").filter((line) => line !== "" && !line.startsWith("Task "));
  }

  /** Ends the process. */
  stop(): Promise<number> {
    if (!this.#ended) this.#process.kill("SIGTERM");
    return this.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>, add: (text: string) => void): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      add(text);
      this.#notify();
    }
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
