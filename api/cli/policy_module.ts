/** `mailhop policy show | load | activate | rollback | shadow stop`: which module decides. */
import { argument, command, flag, map, message, object, optional, or } from "@optique/core";
import type { Client } from "../client.ts";
import { type Answer, ask, type Policy } from "./api.ts";
import { type Command, type Context, type FileCommand, type Outcome, outcome } from "./command.ts";
import { examples } from "./help.ts";
import { amount, card, type Cell, type Look, table } from "./render.ts";
import { file, name } from "./value_parsers.ts";
import { absolute, ago } from "./when.ts";

/** Nodes ask every second; what takes longer than this is shown as it stands. */
const TAKE_OVER_MS = 5000;
const POLL_MS = 250;

const UNKNOWN_MODULE = { 404: "The modules there are: mailhop policy history" };

export const show = command(
  "show",
  map(object({}), (): Command => async ({ api }) => outcome(await ask(api.v1.policy.$get()), policyText)),
  { brief: message`Show which module decides, and where.`, footer: examples("policy show", "policy show --json") },
);

export const load = command(
  "load",
  map(
    object({
      file: argument(file(), { description: message`A WebAssembly module that keeps the ABI.` }),
      shadow: optional(
        flag("--shadow", { description: message`Have it run beside the active one, deciding nothing.` }),
      ),
    }),
    ({ file, shadow }): FileCommand => ({
      file,
      with: (octets) => (context) => {
        const as = shadow === true ? "shadow" as const : "active" as const;
        return changed(
          context,
          ask(put(context.api, octets, as)),
          "The module keeps the ABI and passes the self-test.",
        );
      },
    }),
  ),
  {
    brief: message`Load a module.`,
    description:
      message`Has a module checked, and makes it the active one on all nodes, without losing a session. With --shadow it runs beside the active one, and what it would decide otherwise is counted.`,
    footer: examples("policy load new.wasm --shadow", "policy load new.wasm"),
  },
);

export const activate = command(
  "activate",
  map(
    object({ hash: argument(name("HASH"), { description: message`Of a module that was loaded, or ${"own"}.` }) }),
    ({ hash }): Command => (context) =>
      changed(context, ask(context.api.v1.policy.$patch({ json: { active: hash } })), null),
  ),
  {
    brief: message`Activate a module that was loaded before.`,
    footer: examples("policy activate own"),
  },
);

export const rollback = command(
  "rollback",
  map(object({}), (): Command => (context) => changed(context, ask(context.api.v1.policy.rollback.$post()), null)),
  { brief: message`Go back to the last good module.`, footer: examples("policy rollback") },
);

const stop = command(
  "stop",
  map(object({}), (): Command => async ({ api }) => {
    const answer = await ask(api.v1.policy.$patch({ json: { shadow: null } }));
    return outcome(answer, () => "No module runs beside the active one.");
  }),
  { brief: message`End the module that runs beside the active one.`, footer: examples("policy shadow stop") },
);

export const shadow = command("shadow", or(stop), {
  brief: message`What runs beside the active module.`,
  footer: examples("policy shadow stop", "policy load new.wasm --shadow"),
});

/** The typed client knows bodies of JSON and of forms; this one is octets. */
const put = (api: Client, octets: Uint8Array<ArrayBuffer>, as: "active" | "shadow") =>
  api.v1.policy.$put({ query: { as } }, { headers: { "content-type": "application/wasm" }, init: { body: octets } });

/** Waits for the nodes to take a change over, and shows how far they are. */
async function changed(context: Context, call: Promise<Answer<Policy>>, said: string | null): Promise<Outcome> {
  let answer = await call;
  const { api, pause } = context;
  for (let waited = 0; answer.ok && isAwaited(answer.body) && waited < TAKE_OVER_MS; waited += POLL_MS) {
    await pause(POLL_MS);
    answer = await ask(api.v1.policy.$get());
  }
  const text = (policy: Policy, look: Look) => `${said === null ? "" : `${said}\n\n`}${policyText(policy, look)}`;
  return outcome(answer, text, UNKNOWN_MODULE);
}

const isAwaited = ({ nodes }: Policy): boolean => nodes.some(({ upToDate }) => !upToDate);

function policyText(policy: Policy, look: Look): string {
  const { active, shadow, lastGood, version, parameters } = policy;
  const set = parameters.filter(({ isSet }) => isSet).map(({ name, value }) => `${name} ${value}`);
  const rows: [string, Cell][] = [
    ["Active", { text: moduleWords(active), style: "strong" }],
    ["Since", active.since === null ? "the first start" : absolute(active.since)],
    ["Last good", moduleWords(lastGood)],
    ["Set", set.length === 0 ? "no parameters" : set.join(", ")],
    ["Version", String(version)],
  ];
  if (shadow !== null) {
    const { compared, left } = shadow;
    const others = left === 0 ? "" : `, ${amount(left, "other")} left out`;
    rows.push(["Shadow", moduleWords(shadow)], ["Compared", `${amount(compared, "decision")}${others}`]);
  }
  return [card(look, rows), ...differences(policy, look), nodes(policy, look)].join("\n\n");
}

const moduleWords = ({ hash, own }: { hash: string; own: boolean }): string => own ? `own (${hash})` : hash;

function differences({ shadow }: Policy, look: Look): string[] {
  if (shadow === null || shadow.differences.length === 0) return [];
  return [table(
    look,
    [{ head: "STAGE" }, { head: "WAS" }, { head: "WOULD BE" }, { head: "COUNT", align: "right" }],
    shadow.differences.map(({ stage, was, would, count }) => [stage, was, would, String(count)]),
  )];
}

function nodes({ nodes }: Policy, look: Look): string {
  if (nodes.length === 0) return "No node has asked for the policy within the last minute.";
  return table(
    look,
    [{ head: "NODE" }, { head: "MODULE" }, { head: "STATE" }, { head: "SEEN" }, { head: "DROPPED", align: "right" }],
    nodes.map(({ node, module, upToDate, seenAt, dropped }) => [
      node,
      shortHash(module),
      upToDate ? { text: "up to date", style: "good" } : { text: "not yet", style: "warning" },
      ago(seenAt, look.now),
      String(dropped),
    ]),
  );
}

/** Enough of a hash to tell modules apart at a glance. */
export const shortHash = (hash: string): string => hash.slice(0, 12);
