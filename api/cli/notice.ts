/** `mailhop notice list`: what account and operator should know of. */
import { command, map, message, object, option, optional, or } from "@optique/core";
import { ask, type Notice } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { everyPage, type Page } from "./pages.ts";
import { type Look, table } from "./render.ts";
import { name } from "./value_parsers.ts";
import { absolute } from "./when.ts";

const list = command(
  "list",
  map(
    object({
      account: optional(option("--account", name("USERNAME"), { description: message`Of this account.` })),
    }),
    ({ account }): Command => async ({ api }) => {
      const answer = await everyPage((cursor) => ask(api.v1.notices.$get({ query: { account, cursor } })));
      return outcome(answer, noticeTable);
    },
  ),
  { brief: message`List notices, the newest first.`, footer: examples("notice list", "notice list --account alice") },
);

/** `mailhop notice`. */
export const notice = command("notice", or(list), {
  brief: message`What you should know of.`,
  footer: examples("notice list"),
});

function noticeTable({ items }: Page<Notice>, look: Look): string {
  if (items.length === 0) return "No notices.";
  return table(
    look,
    [{ head: "AT" }, { head: "ACCOUNT" }, { head: "TYPE" }, { head: "WHAT" }],
    items.map(({ at, account, type, detail }) => [
      absolute(at),
      account ?? "",
      { text: type, style: "warning" },
      Object.entries(detail).map(([name, value]) => `${name} ${value}`).join(", "),
    ]),
  );
}
