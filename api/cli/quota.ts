/** `mailhop quota`: what an account may send today, what it has sent, and what comes. */
import { command, flag, map, message, object, optional } from "@optique/core";
import { UNKNOWN_ACCOUNT } from "./account.ts";
import { ask, type Day, type Quota, segment } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { everyPage, type Page } from "./pages.ts";
import { amount, bar, card, type Cell, type Look, printable, type Style, table, wrap } from "./render.ts";
import { username } from "./value_parsers.ts";
import { absolute, absoluteAndRelative } from "./when.ts";

/** Share of the limit from which on the customer is warned. */
const WARNING_SHARE = 0.8;

/** `mailhop quota`. */
export const quota = command(
  "quota",
  map(
    object({
      username: username(),
      days: optional(flag("--days", { description: message`The days of the last weeks instead.` })),
    }),
    ({ username, days }): Command => async ({ api }) => {
      const param = { username: segment(username) };
      const { quota, usage } = api.v1.accounts[":username"];
      if (days === undefined) {
        const answer = await ask(quota.$get({ param }));
        return outcome(answer, (quota, look) => quotaText(username, quota, look), UNKNOWN_ACCOUNT);
      }
      const answer = await everyPage((cursor) => ask(usage.$get({ param, query: { cursor } })));
      return outcome(answer, dayTable, UNKNOWN_ACCOUNT);
    },
  ),
  {
    brief: message`Show what an account used of its day.`,
    description:
      message`Shows the relays that an account used today (UTC), its limit, blocks that are not active yet, and what to do about it.`,
    footer: examples("quota alice", "quota alice --json", "quota alice --days"),
  },
);

/** The figures, and what is to be said of them. */
function quotaText(username: string, quota: Quota, look: Look): string {
  const advice = quota.advice.map(({ text, help }) =>
    [...wrap(text, look.columns), ...(help === null ? [] : [`See ${help}`])].map(printable).join("\n")
  );
  return [quotaCard(username, quota, look), ...advice].join("\n\n");
}

function quotaCard(username: string, quota: Quota, look: Look): string {
  const { day, used, limit, remaining, ndr, ndrLimit, resetsAt, pending } = quota;
  const percent = limit === 0 ? "no active block" : `${Math.floor((used / limit) * 100)} %`;
  const rows: [string, Cell][] = [
    ["Account", { text: username, style: "strong" }],
    ["Day", `${day} (UTC)`],
    ["Used", { text: `${bar(used, limit)} ${used} of ${limit} (${percent})`, style: usageStyle(used, limit) }],
    ["Remaining", amount(remaining, "relay")],
    ["Resets", absoluteAndRelative(resetsAt, look.now)],
  ];
  if (ndr > 0 || ndrLimit !== null) {
    const most = ndrLimit === null ? "" : `, at most ${ndrLimit}`;
    rows.push(["Reports", `${ndr} of them for non-delivery reports${most}`]);
  }
  const { held, releasedUntil } = quota.brake;
  if (releasedUntil !== null && Date.parse(releasedUntil) > look.now) {
    rows.push(["Brake", `released until ${absoluteAndRelative(releasedUntil, look.now)}`]);
  } else if (held !== null) {
    rows.push(["Brake", { text: `has held mail back since ${absolute(held.at)}`, style: "bad" }]);
  }
  for (const { quantity, activatesAt } of pending) {
    rows.push(["Pending", `${amount(quantity, "block")}, active ${absoluteAndRelative(activatesAt, look.now)}`]);
  }
  return card(look, rows);
}

function usageStyle(used: number, limit: number): Style {
  if (used >= limit) return "bad";
  return used >= limit * WARNING_SHARE ? "warning" : "good";
}

function dayTable({ items }: Page<Day>, look: Look): string {
  if (items.length === 0) return "No relays were used in the last weeks.";
  const heads = ["RELAYS", "REPORTS", "RECIPIENTS", "REFUSED"];
  return table(
    look,
    [{ head: "DAY" }, ...heads.map((head) => ({ head, align: "right" } as const))],
    items.map(({ day, used, ndr, recipients, refused }) => [day, ...[used, ndr, recipients, refused].map(String)]),
  );
}
