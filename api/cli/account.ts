/** `mailhop account …`: makes accounts, shows them, suspends them, changes their passwords. */
import { argument, choice, command, integer, map, message, object, option, optional, or, string } from "@optique/core";
import { type Account, ask, segment } from "./api.ts";
import { type Advice, type Command, type Outcome, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { everyPage } from "./pages.ts";
import { obtainPassword, passwordSource } from "./password.ts";
import { card, type Cell, type Look, table } from "./render.ts";
import { username } from "./value_parsers.ts";
import { absolute } from "./when.ts";

export const UNKNOWN_ACCOUNT: Advice = { 404: { operator: "The accounts there are: mailhop account list" } };

const create = command(
  "create",
  map(
    object({
      username: username(),
      email: optional(
        option("--email", string({ metavar: "ADDRESS" }), { description: message`Where notices to the customer go.` }),
      ),
      password: passwordSource(),
    }),
    ({ username, email, password }): Command => async ({ api, terminal, randomBytes }) => {
      const obtained = await obtainPassword(password, terminal, randomBytes);
      if (obtained.kind === "none") return { kind: "misused", why: obtained.why };
      const answer = await ask(api.v1.accounts.$post({ json: { username, password: obtained.text, email } }));
      const advice = { 409: `See it with: mailhop account show ${username}` };
      return withPassword(
        obtained,
        outcome(answer, (account, look) => `${accountCard(account, look)}\n\n${nextStep(account)}`, advice),
      );
    },
  ),
  {
    brief: message`Make an account.`,
    description: message`Makes an account. Without one of the password options, asks twice for its password.`,
    footer: examples("account create alice", "account create bob --email bob@example.com --generate"),
  },
);

const list = command(
  "list",
  map(object({}), (): Command => async ({ api }) => {
    const answer = await everyPage((cursor) => ask(api.v1.accounts.$get({ query: { cursor } })));
    return outcome(answer, ({ items }, look) => accountTable(items, look));
  }),
  { brief: message`List all accounts.`, footer: examples("account list", "account list --json") },
);

const show = command(
  "show",
  map(object({ username: username() }), ({ username }): Command => async ({ api }) => {
    const answer = await ask(api.v1.accounts[":username"].$get({ param: { username: segment(username) } }));
    return outcome(answer, accountCard, UNKNOWN_ACCOUNT);
  }),
  { brief: message`Show an account.`, footer: examples("account show alice") },
);

const suspend = command("suspend", setStatus("suspended"), {
  brief: message`Suspend an account: it cannot send.`,
  description: message`Suspends an account. Mail that was accepted before is still delivered.`,
  footer: examples("account suspend alice"),
});

const activate = command("activate", setStatus("active"), {
  brief: message`End an account's suspension.`,
  footer: examples("account activate alice"),
});

const password = command(
  "password",
  map(
    object({ username: username(), password: passwordSource() }),
    ({ username, password }): Command => async ({ api, terminal, randomBytes }) => {
      const obtained = await obtainPassword(password, terminal, randomBytes);
      if (obtained.kind === "none") return { kind: "misused", why: obtained.why };
      const answer = await ask(
        api.v1.accounts[":username"].password.$put({
          param: { username: segment(username) },
          header: {},
          json: { password: obtained.text },
        }),
      );
      return withPassword(obtained, outcome(answer, () => `The password of ${username} is changed.`, UNKNOWN_ACCOUNT));
    },
  ),
  {
    brief: message`Change an account's password.`,
    description: message`Changes an account's password. Without one of the password options, asks twice for it.`,
    footer: examples("account password alice", "pass show alice | mailhop account password alice --password-stdin"),
  },
);

const ndr = command(
  "ndr",
  map(
    object({
      username: username(),
      choice: argument(choice(["count", "limit", "refuse"], { metavar: "CHOICE" }), {
        description: message`Count them as any mail, limit them to a share of the day, or refuse them.`,
      }),
      sharePercent: optional(
        option("--share", integer({ min: 1, max: 100, metavar: "PERCENT" }), {
          description: message`With limit: the share; the service's own figure if left out.`,
        }),
      ),
    }),
    ({ username, choice, sharePercent }): Command => async ({ api }) => {
      if (sharePercent !== undefined && choice !== "limit") {
        return { kind: "misused", why: `--share goes with limit: mailhop account ndr ${username} limit --share 20` };
      }
      const json = { ndr: { choice, sharePercent: sharePercent ?? null } };
      const param = { username: segment(username) };
      const answer = await ask(api.v1.accounts[":username"].$patch({ param, header: {}, json }));
      return outcome(answer, accountCard, UNKNOWN_ACCOUNT);
    },
  ),
  {
    brief: message`Say what is done with non-delivery reports.`,
    description:
      message`Says what is done with the non-delivery reports of an account's own mail server, which can use its day up. Recipient filtering on that server is the better cure.`,
    footer: examples("account ndr alice limit --share 10", "account ndr alice refuse"),
  },
);

const notices = command(
  "notices",
  map(
    object({
      username: username(),
      mail: optional(
        option("--mail", choice(["on", "off"], { metavar: "ON-OR-OFF" }), {
          description: message`Whether they go to the account's address, too.`,
        }),
      ),
      email: optional(
        option("--email", string({ metavar: "ADDRESS" }), { description: message`The account's address from now on.` }),
      ),
    }),
    ({ username, mail, email }): Command => async ({ api }) => {
      if (mail === undefined && email === undefined) {
        return { kind: "misused", why: `Say what is to change: mailhop account notices ${username} --mail off` };
      }
      const json = { email, ...(mail !== undefined && { noticeMail: mail === "on" }) };
      const answer = await ask(
        api.v1.accounts[":username"].$patch({ param: { username: segment(username) }, header: {}, json }),
      );
      return outcome(answer, accountCard, UNKNOWN_ACCOUNT);
    },
  ),
  {
    brief: message`Say where an account's notices go.`,
    description: message`Says whether notices go to an account's e-mail address, too, and which one that is.`,
    footer: examples("account notices alice --mail off", "account notices alice --email alice@example.com"),
  },
);

const release = command(
  "release",
  map(
    object({
      username: username(),
      hours: optional(
        option("--hours", integer({ min: 1, metavar: "N" }), { description: message`For so long; a day if left out.` }),
      ),
    }),
    ({ username, hours }): Command => async ({ api }) => {
      const param = { username: segment(username) };
      const answer = await ask(api.v1.accounts[":username"].brake.release.$post({ param, json: { hours } }));
      return outcome(answer, accountCard, UNKNOWN_ACCOUNT);
    },
  ),
  {
    brief: message`Release an account from the brake.`,
    description: message`Releases an account that is held back because its day is far beyond its habit.`,
    footer: examples("account release alice", "account release alice --hours 72"),
  },
);

/** `mailhop account`. */
export const account = command("account", or(create, list, show, suspend, activate, password, ndr, notices, release), {
  brief: message`Make, show, suspend accounts; change passwords.`,
  footer: examples("account create alice", "account suspend alice", "account list"),
});

function setStatus(status: Account["status"]) {
  return map(object({ username: username() }), ({ username }): Command => async ({ api }) => {
    const param = { username: segment(username) };
    const answer = await ask(api.v1.accounts[":username"].$patch({ param, header: {}, json: { status } }));
    return outcome(answer, accountCard, UNKNOWN_ACCOUNT);
  });
}

/** A password that was made here is told once, and only if the API took it. */
function withPassword(password: { readonly text: string; readonly generated: boolean }, done: Outcome): Outcome {
  return done.kind === "done" && password.generated ? { ...done, aside: `Password: ${password.text}` } : done;
}

const statusCell = (status: Account["status"]): Cell => ({ text: status, style: status === "active" ? "good" : "bad" });

/** What was not chosen is not shown: reports are counted as any mail, notices are mailed, and the brake holds. */
function choices({ ndr, brakeReleasedUntil, noticeMail }: Account, look: Look): [string, Cell][] {
  const share = ndr.sharePercent === null ? "the service's share" : `${ndr.sharePercent} %`;
  const reports: [string, Cell] = ["Reports", ndr.choice === "limit" ? `limited to ${share} of the day` : "refused"];
  const released = brakeReleasedUntil !== null && Date.parse(brakeReleasedUntil) > look.now;
  return [
    ...(ndr.choice === "count" ? [] : [reports]),
    ...(noticeMail ? [] : [["Notices", "not by mail"] satisfies [string, Cell]]),
    ...(released ? [["Brake", `released until ${absolute(brakeReleasedUntil)}`] satisfies [string, Cell]] : []),
  ];
}

function accountCard(account: Account, look: Look): string {
  const { username, email, status, createdAt } = account;
  return card(look, [
    ["Account", { text: username, style: "strong" }],
    ["Status", statusCell(status)],
    ["E-mail", email ?? "none"],
    ["Created", absolute(createdAt)],
    ...choices(account, look),
  ]);
}

function accountTable(accounts: readonly Account[], look: Look): string {
  if (accounts.length === 0) return "No accounts yet. Make one with: mailhop account create <username>";
  return table(
    look,
    [{ head: "USERNAME" }, { head: "STATUS" }, { head: "E-MAIL" }, { head: "CREATED" }],
    accounts.map(({ username, status, email, createdAt }) => [
      username,
      statusCell(status),
      email ?? "",
      absolute(createdAt),
    ]),
  );
}

const nextStep = ({ username }: Account) => `It can send once it has a block: mailhop block buy ${username}`;
