/** `mailhop notice list`: what account and operator should know of. */
import { command, map, message, object, option, optional, or } from "@optique/core";
import { UNKNOWN_ACCOUNT } from "./account.ts";
import { ask, type Notice } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { everyPage, type Page } from "./pages.ts";
import { type Look, printable, show, wrap } from "./render.ts";
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
      return outcome(answer, noticeList, UNKNOWN_ACCOUNT);
    },
  ),
  {
    brief: message`List notices, the newest first.`,
    description:
      message`Lists notices, the newest first: what happened, and what to do. With an account's key, those of the account.`,
    footer: examples("notice list", "notice list --account alice"),
  },
);

/** `mailhop notice`. */
export const notice = command("notice", or(list), {
  brief: message`What you should know of.`,
  footer: examples("notice list"),
});

const INDENT = "  ";

function noticeList({ items }: Page<Notice>, look: Look): string {
  return items.length === 0 ? "No notices." : items.map((notice) => entry(notice, look)).join("\n\n");
}

function entry({ at, account, type, title, text, help, mail }: Notice, look: Look): string {
  const head = [
    show(look, { text: absolute(at), style: "faint" }),
    show(look, { text: type, style: "warning" }),
    ...(account === null ? [] : [show(look, { text: account, style: "strong" })]),
  ];
  const lines = [
    ...wrap(`${title}.`, look.columns - INDENT.length),
    ...wrap(text, look.columns - INDENT.length),
    ...(help === null ? [] : [`See ${help}`]),
    ...(mail === null ? [] : [`Sent as message ${mail}`]),
  ];
  return [head.join(INDENT), ...lines.map((line) => `${INDENT}${printable(line)}`)].join("\n");
}
