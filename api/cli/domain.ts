/** `mailhop domain …`: domains that an account claims, so that nobody else sends as them. */
import { argument, command, map, message, object, or } from "@optique/core";
import { UNKNOWN_ACCOUNT } from "./account.ts";
import { ask, type Domain, segment } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { everyPage } from "./pages.ts";
import { checksText } from "./domain_checks.ts";
import { card, type Cell, type Look, table } from "./render.ts";
import { name, username } from "./value_parsers.ts";
import { absolute } from "./when.ts";

const domainArgument = () => argument(name("DOMAIN"), { description: message`A domain, such as ${"example.com"}.` });

const claimed = (username: string) => ({ 404: `The claims there are: mailhop domain list ${username}` });

const claim = command(
  "claim",
  map(
    object({ username: username(), domain: domainArgument() }),
    ({ username, domain }): Command => async ({ api }) => {
      const answer = await ask(
        api.v1.accounts[":username"].domains.$post({ param: { username: segment(username) }, json: { domain } }),
      );
      return outcome(answer, (claim, look) => `${domainCard(claim, look)}\n\n${nextStep(username, claim)}`, {
        ...UNKNOWN_ACCOUNT,
        409: `If the claim is ${username}'s own, see it with: mailhop domain show ${username} ${domain}`,
      });
    },
  ),
  {
    brief: message`Claim a domain for an account.`,
    description:
      message`Claims a domain for an account. Once the record that is shown stands in the domain's DNS and was verified, no other account sends as the domain or as one below it.`,
    footer: examples("domain claim alice example.com"),
  },
);

const list = command(
  "list",
  map(object({ username: username() }), ({ username }): Command => async ({ api }) => {
    const answer = await everyPage((cursor) =>
      ask(api.v1.accounts[":username"].domains.$get({ param: { username: segment(username) }, query: { cursor } }))
    );
    return outcome(answer, ({ items }, look) => domainTable(username, items, look), UNKNOWN_ACCOUNT);
  }),
  { brief: message`List an account's claims.`, footer: examples("domain list alice") },
);

const show = command(
  "show",
  map(
    object({ username: username(), domain: domainArgument() }),
    ({ username, domain }): Command => async ({ api }) => {
      const answer = await ask(
        api.v1.accounts[":username"].domains[":domain"].$get({
          param: { username: segment(username), domain: segment(domain) },
        }),
      );
      return outcome(
        answer,
        (claim, look) => `${domainCard(claim, look)}\n\n${checksText(claim.checks, look)}`,
        claimed(username),
      );
    },
  ),
  {
    brief: message`Show a claim, and whether its DNS records are right.`,
    description:
      message`Shows a claim, and looks up now whether the domain's MX, SPF, DKIM and DMARC records let its mail through this service pass; what is missing is shown as it is to be published.`,
    footer: examples("domain show alice example.com"),
  },
);

const verify = command(
  "verify",
  map(
    object({ username: username(), domain: domainArgument() }),
    ({ username, domain }): Command => async ({ api }) => {
      const answer = await ask(
        api.v1.accounts[":username"].domains[":domain"].verify.$post({
          param: { username: segment(username), domain: segment(domain) },
        }),
      );
      return outcome(answer, (claim) => `${claim.domain} is ${username}'s: no other account sends as it.`, {
        ...claimed(username),
        422: "A new record may take some minutes until it is seen everywhere. Then run it again.",
        503: "Trouble in the DNS: run it again in a minute.",
      });
    },
  ),
  {
    brief: message`Look a claim's DNS record up now.`,
    description:
      message`Looks a claim's DNS record up now. Leave the record there: it is looked up daily, and a claim whose record is gone for days lapses.`,
    footer: examples("domain verify alice example.com"),
  },
);

const remove = command(
  "remove",
  map(
    object({ username: username(), domain: domainArgument() }),
    ({ username, domain }): Command => async ({ api }) => {
      const answer = await ask(
        api.v1.accounts[":username"].domains[":domain"].$delete({
          param: { username: segment(username), domain: segment(domain) },
        }),
      );
      return outcome(answer, () => `${username} claims ${domain} no longer.`, claimed(username));
    },
  ),
  { brief: message`Give a claim up.`, footer: examples("domain remove alice example.com") },
);

/** `mailhop domain`. */
export const domain = command("domain", or(claim, list, show, verify, remove), {
  brief: message`Domains that are an account's alone.`,
  footer: examples("domain claim alice example.com", "domain verify alice example.com"),
});

export function nextStep(username: string, { domain }: Domain): string {
  return `Publish this record, then run: mailhop domain verify ${username} ${domain}`;
}

export function domainCard(claim: Domain, look: Look): string {
  const { domain, record } = claim;
  return card(look, [
    ["Domain", { text: domain, style: "strong" }],
    ["State", stateCell(claim)],
    ["Name", record.name],
    ["Type", record.type],
    ["Value", { text: record.value, style: "strong" }],
  ]);
}

function domainTable(username: string, claims: readonly Domain[], look: Look): string {
  if (claims.length === 0) return `No domains. Claim one with: mailhop domain claim ${username} <domain>`;
  return table(look, [{ head: "DOMAIN" }, { head: "STATE" }], claims.map((claim) => [claim.domain, stateCell(claim)]));
}

function stateCell({ verifiedAt, missedChecks }: Domain): Cell {
  if (verifiedAt === null) return { text: "not verified", style: "warning" };
  const since = `verified ${absolute(verifiedAt)}`;
  if (missedChecks === 0) return { text: since, style: "good" };
  return { text: `${since}, but the record is gone: publish it again`, style: "bad" };
}
