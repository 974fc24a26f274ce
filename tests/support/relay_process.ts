/**
 * A relay as its user starts it: `deno task start` in this checkout, with its own data directory and free ports.
 *
 * `await using relay = await startRelay({...})`: stopped and cleaned up at the end of the scope.
 */
import { join } from "@std/path";
import { delay } from "@std/async/delay.js";
import { environmentWithoutSettings } from "./environment.ts";
import { freePort } from "./free_port.ts";

export const ROOT = join(import.meta.dirname!, "..", "..");
export const ADMIN_TOKEN = "test-admin-token";

/** Longest wait for a process to be ready: a cold start compiles the policy and makes keys on a busy machine. */
const READY_DEADLINE_MS = 60_000;
const POLL_MS = 50;
/** Of its output so much is kept, in UTF-16 code units: a relay under load says a lot. */
const KEPT_OUTPUT = 16 << 20;

export interface RelayProcess extends AsyncDisposable {
  readonly smtpPort: number;
  readonly smtpsPort: number;
  readonly httpPort: number;
  readonly dataDir: string;
  /** CPU that it has used so far, in ms. */
  cpuMs(): number;
  /** What it printed so far, both streams; the end of it, where it is very much. */
  output(): string;
  /** Calls the API with the operator's token; the parsed JSON, whatever the status. */
  api<T>(method: string, path: string, body?: unknown): Promise<{ status: number; body: T }>;
  /** SIGTERM, or another signal to the whole process; resolves to the exit code. */
  stop(signal?: Deno.Signal): Promise<number>;
}

/**
 * @param environment settings beside ports, data directory and token; ports may be given all the same, as one address
 * each. A data directory that is given is kept.
 */
export async function startRelay(environment: Record<string, string> = {}): Promise<RelayProcess> {
  const [smtpPort, smtpsPort, httpPort] = ["SMTP", "SMTPS", "HTTP"].map((protocol) =>
    Number(environment[`MAILHOP_${protocol}_LISTEN`]?.split(":").at(-1) ?? freePort())
  ) as [number, number, number];
  const given = environment.MAILHOP_DATA_DIR;
  const dataDir = given ?? await Deno.makeTempDir({ prefix: "mailhop-data-" });
  const process = new Deno.Command(Deno.execPath(), {
    args: ["task", "start"],
    cwd: ROOT,
    clearEnv: true,
    env: {
      ...environmentWithoutSettings(),
      MAILHOP_HOSTNAME: "relay.test",
      MAILHOP_SMTP_LISTEN: `127.0.0.1:${smtpPort}`,
      MAILHOP_SMTPS_LISTEN: `127.0.0.1:${smtpsPort}`,
      MAILHOP_HTTP_LISTEN: `127.0.0.1:${httpPort}`,
      MAILHOP_ADMIN_TOKEN: ADMIN_TOKEN,
      MAILHOP_ACTIVATION_DELAY: "0s",
      ...environment,
      MAILHOP_DATA_DIR: dataDir,
    },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      output += text;
      if (output.length > 2 * KEPT_OUTPUT) output = output.slice(-KEPT_OUTPUT);
    }
  };
  const collecting = [collect(process.stdout), collect(process.stderr)];
  let exited: number | undefined;
  const exit = process.status.then(({ code }) => exited = code);
  const base = `http://127.0.0.1:${httpPort}`;

  const stop = async (signal: Deno.Signal = "SIGTERM") => {
    if (exited === undefined) {
      // The task runner passes SIGTERM on; what cannot be passed on is sent to the server itself.
      const target = signal === "SIGTERM" ? process.pid : await serverPid(process.pid);
      Deno.kill(target, signal);
    }
    const code = await exit;
    await Promise.all(collecting);
    return code;
  };

  const relay: RelayProcess = {
    smtpPort,
    smtpsPort,
    httpPort,
    dataDir,
    cpuMs: () => cpuOf(process.pid),
    output: () => output,
    stop,
    async api(method, path, body) {
      const response = await fetch(`${base}/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await response.text();
      return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
    },
    async [Symbol.asyncDispose]() {
      await stop();
      if (given === undefined) await Deno.remove(dataDir, { recursive: true });
    },
  };
  const deadline = performance.now() + READY_DEADLINE_MS;
  while (!await isReady(base)) {
    if (exited !== undefined || performance.now() > deadline) {
      // The server, too: the task runner's end is not its.
      if (exited === undefined) await stop("SIGKILL");
      throw new Error(`the relay did not start:\n${output}`);
    }
    await delay(POLL_MS);
  }
  return relay;
}

async function isReady(base: string): Promise<boolean> {
  try {
    const response = await fetch(`${base}/readyz`);
    await response.body?.cancel();
    return response.ok;
  } catch (error) {
    if (error instanceof TypeError) return false; // nobody listens yet
    throw error;
  }
}

/** Ticks of the scheduler's clock in a second (getconf CLK_TCK). */
const TICKS = 100;

/** Of the task runner's last child. */
function cpuOf(taskPid: number): number {
  const children = Deno.readTextFileSync(`/proc/${taskPid}/task/${taskPid}/children`).trim().split(" ");
  const [, fields] = Deno.readTextFileSync(`/proc/${children.at(-1)}/stat`).split(") ");
  const [user, system] = fields!.split(" ").slice(11, 13).map(Number);
  return (user! + system!) * 1000 / TICKS;
}

/** The server is the task runner's child. */
async function serverPid(taskPid: number): Promise<number> {
  const children = await Deno.readTextFile(`/proc/${taskPid}/task/${taskPid}/children`);
  return Number(children.trim().split(" ").at(-1));
}

/** An account with a password and blocks that are active. */
export async function openAccount(relay: RelayProcess, username: string, quantity = 1): Promise<string> {
  const password = `password of ${username}`;
  for (
    const { status, body } of [
      await relay.api("POST", "/accounts", { username, password }),
      await relay.api("POST", `/accounts/${username}/blocks`, { quantity }),
    ]
  ) {
    if (status !== 201) throw new Error(`opening the account: ${status} ${JSON.stringify(body)}`);
  }
  return password;
}

/** Waits until `look` finds something; looks again every 50 ms, for at most `withinMs`. */
export async function eventually<T>(
  look: () => T | undefined | Promise<T | undefined>,
  what: string,
  withinMs = 20_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    const found = await look();
    if (found !== undefined) return found;
    await delay(POLL_MS);
  }
  throw new Error(`waited ${withinMs} ms for ${what}`);
}
