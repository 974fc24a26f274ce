/** `mailhop key …`: keys with which an account's own programs use the API. */
import { argument, choice, command, map, message, multiple, object, option, or } from "@optique/core";
import { UNKNOWN_ACCOUNT } from "./account.ts";
import { type ApiKey, ask, segment } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { everyPage } from "./pages.ts";
import { card, type Look, table } from "./render.ts";
import { label, name, username } from "./value_parsers.ts";
import { absolute, lastUse } from "./when.ts";

const create = command(
  "create",
  map(
    object({
      username: username(),
      label: label(),
      scopes: multiple(
        option("--scope", choice(["read", "manage"] as const, { metavar: "SCOPE" }), {
          description: message`What it may: ${"read"} (if left out), or ${"manage"}: change things as well.`,
        }),
      ),
    }),
    ({ username, label, scopes }): Command => async ({ api }) => {
      const json = scopes.length === 0 ? { label } : { label, scopes: [...scopes] };
      const answer = await ask(
        api.v1.accounts[":username"].keys.$post({ param: { username: segment(username) }, json }),
      );
      return outcome(
        answer,
        ({ key, ...shown }, look) => `${keyCard(shown, look)}\n\nThe key, shown this once: ${key}`,
        UNKNOWN_ACCOUNT,
      );
    },
  ),
  {
    brief: message`Make a key.`,
    description:
      message`Makes a key and prints it, once. With it in place of the operator's token, the account's own programs use the API, and this tool, for that account.`,
    footer: examples("key create alice monitoring", "key create alice website --scope manage"),
  },
);

const list = command(
  "list",
  map(object({ username: username() }), ({ username }): Command => async ({ api }) => {
    const answer = await everyPage((cursor) =>
      ask(api.v1.accounts[":username"].keys.$get({ param: { username: segment(username) }, query: { cursor } }))
    );
    return outcome(answer, ({ items }, look) => keyTable(username, items, look), UNKNOWN_ACCOUNT);
  }),
  { brief: message`List an account's keys.`, footer: examples("key list alice") },
);

const remove = command(
  "delete",
  map(
    object({ username: username(), id: argument(name("ID"), { description: message`As the list shows it.` }) }),
    ({ username, id }): Command => async ({ api }) => {
      const param = { username: segment(username), id: segment(id) };
      const answer = await ask(api.v1.accounts[":username"].keys[":id"].$delete({ param }));
      return outcome(answer, () => `The key ${id} holds no longer.`, {
        404: `The keys there are: mailhop key list ${username}`,
      });
    },
  ),
  { brief: message`Delete a key: it holds no longer.`, footer: examples("key delete alice <id>") },
);

/** `mailhop key`. */
export const key = command("key", or(create, list, remove), {
  brief: message`Keys for an account's own programs.`,
  footer: examples("key create alice monitoring", "key list alice"),
});

function keyCard(key: ApiKey, look: Look): string {
  return card(look, [
    ["Key", { text: key.label, style: "strong" }],
    ["Id", key.id],
    ["May", key.scopes.join(", ")],
  ]);
}

function keyTable(username: string, keys: readonly ApiKey[], look: Look): string {
  if (keys.length === 0) return `No keys. Make one with: mailhop key create ${username} <label>`;
  return table(
    look,
    [{ head: "ID" }, { head: "LABEL" }, { head: "MAY" }, { head: "CREATED" }, { head: "LAST USED" }],
    keys.map((key) => [key.id, key.label, key.scopes.join(", "), absolute(key.createdAt), lastUse(key)]),
  );
}
