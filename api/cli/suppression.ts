/** `mailhop suppression …`: addresses that failed for good, and what is to come of mail to them. */
import { argument, choice as oneOf, command, map, message, object, optional, or } from "@optique/core";
import { UNKNOWN_ACCOUNT } from "./account.ts";
import { ask, segment, type Suppressions } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { everyPage } from "./pages.ts";
import { type Look, table } from "./render.ts";
import { name, username } from "./value_parsers.ts";
import { absolute } from "./when.ts";

type Suppression = Suppressions["items"][number];

const CHOICES = ["refuse", "skip", "off"] as const;

const MEANINGS: Readonly<Record<typeof CHOICES[number], string>> = {
  refuse: "is refused",
  skip: "is accepted, and not sent to that address",
  off: "is sent as any other",
};

const list = command(
  "list",
  map(object({ username: username() }), ({ username }): Command => async ({ api }) => {
    const answer = await everyPage((cursor) =>
      ask(
        api.v1.accounts[":username"].suppressions.$get({ param: { username: segment(username) }, query: { cursor } }),
      )
    );
    return outcome(answer, ({ items }, look) => suppressionTable(username, items, look), UNKNOWN_ACCOUNT);
  }),
  { brief: message`List the addresses that failed for good.`, footer: examples("suppression list alice") },
);

const clear = command(
  "clear",
  map(
    object({
      username: username(),
      address: optional(argument(name("ADDRESS"), { description: message`One address; without it all of them.` })),
    }),
    ({ username, address }): Command => async ({ api }) => {
      const answer = await ask(
        api.v1.accounts[":username"].suppressions.$delete({
          param: { username: segment(username) },
          query: { address },
        }),
      );
      const what = (cleared: number) => address ?? `${cleared} ${cleared === 1 ? "address" : "addresses"}`;
      return outcome(answer, ({ cleared }) => `Cleared: ${what(cleared)}. Mail is sent there again.`, {
        404: `The addresses there are: mailhop suppression list ${username}`,
      });
    },
  ),
  {
    brief: message`Send to an address again.`,
    footer: examples("suppression clear alice bob@example.net", "suppression clear alice"),
  },
);

const choose = command(
  "choose",
  map(
    object({
      username: username(),
      choice: argument(oneOf(CHOICES, { metavar: "CHOICE" }), {
        description: message`What is to come of mail to these addresses.`,
      }),
    }),
    ({ username, choice }): Command => async ({ api }) => {
      const answer = await ask(
        api.v1.accounts[":username"].suppressions.choice.$put({
          param: { username: segment(username) },
          json: { choice },
        }),
      );
      return outcome(
        answer,
        ({ choice }) => `Mail of ${username} to an address that failed for good ${MEANINGS[choice]}.`,
        UNKNOWN_ACCOUNT,
      );
    },
  ),
  {
    brief: message`Choose what is to come of mail to them.`,
    description:
      message`Chooses what is to come of an account's mail to addresses that failed for good: ${"refuse"} the recipient (unless another choice is made), ${"skip"} it (the message is accepted and charged, and not sent to that address), or ${"off"}: send.`,
    footer: examples("suppression choose alice skip", "suppression choose alice off"),
  },
);

/** `mailhop suppression`. */
export const suppression = command("suppression", or(list, clear, choose), {
  brief: message`Addresses that failed for good.`,
  footer: examples("suppression list alice", "suppression clear alice bob@example.net"),
});

function suppressionTable(username: string, suppressions: readonly Suppression[], look: Look): string {
  if (suppressions.length === 0) return `No address has failed for good with mail of ${username}.`;
  return table(
    look,
    [{ head: "ADDRESS" }, { head: "FAILED" }, { head: "REPLY" }],
    suppressions.map(({ address, failedAt, reply }) => [address, absolute(failedAt), reply]),
  );
}
