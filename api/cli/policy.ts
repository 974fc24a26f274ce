/** `mailhop policy …`: what decides about mail, and how it is tried, tuned and swapped. */
import { command, message, or } from "@optique/core";
import { examples } from "./help.ts";
import { explain } from "./policy_explain.ts";
import { activate, load, rollback, shadow, show } from "./policy_module.ts";
import { history, parameters, set, unset } from "./policy_parameters.ts";
import { replay } from "./policy_replay.ts";

/** `mailhop policy`. */
export const policy = command(
  "policy",
  or(or(show, explain, parameters, set, unset, history), or(load, activate, rollback, shadow, replay)),
  {
    brief: message`Try, tune and swap the policy.`,
    footer: examples(
      "policy explain alice alice@example.com bob@example.net",
      "policy load new.wasm --shadow",
      "policy replay --module new.wasm --since 24h",
    ),
  },
);
