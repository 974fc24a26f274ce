/**
 * `mailhop policy replay`: decides recorded decisions again, with another module or other parameters, and shows what
 * would change.
 */
import { command, map, message, multiple, object, option, optional } from "@optique/core";
import type { Command, Context, FileCommand, Outcome } from "./command.ts";
import { examples } from "./help.ts";
import type { Wanted } from "./replay.ts";
import { assignment, file, instant } from "./value_parsers.ts";
import { resolveInstant } from "./when.ts";

export const replay = command(
  "replay",
  map(
    object({
      file: optional(
        option("--module", file(), { description: message`With this module; the active one if left out.` }),
      ),
      assignments: multiple(option("--set", assignment(), { description: message`With this parameter changed.` })),
      since: option("--since", instant(), { description: message`Decisions made at this time or later.` }),
      until: optional(option("--until", instant(), { description: message`Decisions made before this time.` })),
    }),
    ({ file, assignments, since, until }): Command | FileCommand => {
      const wanted = (now: number): Wanted => ({
        since: resolveInstant(since, now),
        until: until && resolveInstant(until, now),
        assignments,
      });
      if (file === undefined) return (context) => load(context, wanted(context.now()), null);
      return { file, with: (octets) => (context) => load(context, wanted(context.now()), octets) };
    },
  ),
  {
    brief: message`Decide recorded decisions again.`,
    description:
      message`Decides again what was recorded, with another module or with parameters changed, and shows what would change. Refusals of an account's mail are recorded always, of the others a share. The module runs on this machine, and nothing is changed.`,
    footer: examples(
      "policy replay --module new.wasm --since 24h",
      "policy replay --set brakeRelaysPercent=200 --since 7d",
    ),
  },
);

/** Loaded when it is wanted: it brings the policy's own module along, which the other commands do without. */
async function load(context: Context, wanted: Wanted, octets: Uint8Array<ArrayBuffer> | null): Promise<Outcome> {
  const { replayed } = await import("./replay.ts");
  return await replayed(context, wanted, octets);
}
