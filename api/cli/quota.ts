/** `mailhop quota`: what an account may send today, what it has sent, and what comes. */
import { command, map, message, object } from "@optique/core";
import { UNKNOWN_ACCOUNT } from "./account.ts";
import { ask, type Quota, segment } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { amount, bar, card, type Cell, type Look, type Style } from "./render.ts";
import { username } from "./value_parsers.ts";
import { absoluteAndRelative } from "./when.ts";

/** Share of the limit from which on the customer is warned. */
const WARNING_SHARE = 0.8;

/** `mailhop quota`. */
export const quota = command(
  "quota",
  map(object({ username: username() }), ({ username }): Command => async ({ api }) => {
    const answer = await ask(api.v1.accounts[":username"].quota.$get({ param: { username: segment(username) } }));
    return outcome(answer, (quota, look) => quotaCard(username, quota, look), UNKNOWN_ACCOUNT);
  }),
  {
    brief: message`Show what an account used of its day.`,
    description:
      message`Shows the relays that an account used today (UTC), its limit, and blocks that are not active yet.`,
    footer: examples("quota alice", "quota alice --json"),
  },
);

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
  for (const { quantity, activatesAt } of pending) {
    rows.push(["Pending", `${amount(quantity, "block")}, active ${absoluteAndRelative(activatesAt, look.now)}`]);
  }
  return card(look, rows);
}

function usageStyle(used: number, limit: number): Style {
  if (used >= limit) return "bad";
  return used >= limit * WARNING_SHARE ? "warning" : "good";
}
