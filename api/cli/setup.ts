/**
 * `mailhop setup`: from an account to a mail program that sends. It asks for what it was not told, claims the domain or
 * looks the claim up again, and shows which records to publish and what to set up.
 *
 * It may be run again at any time, and goes on from where things are.
 */
import { argument, command, flag, map, message, object, option, optional, or } from "@optique/core";
import { type Answer, ask, type CheckedDomain, type ClientSettings, type Problem, segment } from "./api.ts";
import { UNKNOWN_ACCOUNT } from "./account.ts";
import type { Context, Outcome, TokenCommand, Words } from "./command.ts";
import { examples } from "./help.ts";
import { type SetUp, setupText } from "./setup_text.ts";
import type { Terminal } from "./terminal.ts";
import { name } from "./value_parsers.ts";

/** What the command line says; undefined is to be asked for, null is the wish to have none. */
interface Choices {
  readonly username: string | undefined;
  readonly domain: string | null | undefined;
  readonly program: string | null | undefined;
}

const none = (name: "--no-domain" | "--no-program", what: ReturnType<typeof message>) =>
  map(flag(name, { description: what }), () => null);

/** `mailhop setup`. */
export const setup = command(
  "setup",
  map(
    object({
      username: optional(argument(name("USERNAME"), { description: message`The account's username.` })),
      domain: optional(or(
        option("--domain", name("DOMAIN"), { description: message`The domain that mail is sent from.` }),
        none("--no-domain", message`Leave the domain for later.`),
      )),
      program: optional(or(
        option("--program", name("NAME"), {
          description: message`The program to set up, such as ${"thunderbird"} or ${"postfix"}.`,
        }),
        none("--no-program", message`Show the settings that hold for all programs.`),
      )),
      tokenStdin: optional(flag("--token-stdin", {
        description: message`Read the account's key, or the operator's token, from the standard input.`,
      })),
    }),
    ({ tokenStdin, ...choices }): TokenCommand => ({
      token: tokenStdin ? "stdin" : "ask",
      with: (context) => run(context, choices),
    }),
  ),
  {
    brief: message`Set up a domain and a mail program, step by step.`,
    description:
      message`Asks for an account, the domain that it sends from and the mail program; claims the domain, or looks the claim up again; and shows which records to publish and what to set up. What is said on the command line is not asked for. Without a terminal nothing is.`,
    footer: examples("setup", "setup alice --domain example.com --program thunderbird"),
  },
);

async function run({ api, terminal }: Context, choices: Choices): Promise<Outcome> {
  const username = await choose(terminal, choices.username, "Username of the account: ");
  if (!username) return missing("the account's username");
  const account = await ask(api.v1.accounts[":username"].$get({ param: { username: segment(username) } }));
  if (!account.ok) return refused(account.problem, UNKNOWN_ACCOUNT[account.problem.status]);
  const quota = await ask(api.v1.accounts[":username"].quota.$get({ param: { username: segment(username) } }));
  if (!quota.ok) return refused(quota.problem);

  const chosen = await choose(terminal, choices.domain, "Domain that mail is sent from (empty: later): ");
  if (chosen === undefined) return missing("--domain or --no-domain");
  const domain = chosen === null ? null : await claim({ api, terminal }, username, chosen);
  if (domain !== null && !domain.ok) return refused(domain.problem);

  const settingsFor = (program?: string) =>
    ask(api.v1.accounts[":username"]["client-settings"].$get({
      param: { username: segment(username) },
      query: { program },
    }));
  let settings: Answer<ClientSettings> = await settingsFor();
  if (!settings.ok) return refused(settings.problem);
  const names = settings.body.programs.map(({ name }) => name).join(", ");
  const program = await choose(terminal, choices.program, `Programs: ${names}\nProgram to set up (empty: any): `);
  if (program === undefined) return missing("--program or --no-program");
  if (program !== null) settings = await settingsFor(program);
  if (!settings.ok) return refused(settings.problem, `The programs there are: ${names}`);

  const setUp: SetUp = {
    account: account.body,
    quota: quota.body,
    domain: domain?.body ?? null,
    settings: settings.body,
  };
  return { kind: "done", json: JSON.stringify(setUp), text: (look) => setupText(setUp, look) };
}

/**
 * What the command line says, or else what somebody answers; null: none. undefined: nobody says anything.
 */
async function choose(terminal: Terminal, said: string | null | undefined, question: string) {
  if (said !== undefined) return said;
  if (!terminal.interactive) return undefined;
  const line = await terminal.ask(question);
  if (line.kind === "cancelled") return undefined;
  return line.text === "" ? null : line.text;
}

/** The claim as it stands, made where there was none, and verified if its record is there. */
async function claim(
  { api, terminal }: Pick<Context, "api" | "terminal">,
  username: string,
  domain: string,
): Promise<Answer<CheckedDomain>> {
  const { domains } = api.v1.accounts[":username"];
  const param = { username: segment(username), domain: segment(domain) };
  terminal.status(`Looking ${domain} up …`);
  try {
    const found = await ask(domains[":domain"].$get({ param }));
    if (found.ok && found.body.verifiedAt !== null) return found;
    if (!found.ok) {
      if (found.problem.status !== 404) return found;
      const made = await ask(domains.$post({ param: { username: segment(username) }, json: { domain } }));
      if (!made.ok) return made;
    }
    const verified = await ask(domains[":domain"].verify.$post({ param }));
    // Its record is not there yet, or the DNS has trouble: that is what the claim says, too.
    if (!verified.ok && ![422, 503].includes(verified.problem.status)) return verified;
    return await ask(domains[":domain"].$get({ param }));
  } finally {
    terminal.status("");
  }
}

const refused = (problem: Problem, advice: Words | null = null): Outcome => ({ kind: "refused", problem, advice });
const missing = (what: string): Outcome => ({
  kind: "misused",
  why: `Not told, and nobody to ask: ${what}. See mailhop setup --help`,
});
