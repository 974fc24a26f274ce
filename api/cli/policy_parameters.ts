/** `mailhop policy parameters | set | unset | history`: the policy's figures, and who changed what. */
import { argument, command, map, message, multiple, object } from "@optique/core";
import { ask, type Parameter, type PolicyChange } from "./api.ts";
import { type Command, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { everyPage, type Page } from "./pages.ts";
import { shortHash } from "./policy_module.ts";
import { type Look, table } from "./render.ts";
import { type Assignment, assignment, name } from "./value_parsers.ts";
import { absolute } from "./when.ts";

const NAMES = { 400: "The parameters there are: mailhop policy parameters" };

export const parameters = command(
  "parameters",
  map(
    object({}),
    (): Command => async ({ api }) => outcome(await ask(api.v1.policy.parameters.$get()), parameterTable),
  ),
  { brief: message`List the policy's figures.`, footer: examples("policy parameters") },
);

export const set = command(
  "set",
  map(
    object({
      assignments: multiple(argument(assignment(), { description: message`A parameter and its new value.` }), {
        min: 1,
      }),
    }),
    ({ assignments }) => change(assignments),
  ),
  {
    brief: message`Set figures of the policy.`,
    description: message`Sets parameters, on all nodes within seconds. What is set goes before the server's settings.`,
    footer: examples("policy set maxRecipients=50", "policy set brakeFloorRelays=300 brakeRelaysPercent=500"),
  },
);

export const unset = command(
  "unset",
  map(
    object({ names: multiple(argument(name("NAME"), { description: message`A parameter.` }), { min: 1 }) }),
    ({ names }) => change(names.map((name) => ({ name, value: null }))),
  ),
  { brief: message`Go back to what the settings say.`, footer: examples("policy unset maxRecipients") },
);

export const history = command(
  "history",
  map(object({}), (): Command => async ({ api }) => {
    const answer = await everyPage((cursor) => ask(api.v1.policy.history.$get({ query: { cursor } })));
    return outcome(answer, historyTable);
  }),
  { brief: message`Show who changed the policy, and how.`, footer: examples("policy history") },
);

function change(assignments: readonly (Omit<Assignment, "value"> & { readonly value: number | null })[]): Command {
  const json = Object.fromEntries(assignments.map(({ name, value }) => [name, value]));
  return async ({ api }) => {
    const answer = await ask(api.v1.policy.parameters.$patch({ json }));
    const ofThese = ({ items }: Page<Parameter>, look: Look) =>
      parameterTable({ items: items.filter(({ name }) => name in json), next: null }, look);
    return outcome(answer, ofThese, NAMES);
  };
}

function parameterTable({ items }: Page<Parameter>, look: Look): string {
  return table(
    look,
    [{ head: "NAME" }, { head: "VALUE", align: "right" }, { head: "SETTINGS", align: "right" }, { head: "MEANING" }],
    items.map(({ name, value, isSet, unit, meaning, ...settings }) => [
      name,
      { text: String(value), style: isSet ? "strong" : "plain" },
      String(settings.default),
      `${unit}: ${meaning}`,
    ]),
  );
}

function historyTable({ items }: Page<PolicyChange>, look: Look): string {
  if (items.length === 0) return "Nothing was changed yet: the program's own module decides, by the settings.";
  return table(
    look,
    [{ head: "VERSION", align: "right" }, { head: "AT" }, { head: "WHO" }, { head: "WHAT" }, { head: "ACTIVE" }, {
      head: "SHADOW",
    }, { head: "DETAIL" }],
    items.map(({ version, at, who, what, active, shadow, detail }) => [
      String(version),
      absolute(at),
      who,
      what,
      shortHash(active),
      shadow === null ? "" : shortHash(shadow),
      detail ?? "",
    ]),
  );
}
