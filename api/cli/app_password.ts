/** `mailhop app-password …`: a password of its own for each device or program that sends for an account. */
import { argument, command, map, message, object, or } from "@optique/core";
import { UNKNOWN_ACCOUNT } from "./account.ts";
import { type AppPassword, ask, segment } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { everyPage } from "./pages.ts";
import { type Look, table } from "./render.ts";
import { label, name, username } from "./value_parsers.ts";
import { absolute, lastUse } from "./when.ts";

const create = command(
  "create",
  map(object({ username: username(), label: label() }), ({ username, label }): Command => async ({ api }) => {
    const param = { username: segment(username) };
    const answer = await ask(api.v1.accounts[":username"].passwords.$post({ param, json: { label } }));
    return outcome(
      answer,
      ({ id, password }) => `Password ${id} of ${username} for ${label}, shown this once: ${password}`,
      UNKNOWN_ACCOUNT,
    );
  }),
  {
    brief: message`Make a password for a device or program.`,
    description:
      message`Makes a further password for the account to send with, and prints it, once. The account's own password holds as before.`,
    footer: examples("app-password create alice phone"),
  },
);

const list = command(
  "list",
  map(object({ username: username() }), ({ username }): Command => async ({ api }) => {
    const answer = await everyPage((cursor) =>
      ask(api.v1.accounts[":username"].passwords.$get({ param: { username: segment(username) }, query: { cursor } }))
    );
    return outcome(answer, ({ items }, look) => passwordTable(username, items, look), UNKNOWN_ACCOUNT);
  }),
  { brief: message`List them, with their last use.`, footer: examples("app-password list alice") },
);

const remove = command(
  "delete",
  map(
    object({ username: username(), id: argument(name("ID"), { description: message`As the list shows it.` }) }),
    ({ username, id }): Command => async ({ api }) => {
      const param = { username: segment(username), id: segment(id) };
      const answer = await ask(api.v1.accounts[":username"].passwords[":id"].$delete({ param }));
      return outcome(answer, () => `Nobody logs in with the password ${id} any more, within seconds.`, {
        404: `The passwords there are: mailhop app-password list ${username}`,
      });
    },
  ),
  { brief: message`Delete one: a device that was lost.`, footer: examples("app-password delete alice <id>") },
);

/** `mailhop app-password`. */
export const appPassword = command("app-password", or(create, list, remove), {
  brief: message`Passwords for single devices and programs.`,
  footer: examples("app-password create alice phone", "app-password list alice"),
});

function passwordTable(username: string, passwords: readonly AppPassword[], look: Look): string {
  if (passwords.length === 0) return `None: ${username} logs in with the account's own password.`;
  return table(
    look,
    [{ head: "ID" }, { head: "LABEL" }, { head: "CREATED" }, { head: "LAST USED" }, { head: "FROM" }],
    passwords.map((row) => [row.id, row.label, absolute(row.createdAt), lastUse(row), row.lastUsedFrom ?? ""]),
  );
}
