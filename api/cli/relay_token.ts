/** `mailhop relay-token …`: a token for each machine of relay nodes. */
import { argument, command, map, message, multiple, object, option, or } from "@optique/core";
import { ask, type RelayToken, segment } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { everyPage } from "./pages.ts";
import { type Look, table } from "./render.ts";
import { label, name } from "./value_parsers.ts";
import { absolute, lastUse } from "./when.ts";

const create = command(
  "create",
  map(
    object({
      label: label(),
      nodes: multiple(option("--node", name("NAME"), {
        description: message`A node of the machine that had another token before, as mailhop node list names it.`,
      })),
    }),
    ({ label, nodes }): Command => async ({ api }) => {
      const answer = await ask(api.v1["relay-tokens"].$post({ json: { label, nodes: [...nodes] } }));
      return outcome(
        answer,
        ({ id, token }) =>
          `Token ${id} for ${label}, shown this once: ${token}\nIt is that machine's MAILHOP_RELAY_TOKEN.`,
        { 404: "The nodes there are: mailhop node list" },
      );
    },
  ),
  {
    brief: message`Make a token for a machine.`,
    footer: examples(
      "relay-token create relay-fra-1",
      "relay-token create relay-fra-1 --node 01KAQ2T3ZJ8M4Y6W9X0B1C2D3E",
    ),
  },
);

const list = command(
  "list",
  map(object({}), (): Command => async ({ api }) => {
    const answer = await everyPage((cursor) => ask(api.v1["relay-tokens"].$get({ query: { cursor } })));
    return outcome(answer, ({ items }, look) => tokenTable(items, look));
  }),
  { brief: message`List the tokens.`, footer: examples("relay-token list") },
);

const remove = command(
  "delete",
  map(
    object({ id: argument(name("ID"), { description: message`As the list shows it.` }) }),
    ({ id }): Command => async ({ api }) => {
      const answer = await ask(api.v1["relay-tokens"][":id"].$delete({ param: { id: segment(id) } }));
      return outcome(answer, () => `The token ${id} holds no longer.`, {
        404: "The tokens there are: mailhop relay-token list",
      });
    },
  ),
  { brief: message`Delete a token: it holds no longer.`, footer: examples("relay-token delete <id>") },
);

/** `mailhop relay-token`. */
export const relayToken = command("relay-token", or(create, list, remove), {
  brief: message`Tokens for machines of relay nodes.`,
  footer: examples("relay-token create relay-fra-1", "relay-token list"),
});

function tokenTable(tokens: readonly RelayToken[], look: Look): string {
  if (tokens.length === 0) return "No tokens. Make one with: mailhop relay-token create <label>";
  return table(
    look,
    [{ head: "ID" }, { head: "LABEL" }, { head: "CREATED" }, { head: "LAST USED" }],
    tokens.map((token) => [token.id, token.label, absolute(token.createdAt), lastUse(token)]),
  );
}
