/** `mailhop dkim …`: keys that sign the mail of an account's domains. */
import { argument, command, map, message, object, or } from "@optique/core";
import { ask, type DkimKeys, segment } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { card, type Cell, type Look } from "./render.ts";
import { name, username } from "./value_parsers.ts";
import { absolute } from "./when.ts";

type DkimKey = DkimKeys["items"][number];

const ofDomain = () => ({
  username: username(),
  domain: argument(name("DOMAIN"), { description: message`A domain that the account has claimed.` }),
});

const param = (username: string, domain: string) => ({ username: segment(username), domain: segment(domain) });

const claimed = (username: string) => ({ 404: `The claims there are: mailhop domain list ${username}` });

const create = command(
  "create",
  map(object(ofDomain()), ({ username, domain }): Command => async ({ api }) => {
    const answer = await ask(
      api.v1.accounts[":username"].domains[":domain"].dkim.$post({ param: param(username, domain) }),
    );
    return outcome(answer, ({ items }, look) => `${cards(items, look)}\n\n${publish(username, domain)}`, {
      ...claimed(username),
      409: `Verify the claim with: mailhop domain verify ${username} ${domain}`,
    });
  }),
  {
    brief: message`Make new keys for a domain.`,
    description:
      message`Makes new keys for a domain, an RSA and an Ed25519 one, and shows the records to publish. They sign after a rotation; new keys that were made before and do not sign yet are shown again.`,
    footer: examples("dkim create alice example.com"),
  },
);

const list = command(
  "list",
  map(object(ofDomain()), ({ username, domain }): Command => async ({ api }) => {
    const answer = await ask(
      api.v1.accounts[":username"].domains[":domain"].dkim.$get({ param: param(username, domain) }),
    );
    return outcome(
      answer,
      ({ items }, look) => items.length === 0 ? none(username, domain) : cards(items, look),
      claimed(username),
    );
  }),
  { brief: message`List a domain's keys and their records.`, footer: examples("dkim list alice example.com") },
);

const rotate = command(
  "rotate",
  map(object(ofDomain()), ({ username, domain }): Command => async ({ api }) => {
    const answer = await ask(
      api.v1.accounts[":username"].domains[":domain"].dkim.rotate.$post({ param: param(username, domain) }),
    );
    return outcome(answer, ({ items }, look) => cards(items, look), {
      404: `Make new keys with: mailhop dkim create ${username} ${domain}`,
      422: "A new record may take some minutes until it is seen everywhere. Then run it again.",
      503: "Trouble in the DNS: run it again in a minute.",
    });
  }),
  {
    brief: message`Sign with the new keys from now on.`,
    description:
      message`Looks the records of new keys up. Those that are published sign from now on, in the place of those before, whose records are to stay for the time that is shown.`,
    footer: examples("dkim rotate alice example.com"),
  },
);

const remove = command(
  "delete",
  map(
    object({ ...ofDomain(), selector: argument(name("SELECTOR"), { description: message`The key's selector.` }) }),
    ({ username, domain, selector }): Command => async ({ api }) => {
      const answer = await ask(
        api.v1.accounts[":username"].domains[":domain"].dkim[":selector"].$delete({
          param: { ...param(username, domain), selector: segment(selector) },
        }),
      );
      return outcome(answer, () => `${selector} of ${domain} signs no more, within five minutes.`, {
        404: `The keys there are: mailhop dkim list ${username} ${domain}`,
      });
    },
  ),
  { brief: message`Delete a key.`, footer: examples("dkim delete alice example.com mh-rsa-5f0c1a2b") },
);

/** `mailhop dkim`. */
export const dkim = command("dkim", or(create, list, rotate, remove), {
  brief: message`Keys that sign a domain's mail.`,
  footer: examples("dkim create alice example.com", "dkim rotate alice example.com"),
});

const publish = (username: string, domain: string) =>
  "Publish the records of the new keys. A value of more than 255 characters goes into a zone file as several quoted\n" +
  `strings. Then run: mailhop dkim rotate ${username} ${domain}`;

const none = (username: string, domain: string) => `No keys. Make them with: mailhop dkim create ${username} ${domain}`;

function cards(keys: readonly DkimKey[], look: Look): string {
  return keys.map((key) => keyCard(key, look)).join("\n\n");
}

function keyCard(key: DkimKey, look: Look): string {
  const { selector, algorithm, record } = key;
  return card(look, [
    ["Selector", { text: selector, style: "strong" }],
    ["Algorithm", algorithm],
    ["State", stateCell(key)],
    ["Name", record.name],
    ["Type", record.type],
    ["Value", { text: record.value, style: "strong" }],
  ]);
}

function stateCell({ state, changedAt, keepRecordUntil }: DkimKey): Cell {
  switch (state) {
    case "pending":
      return { text: "new: does not sign yet", style: "warning" };
    case "active":
      return { text: `signs since ${absolute(changedAt)}`, style: "good" };
    case "retired":
      return `signs no more; its record is to stay until ${absolute(keepRecordUntil ?? changedAt)}`;
  }
}
