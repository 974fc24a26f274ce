/** `mailhop audit list`: who has changed what, or tried to. */
import { command, map, message, object, option, optional, or } from "@optique/core";
import { ask, type AuditEntry } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { everyPage, type Page } from "./pages.ts";
import { type Cell, type Look, table } from "./render.ts";
import { instant, name } from "./value_parsers.ts";
import { absolute, resolveInstant } from "./when.ts";

const list = command(
  "list",
  map(
    object({
      account: optional(
        option("--account", name("USERNAME"), { description: message`About this account's things.` }),
      ),
      since: optional(option("--since", instant(), { description: message`From this time on.` })),
      until: optional(option("--until", instant(), { description: message`Before this time.` })),
    }),
    ({ account, since, until }): Command => async ({ api, now }) => {
      const time = (given: typeof since) => given && resolveInstant(given, now());
      const query = { account, since: time(since), until: time(until) };
      const answer = await everyPage((cursor) => ask(api.v1.audit.$get({ query: { ...query, cursor } })));
      return outcome(answer, auditTable);
    },
  ),
  {
    brief: message`List what was changed, the newest first.`,
    footer: examples("audit list --since 24h", "audit list --account alice"),
  },
);

/** `mailhop audit`. */
export const audit = command("audit", or(list), {
  brief: message`Who has changed what.`,
  footer: examples("audit list"),
});

function outcomeCell({ status }: AuditEntry): Cell {
  if (status === null) return { text: "not known", style: "warning" };
  return { text: String(status), style: status < 400 ? "good" : "bad" };
}

function auditTable({ items }: Page<AuditEntry>, look: Look): string {
  if (items.length === 0) return "Nothing was changed.";
  return table(
    look,
    [{ head: "AT" }, { head: "WHO" }, { head: "WHAT" }, { head: "OUTCOME" }, { head: "REQUEST" }],
    items.map((entry) => [
      absolute(entry.at),
      entry.key === null ? "operator" : `key ${entry.key.label} (${entry.key.id})`,
      `${entry.method} ${entry.path}`,
      outcomeCell(entry),
      entry.requestId,
    ]),
  );
}
