/**
 * The composition root of a process: settings, data directory, then the parts of its role, and what the operator sees.
 *
 * Exit codes: 0 after a drain, 1 when it cannot start, 2 when the settings have mistakes.
 */
import { CannotStart } from "./cannot_start.ts";
import { openDataDir } from "./data_dir.ts";
import { processEnvironment } from "./environment.ts";
import { PortUnavailable } from "./listeners.ts";
import { openLog } from "./logging.ts";
import type { RunningRole } from "./running_role.ts";
import { readSettings, type Settings } from "./settings.ts";
import { welcome } from "./welcome.ts";
import { NodeNotStarted } from "./workers/crew.ts";

const EXIT_CANNOT_START = 1;
const EXIT_BAD_SETTINGS = 2;

const log = await openLog();

await run();

async function run(): Promise<void> {
  const read = readSettings(processEnvironment(), Deno.hostname(), navigator.hardwareConcurrency);
  if (!read.ok) return leave(EXIT_BAD_SETTINGS, read.mistakes);
  const { settings, warnings } = read;
  const { dataDir: path } = settings.role === "relay" ? settings.nodes : settings.plane;
  const opened = await openDataDir({ path, pid: Deno.pid });
  if (!opened.ok) return leave(EXIT_CANNOT_START, [opened.why]);
  try {
    await serve(settings, [...warnings, ...opened.dataDir.warnings]);
  } catch (error) {
    const isOperatorsMatter = [CannotStart, PortUnavailable, NodeNotStarted].some((kind) => error instanceof kind);
    if (!isOperatorsMatter) throw error;
    return leave(EXIT_CANNOT_START, [(error as Error).message]);
  }
}

async function serve(settings: Settings, warnings: readonly string[]): Promise<void> {
  await using closing = new AsyncDisposableStack();
  const role = await start(settings, closing);
  if (!("facts" in role)) return leave(EXIT_BAD_SETTINGS, role);
  // Before it says that it is ready: whoever waits for that may stop it at once.
  const stop = toldToStop();
  console.log(welcome({ ...role.facts, warnings }));
  await stop;
  log.info("draining");
  await role.drain();
}

/** Each role loads what it is made of, and nothing else. @returns mistakes of the settings. */
async function start(settings: Settings, closing: AsyncDisposableStack): Promise<RunningRole | readonly string[]> {
  const surroundings = {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
    residentOctets: () => Deno.memoryUsage().rss,
    log,
    closing,
  };
  switch (settings.role) {
    case "all":
      return await (await import("./role_all.ts")).startAll(settings, surroundings);
    case "api":
      return await (await import("./role_api.ts")).startApi(settings, surroundings);
    case "relay":
      return await (await import("./role_relay.ts")).startRelay(settings, surroundings);
  }
}

/** Resolves at the first SIGTERM or SIGINT. */
function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => resolve());
  });
}

function leave(code: number, lines: readonly string[]): void {
  for (const line of lines) console.error(line);
  Deno.exitCode = code;
}
