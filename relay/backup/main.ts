/**
 * `deno task backup <directory>` and `deno task restore <backup>`: composition root of both, beside the service and not
 * in it. Neither speaks to anybody: they need no network, and run no program.
 *
 * Exit codes: 0 done, 1 not done, 2 wrong use.
 */
import { resolve } from "@std/path";
import { parseArgs } from "node:util";
import { unknownMigration } from "../../api/store/migrations/mod.ts";
import { describe } from "../error_words.ts";
import { SpoolTooNew } from "../spool/errors.ts";
import { isDisksMatter } from "../data_dir.ts";
import { BackupRefused } from "./errors.ts";
import { checkedText, restoredText, takenText } from "./report.ts";
import { checkBackup, restoreBackup } from "./restore.ts";
import { ShownProgress } from "./shown_progress.ts";
import { takeBackup } from "./take.ts";

const EXIT_NOT_DONE = 1;
const EXIT_MISUSED = 2;
const DEFAULT_DATA_DIR = "./data";

const USAGE = `How it is used:

  deno task backup <directory>        makes a backup in a new directory, while the service runs or not
  deno task restore <backup>          makes a data directory of it, where there is none yet or an empty one
    --without-spool                   leaves out mail that waited for delivery
    --check                           only looks whether the backup is whole

The data directory is MAILHOP_DATA_DIR (./data if unset). Run it as the user that the service runs as.`;

const dataDir = Deno.env.get("MAILHOP_DATA_DIR") || DEFAULT_DATA_DIR;

try {
  Deno.exitCode = await run(Deno.args);
} catch (error) {
  console.error(reason(error));
  Deno.exitCode = EXIT_NOT_DONE;
}

/** For people. @throws what is no matter of theirs. */
function reason(error: unknown): string {
  if (error instanceof BackupRefused || error instanceof SpoolTooNew) return error.message;
  if (isDisksMatter(error)) return `Not done: ${describe(error)}`;
  throw error;
}

async function run([which, ...args]: readonly string[]): Promise<number> {
  const parsed = parse(which === "restore", args);
  if (parsed === undefined) {
    console.error(USAGE);
    return EXIT_MISUSED;
  }
  const { path, help, ...options } = parsed;
  console.log(help ? USAGE : which === "restore" ? await restore(path, options) : await take(path));
  return 0;
}

/** undefined: wrong use. */
function parse(isRestore: boolean, args: string[]) {
  const flag = { type: "boolean", default: false } as const;
  const options = { help: flag, ...isRestore && { check: flag, "without-spool": flag } };
  try {
    const { values: { help = false, check = false, "without-spool": withoutSpool = false }, positionals } = parseArgs({
      args,
      options: options as Record<"help" | "check" | "without-spool", typeof flag>,
      allowPositionals: true,
    });
    const [given = "", ...more] = positionals;
    if (more.length > 0 || (given === "" && !help)) return undefined;
    return { path: resolve(given), help, check, withSpool: !withoutSpool };
  } catch (error) {
    if (error instanceof TypeError) return undefined; // an option that there is not
    throw error;
  }
}

async function take(target: string): Promise<string> {
  // A relay of its own has none; its control plane has.
  const databaseElsewhere = (Deno.env.get("DATABASE_URL") ?? "") !== "" || Deno.env.get("MAILHOP_ROLE") === "relay";
  using progress = new ShownProgress();
  return takenText(target, await takeBackup({ dataDir, target, databaseElsewhere, now: Date.now, progress }));
}

async function restore(backup: string, { check, withSpool }: { check: boolean; withSpool: boolean }): Promise<string> {
  using progress = new ShownProgress();
  const common = { backup, unknownMigration, progress };
  if (check) return checkedText(backup, await checkBackup(common));
  return restoredText(await restoreBackup({ ...common, dataDir, withSpool }), { dataDir, withSpool });
}
