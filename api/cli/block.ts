/** `mailhop block …`: the blocks of relays that an account buys. */
import {
  argument,
  command,
  integer,
  map,
  message,
  object,
  option,
  optional,
  or,
  string,
  withDefault,
} from "@optique/core";
import { UNKNOWN_ACCOUNT } from "./account.ts";
import { ask, type Block, segment } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { everyPage } from "./pages.ts";
import { amount, card, type Cell, type Look, table } from "./render.ts";
import { name, time, username } from "./value_parsers.ts";
import { absolute, absoluteAndRelative } from "./when.ts";

const buy = command(
  "buy",
  map(
    object({
      username: username(),
      quantity: withDefault(
        argument(integer({ min: 1, metavar: "QUANTITY" }), { description: message`How many; one if left out.` }),
        1,
      ),
      key: optional(
        option("--idempotency-key", string({ metavar: "KEY" }), {
          description: message`A name for the purchase: the same again buys nothing more.`,
        }),
      ),
    }),
    ({ username, quantity, key }): Command => async ({ api }) => {
      const answer = await ask(
        api.v1.accounts[":username"].blocks.$post({
          param: { username: segment(username) },
          header: key === undefined ? {} : { "idempotency-key": key },
          json: { quantity },
        }),
      );
      return outcome(answer, (block, look) => purchaseCard(username, block, look), UNKNOWN_ACCOUNT);
    },
  ),
  {
    brief: message`Buy blocks for an account.`,
    description: message`Buys blocks of relays for an account. They count from their activation on.`,
    footer: examples("block buy alice", "block buy alice 2", "block buy alice 2 --idempotency-key order-4711"),
  },
);

const list = command(
  "list",
  map(object({ username: username() }), ({ username }): Command => async ({ api }) => {
    const answer = await everyPage((cursor) =>
      ask(api.v1.accounts[":username"].blocks.$get({ param: { username: segment(username) }, query: { cursor } }))
    );
    return outcome(answer, ({ items }, look) => blockTable(username, items, look), UNKNOWN_ACCOUNT);
  }),
  { brief: message`List an account's blocks.`, footer: examples("block list alice") },
);

const cancel = command(
  "cancel",
  map(
    object({
      username: username(),
      id: argument(name("ID"), { description: message`The block, as listed.` }),
      at: optional(
        option("--at", time(), {
          description: message`The end of what is paid for, such as ${"2026-12-31"} (UTC); now if left out.`,
        }),
      ),
    }),
    ({ username, id, at }): Command => async ({ api, now }) => {
      if (at !== undefined && Date.parse(at) < now()) {
        return { kind: "misused", why: `${absolute(at)} is in the past: leave --at away to cancel the block now.` };
      }
      const answer = await ask(
        api.v1.accounts[":username"].blocks[":id"].$delete({
          param: { username: segment(username), id: segment(id) },
          query: { at },
        }),
      );
      // True as well of one that would have begun later.
      const from = at === undefined ? "" : ` from ${absolute(at)} on`;
      return outcome(answer, () => `Block ${id} of ${username} is cancelled${from}.`, {
        404: `The blocks there are: mailhop block list ${username}`,
      });
    },
  ),
  {
    brief: message`Cancel a block.`,
    description:
      message`Cancels a block: it counts no longer, at once or from the end of its period on. None lasts longer by it.`,
    footer: examples(
      "block cancel alice 01KAQ2T3ZJ8M4Y6W9X0B1C2D3E",
      "block cancel alice 01KAQ2T3ZJ8M4Y6W9X0B1C2D3E --at 2026-12-31",
    ),
  },
);

/** `mailhop block`. */
export const block = command("block", or(buy, list, cancel), {
  brief: message`Buy, list, cancel blocks of relays.`,
  footer: examples("block buy alice 2", "block list alice"),
});

/** The time to activation is counted from the purchase, by the server's clock: ours may be wrong. */
function purchaseCard(username: string, { id, quantity, purchasedAt, activatesAt }: Block, look: Look): string {
  return card(look, [
    ["Bought", `${amount(quantity, "block")} for ${username}`],
    ["Block", id],
    ["Active", { text: absoluteAndRelative(activatesAt, Date.parse(purchasedAt)), style: "strong" }],
  ]);
}

function blockTable(username: string, blocks: readonly Block[], look: Look): string {
  if (blocks.length === 0) return `No blocks yet. Buy one with: mailhop block buy ${username}`;
  return table(
    look,
    [{ head: "ID" }, { head: "QUANTITY", align: "right" }, { head: "PURCHASED" }, { head: "STATE" }],
    blocks.map((block) => [block.id, String(block.quantity), absolute(block.purchasedAt), stateCell(block, look)]),
  );
}

function stateCell({ activatesAt, cancelledAt }: Block, look: Look): Cell {
  const isToCome = Date.parse(activatesAt) > look.now;
  if (cancelledAt !== null && Date.parse(cancelledAt) > Math.max(look.now, Date.parse(activatesAt))) {
    const from = isToCome ? ` from ${absolute(activatesAt)}` : "";
    return { text: `active${from} until ${absoluteAndRelative(cancelledAt, look.now)}`, style: "warning" };
  }
  if (cancelledAt !== null) return { text: `cancelled ${absolute(cancelledAt)}`, style: "faint" };
  if (isToCome) {
    return { text: `active from ${absoluteAndRelative(activatesAt, look.now)}`, style: "warning" };
  }
  return { text: `active since ${absolute(activatesAt)}`, style: "good" };
}
