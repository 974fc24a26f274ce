/** How `mailhop setup` tells what it found: the account, the domain's records, and what to set up. Pure. */
import type { Account, CheckedDomain, ClientSettings, Quota } from "./api.ts";
import { checksText } from "./domain_checks.ts";
import { domainCard, nextStep } from "./domain.ts";
import { amount, card, type Cell, type Look, printable, show } from "./render.ts";

/** What was found and done. */
export interface SetUp {
  readonly account: Account;
  readonly quota: Quota;
  readonly domain: CheckedDomain | null;
  readonly settings: ClientSettings;
}

export function setupText(setUp: SetUp, look: Look): string {
  const { program } = setUp.settings;
  const parts = [
    accountText(setUp, look),
    ...domainTexts(setUp, look),
    `${heading("What to set up", look)}\n${settingsCard(setUp, look)}`,
    // Its lines are the page's own; nothing of them is to control the terminal.
    ...(program === null ? [] : [program.text.trim().split("\n").map(printable).join("\n")]),
    ...helpText(setUp),
  ];
  return parts.join("\n\n");
}

function accountText({ account: { username, status }, quota: { limit, pending } }: SetUp, look: Look): string {
  const blocks: Cell = limit > 0
    ? amount(limit, "relay") + " a day"
    : pending.length > 0
    ? { text: "none yet: a block was bought, and counts soon", style: "warning" }
    : { text: `none: mailhop block buy ${username}`, style: "bad" };
  return card(look, [
    ["Account", { text: username, style: "strong" }],
    ["Status", { text: status, style: status === "active" ? "good" : "bad" }],
    ["Relays", blocks],
  ]);
}

function domainTexts({ account: { username }, domain }: SetUp, look: Look): string[] {
  if (domain === null) return [];
  const again = domain.verifiedAt === null
    ? `${nextStep(username, domain)}\n(or this command again)`
    : `${domain.domain} is ${username}'s: no other account sends as it. Leave the record there.`;
  return [domainCard(domain, look), again, `${heading("Its other records", look)}\n${checksText(domain.checks, look)}`];
}

function settingsCard({ account: { username }, settings }: SetUp, look: Look): string {
  const { server, starttlsPorts, tlsPorts } = settings;
  return card(look, [
    ["Server", { text: server, style: "strong" }],
    ...(starttlsPorts.length === 0 ? [] : [["STARTTLS", `port ${starttlsPorts.join(", ")}`] as const]),
    ...(tlsPorts.length === 0 ? [] : [["TLS", `port ${tlsPorts.join(", ")}`] as const]),
    ["Username", { text: username, style: "strong" }],
    ["Password", `the account's, or one for this program: mailhop app-password create ${username} <label>`],
    ["Method", "normal password (PLAIN or LOGIN)"],
  ]);
}

function helpText({ account: { username }, settings: { helpUrl, program } }: SetUp): string[] {
  if (helpUrl === null) return [];
  const page = program === null ? "" : `/${program.name}`;
  return [`In a browser: ${helpUrl}${page}?user=${encodeURIComponent(username)}`];
}

function heading(text: string, look: Look): string {
  return show(look, { text, style: "strong" });
}
