/** What a backup and a restore say when they are done. Pure. */
import type { Manifest } from "./manifest.ts";

const TASK = "npx -y deno@2.9.6 task";
const MIB = 1 << 20;
/** Ids that are written out; the rest is counted. */
const MAX_NAMED = 10;

export function takenText(target: string, manifest: Manifest): string {
  return [
    `The backup is whole: ${target}`,
    "",
    ...contents(manifest),
    ...(manifest.database === null
      ? ["", "The control database is not in this directory: back it up now, after this (PostgreSQL: pg_dump)."]
      : []),
    "",
    "It holds keys, tokens and mail: keep it as private as the data directory. A certificate that MAILHOP_TLS_CERT",
    "names, and the settings themselves, are not in it.",
    "",
  ].join("\n");
}

export function checkedText(backup: string, manifest: Manifest): string {
  return [`The backup is whole: ${backup}`, "", ...contents(manifest), ""].join("\n");
}

export interface Restored {
  readonly dataDir: string;
  readonly withSpool: boolean;
}

export function restoredText(manifest: Manifest, { dataDir, withSpool }: Restored): string {
  const waiting = withSpool ? messagesOf(manifest) : 0;
  return [
    `Restored: ${dataDir}`,
    "",
    ...contents(manifest),
    "",
    "What to do next:",
    "",
    "- Make sure that the service which this is a backup of does not run any more, anywhere.",
    ...(manifest.database === null ? ["- Restore the control database from its own backup, if it is lost too."] : []),
    ...(waiting > 0
      ? [
        `- Its ${waiting} messages are tried at the start. Those that were delivered after ${manifest.beganAt}`,
        "  are delivered again. Where that is worse than what may be lost, empty the directory and restore it with",
        "  --without-spool.",
      ]
      : []),
    `- Start it with the settings it had: MAILHOP_DATA_DIR=${dataDir} ${TASK} start`,
    "- What happened after the backup is unknown to it: relays used, accounts, blocks, passwords and keys are as they",
    "  were. A key or password that was withdrawn since then is to be withdrawn again.",
    "",
  ].join("\n");
}

function contents(manifest: Manifest): string[] {
  const { database, shards, files, beganAt, endedAt } = manifest;
  const damaged = shards.flatMap((shard) => shard.damaged);
  const octets = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const of = shards.length === 1 ? "1 shard" : `${shards.length} shards`;
  return [
    `  taken     ${beganAt} to ${endedAt}`,
    `  database  ${database === null ? "elsewhere" : `accounts: ${database.accounts}`}`,
    `  spool     messages waiting: ${messagesOf(manifest)}, in ${of}`,
    `  size      ${(octets / MIB).toFixed(1)} MiB in ${files.length} files`,
    ...(damaged.length === 0 ? [] : [
      `  damaged   the spool itself has not whole any more: ${damaged.slice(0, MAX_NAMED).join(", ")}` +
      (damaged.length > MAX_NAMED ? `, and ${damaged.length - MAX_NAMED} more` : ""),
    ]),
  ];
}

function messagesOf({ shards }: Manifest): number {
  return shards.reduce((sum, { messages }) => sum + messages, 0);
}
