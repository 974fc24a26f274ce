/** `mailhop network …`: addresses from which an account may relay without logging in. */
import { argument, command, map, message, object, option, or } from "@optique/core";
import { UNKNOWN_ACCOUNT } from "./account.ts";
import { ask, type Network, segment } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { everyPage } from "./pages.ts";
import { type Look, table } from "./render.ts";
import { name, username } from "./value_parsers.ts";
import { absolute } from "./when.ts";

const cidr = () =>
  argument(name("CIDR"), { description: message`Addresses, such as ${"192.0.2.7/32"} or ${"2001:db8:7::/48"}.` });

const add = command(
  "add",
  map(
    object({
      username: username(),
      cidr: cidr(),
      force: option("--force", { description: message`Take a network wider than /24 (IPv4) or /48 (IPv6).` }),
    }),
    ({ username, cidr, force }): Command => async ({ api }) => {
      const answer = await ask(
        api.v1.accounts[":username"].networks.$post({
          param: { username: segment(username) },
          json: force ? { cidr, force } : { cidr },
        }),
      );
      return outcome(answer, (network) => `${network.cidr} may relay for ${username} without logging in.`, {
        ...UNKNOWN_ACCOUNT,
        422: "If you mean it, add --force: everybody at these addresses can spend the account's relays.",
      });
    },
  ),
  {
    brief: message`Let a network relay without logging in.`,
    description:
      message`Lets a network relay for the account without logging in: a mail server at a fixed address. Whoever can send from these addresses spends the account's relays.`,
    footer: examples("network add alice 192.0.2.7/32", "network add alice 198.51.0.0/16 --force"),
  },
);

const list = command(
  "list",
  map(object({ username: username() }), ({ username }): Command => async ({ api }) => {
    const answer = await everyPage((cursor) =>
      ask(api.v1.accounts[":username"].networks.$get({ param: { username: segment(username) }, query: { cursor } }))
    );
    return outcome(answer, ({ items }, look) => networkTable(username, items, look), UNKNOWN_ACCOUNT);
  }),
  { brief: message`List an account's networks.`, footer: examples("network list alice") },
);

const remove = command(
  "remove",
  map(
    object({ username: username(), cidr: cidr() }),
    ({ username, cidr }): Command => async ({ api }) => {
      const answer = await ask(
        api.v1.accounts[":username"].networks.$delete({ param: { username: segment(username) }, query: { cidr } }),
      );
      return outcome(answer, () => `${cidr} may no longer relay for ${username} without logging in.`, {
        404: `The networks there are: mailhop network list ${username}`,
      });
    },
  ),
  { brief: message`Take a network away again.`, footer: examples("network remove alice 192.0.2.7/32") },
);

/** `mailhop network`. */
export const network = command("network", or(add, list, remove), {
  brief: message`Networks that may relay without logging in.`,
  footer: examples("network add alice 192.0.2.7/32", "network list alice"),
});

function networkTable(username: string, networks: readonly Network[], look: Look): string {
  if (networks.length === 0) return `No networks: ${username} relays with its password only.`;
  return table(
    look,
    [{ head: "NETWORK" }, { head: "ADDED" }],
    networks.map(({ cidr, createdAt }) => [cidr, absolute(createdAt)]),
  );
}
