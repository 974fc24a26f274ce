/** `mailhop policy explain`: what would happen to a message, what it would cost, and why, rule by rule. */
import {
  argument,
  command,
  map,
  message,
  multiple,
  object,
  option,
  optional,
  string,
  withDefault,
} from "@optique/core";
import { UNKNOWN_ACCOUNT } from "./account.ts";
import { ask, type Evaluation } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { amount, card, type Cell, type Look, table } from "./render.ts";
import { instant, size, username } from "./value_parsers.ts";
import { absolute, resolveInstant } from "./when.ts";

const address = (description: ReturnType<typeof message>) => argument(string({ metavar: "ADDRESS" }), { description });

export const explain = command(
  "explain",
  map(
    object({
      account: username(),
      sender: address(message`The sender (reverse path); ${"<>"} for the null one.`),
      recipients: multiple(address(message`A recipient.`), { min: 1 }),
      size: withDefault(option("--size", size(), { description: message`Of the message; nothing if left out.` }), 0),
      at: optional(option("--at", instant(), { description: message`Today or later; now if left out.` })),
    }),
    ({ account, sender, recipients, size, at }): Command => async ({ api, now }) => {
      const from = sender === "<>" ? "" : sender;
      const json = { account, sender: from, recipients: [...recipients], size, at: at && resolveInstant(at, now()) };
      return outcome(await ask(api.v1.policy.evaluate.$post({ json })), evaluationText, UNKNOWN_ACCOUNT);
    },
  ),
  {
    brief: message`Try a message: would it be accepted, and why?`,
    description:
      message`Says what would happen to a message, what it would cost, and what each rule says of it. Nothing is sent, counted or changed.`,
    footer: examples(
      "policy explain alice alice@example.com bob@example.net",
      "policy explain alice alice@example.com bob@example.net --size 10MB --at 2026-11-24T00:00:00Z",
    ),
  },
);

type Step = Evaluation["steps"][number];

function evaluationText(evaluation: Evaluation, look: Look): string {
  const { at, module, price, accepted, steps } = evaluation;
  const tried = steps.filter(({ stage }) => stage === "recipient").length;
  const rows: [string, Cell][] = [
    ["Outcome", outcomeCell(evaluation)],
    ["Price", amount(price, "relay")],
    ...(tried === 0 ? [] : [["Recipients", `${accepted.length} of ${tried} accepted`] satisfies [string, Cell]]),
    ["At", absolute(at)],
    ["Module", module.own ? `own (${module.hash})` : module.hash],
  ];
  return `${card(look, rows)}\n\n${ruleTable(steps, look)}`;
}

function outcomeCell({ outcome }: Evaluation): Cell {
  if (outcome?.reply == null) return { text: "accepted", style: "good" };
  const { code, status, text } = outcome.reply;
  return { text: `${code} ${status} ${text}`, style: code < 500 ? "warning" : "bad" };
}

/** A step's name stands at its first rule. */
function ruleTable(steps: readonly Step[], look: Look): string {
  return table(
    look,
    [{ head: "STAGE" }, { head: "ABOUT" }, { head: "RULE" }, { head: "VERDICT" }],
    steps.flatMap(({ stage, subject, rules }) =>
      rules.map(({ rule, ...verdict }, n) => [n === 0 ? stage : "", n === 0 ? subject ?? "" : "", rule, words(verdict)])
    ),
  );
}

function words({ reason, data }: Pick<Step, "reason" | "data">): Cell {
  const facts = Object.entries(data).filter(([, value]) => value !== null).map(([name, value]) => `${name} ${value}`);
  return { text: [reason, ...facts].join(", "), style: reason === "accepted" ? "good" : "bad" };
}
